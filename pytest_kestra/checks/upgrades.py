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
    """Tell of a flow's file what is wrong on the line before, and what is wrong on the line after it only."""

    file: str
    before: tuple[Finding, ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def state(self) -> str:
        """How the flow stands: `ready`, `breaks`, or `wrong` on both lines."""
        if self.obstacles:
            return "breaks"
        return "wrong" if self.before else "ready"


def compare(sources: Sequence[FlowSource], before: Sequence[Finding], after: Sequence[Finding]) -> list[Upgrade]:
    """Return what each flow comes to; findings are those of both lines, of which errors count.

    What the line before calls deprecated is what to do about an error at the same place.
    """
    advice: dict[tuple[str, int], str] = {}
    for finding in before:
        if finding.severity == "warning":
            advice.setdefault((finding.file, finding.line), finding.message.rstrip("."))
    known = {(finding.file, finding.line, finding.message) for finding in before}

    def upgrade(source: FlowSource) -> Upgrade:
        wrong = tuple(finding for finding in before if finding.file == source.name and finding.severity == "error")
        new = [finding for finding in after if finding.file == source.name and finding.severity == "error"]
        new = [finding for finding in new if (finding.file, finding.line, finding.message) not in known]
        # What was wrong before is told otherwise, at most, after.
        if wrong or not new:
            return Upgrade(source.name, wrong, ())
        every = sorted({*new, *_hidden(source, new)})
        found = [(one, remedy(one.message) or advice.get((one.file, one.line))) for one in every]
        return Upgrade(source.name, (), tuple(Obstacle(*pair) for pair in found))

    return [upgrade(source) for source in sources]


def _hidden(source: FlowSource, told: Sequence[Finding]) -> Iterator[Finding]:
    """Return what a flow as a whole no longer has, where Kestra has stopped before it came to that."""
    for key, _ in source.root.value:
        message = f"A flow has no property {key.value!r}"
        if key.value in OF_FLOWS and not any(one.message.startswith(message) for one in told):
            yield Finding(source.name, key.start_mark.line + 1, "error", f"{message}.")
