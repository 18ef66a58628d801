"""What the checks find."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Finding:
    """Tell what is wrong or doubtful, in which file and, where it is known, at which line."""

    file: str
    line: int
    severity: Severity
    message: str

    @property
    def place(self) -> str:
        """The file, and the line after a colon; line 0 is none."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message}"


def errors_only(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with every warning as an error."""
    return [replace(finding, severity="error") for finding in findings]
