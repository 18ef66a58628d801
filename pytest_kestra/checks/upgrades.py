"""What changes for flows from one line of Kestra to another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_kestra.checks.findings import Finding
from pytest_kestra.flows.remedies import OF_FLOWS, bare, remedy
from pytest_kestra.flows.source import FlowSource


@dataclass(frozen=True)
class Obstacle:
    """Tell what a flow may no longer be, and what to do, where that is known."""

    finding: Finding
    remedy: str | None

    @property
    def what(self) -> str:
        """What is wrong; without the names that there are, where it is known what to do."""
        message = self.finding.message
        return message if self.remedy is None else bare(message)


@dataclass(frozen=True)
class Upgrade:
    """Tell of a flow's file what is wrong on the line before, after it too, and after it only."""

    file: str
    before: tuple[Finding, ...]
    both: tuple[Finding, ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def state(self) -> str:
        """How the flow stands: `ready`, `breaks`, or `wrong` on both lines."""
        if self.obstacles:
            return "breaks"
        return "wrong" if self.both else "ready"


def compare(sources: Sequence[FlowSource], before: Sequence[Finding], after: Sequence[Finding]) -> list[Upgrade]:
    """Return what each flow comes to; findings are those of both lines, of which errors count.

    What the line before calls deprecated is what to do about an error at the same place. Where a flow was wrong before,
    that may be told otherwise after, so only what has a remedy is taken for new.
    """
    advice: dict[tuple[str, int], str] = {}
    for finding in before:
        if finding.severity == "warning":
            advice.setdefault((finding.file, finding.line), finding.message.rstrip("."))

    def upgrade(source: FlowSource) -> Upgrade:
        wrong, told = (_errors(source, findings) for findings in (before, after))
        every = sorted({*told, *_hidden(source, told)}) if told else []
        found = [Obstacle(one, remedy(one.message) or advice.get((one.file, one.line))) for one in every]
        new = [one for one in found if one.finding not in wrong and (one.remedy or not wrong)]
        both = tuple(one.finding for one in found if one not in new)
        return Upgrade(source.name, tuple(wrong), both, tuple(new))

    return [upgrade(source) for source in sources]


def _errors(source: FlowSource, findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.file == source.name and finding.severity == "error"]


def _hidden(source: FlowSource, told: Sequence[Finding]) -> Iterator[Finding]:
    """Return what a flow as a whole no longer has, where Kestra has stopped before it came to that."""
    for key, _ in source.root.value:
        message = f"A flow has no property {key.value!r}"
        if key.value in OF_FLOWS and not any(one.message.startswith(message) for one in told):
            yield Finding(source.name, key.start_mark.line + 1, "error", f"{message}.")
