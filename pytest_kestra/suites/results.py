"""How a case has come out, as Kestra defines it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Checked:
    """Tell how one operator of an assertion has come out; `message` says what is wrong."""

    operator: str
    expected: Any
    actual: Any
    success: bool
    task_id: str | None = None
    description: str | None = None
    message: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Checked:
        """Return what Kestra's result of an assertion tells."""
        return cls(
            data["operator"],
            data.get("expected"),
            data.get("actual"),
            success=bool(data["isSuccess"]),
            task_id=data.get("taskId"),
            description=data.get("description"),
            message=data.get("errorMessage"),
        )


@dataclass(frozen=True)
class CaseResult:
    """Tell the results of all assertions of a case, and what kept some from being evaluated."""

    execution_id: str | None
    checked: Sequence[Checked] = ()
    errors: Sequence[str] = field(default=())

    @property
    def state(self) -> str:
        """ERROR where something could not be evaluated, else FAILED or SUCCESS."""
        if self.errors:
            return "ERROR"
        return "SUCCESS" if all(one.success for one in self.checked) else "FAILED"

    @property
    def failed(self) -> list[Checked]:
        """The results that are not as asserted."""
        return [one for one in self.checked if not one.success]
