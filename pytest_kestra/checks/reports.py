"""Findings as people, programs and GitHub read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from pytest_kestra.checks.findings import Finding
from pytest_kestra.github import command, name_of

RED, YELLOW, BOLD, PLAIN = "\033[31m", "\033[33m", "\033[1m", "\033[0m"


def text(findings: Sequence[Finding], flows: int, *, colour: bool = False) -> str:
    """Return a line for each finding, and one that sums them up."""
    lines = [_coloured(finding) if colour else str(finding) for finding in findings]
    return "\n".join([*lines, summary(findings, flows)])


def as_json(findings: Sequence[Finding], flows: int) -> str:
    """Return the findings as JSON, with the numbers of flows, errors and warnings; line 0 is none."""
    errors, warnings = counts(findings)
    listed = [vars(finding) for finding in findings]
    return json.dumps({"flows": flows, "errors": errors, "warnings": warnings, "findings": listed}, indent=2)


def github(findings: Sequence[Finding], flows: int) -> str:
    """Return commands of GitHub Actions, which shows each finding at its line, and a line that sums them up."""
    lines = [command(one.severity, one.message, file=name_of(one.file), line=one.line) for one in findings]
    return "\n".join([*lines, summary(findings, flows)])


FORMATS: dict[str, Callable[[Sequence[Finding], int], str]] = {"text": text, "json": as_json, "github": github}


def counts(findings: Sequence[Finding]) -> tuple[int, int]:
    """Return how many errors and how many warnings there are."""
    errors = sum(finding.severity == "error" for finding in findings)
    return errors, len(findings) - errors


def summary(findings: Sequence[Finding], flows: int) -> str:
    """Return the numbers of flows, errors and warnings in words."""
    errors, warnings = counts(findings)
    return ", ".join(
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((flows, "flow"), (errors, "error"), (warnings, "warning"))
    )


def _coloured(finding: Finding) -> str:
    colour = RED if finding.severity == "error" else YELLOW
    return f"{BOLD}{finding.place}:{PLAIN} {colour}{finding.severity}:{PLAIN} {finding.message}"
