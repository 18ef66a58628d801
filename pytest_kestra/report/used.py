"""What a test uses of Kestra: what it has made itself, and what it shares with the other tests of a wider scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_kestra.run.execution import Execution
    from pytest_kestra.run.kestra import Kestra
    from pytest_kestra.settings import Settings


@dataclass(eq=False)
class Made:
    """Hold what a fixture has made.

    `name` is that of the fixture, and `settings` are those of the run; `shared` says that other tests use it, too,
    `failed` that one of them has failed, `lost` that the engine on which it was has ended, `told` which of its
    executions an earlier test has exported.
    """

    name: str
    kestra: Kestra
    settings: Settings
    shared: bool
    failed: bool = False
    lost: bool = False
    told: set[str] = field(default_factory=set)


class Used:
    """Take all that a test uses for one; the widest scope comes first."""

    def __init__(self, made: Sequence[Made]) -> None:
        self.made = made

    @property
    def started(self) -> list[str]:
        """The ids of the executions that were started, oldest first."""
        return [execution_id for one in self.made for execution_id in one.kestra.started]

    def known_state(self, execution_id: str) -> str | None:
        """Return the state in which an execution was when it was last read; the server is not asked."""
        found = (one.kestra.known_state(execution_id) for one in self.made)
        return next(filter(None, found), None)

    def execution(self, execution_id: str) -> Execution:
        """Return an execution that was started, by its id; NotFoundError where it was deleted."""
        return next(one.kestra for one in self.made if execution_id in one.kestra.started).execution(execution_id)

    def executions(self) -> list[Execution]:
        """Return all executions; those of flows that were there before only where they were started."""
        return [execution for one in self.made for execution in one.kestra.executions()]

    def untold(self) -> list[Execution]:
        """Return the executions without those that are shared and were exported with an earlier test."""
        return [
            execution
            for one in self.made
            for execution in one.kestra.executions()
            if not (one.shared and execution.id in one.told)
        ]

    def tell(self, executions: Sequence[Execution]) -> None:
        """Remember which executions were exported."""
        for one in self.made:
            one.told.update(execution.id for execution in executions)

    def masked(self, text: str) -> str:
        """Return a text without the secrets that flows know, and without the credentials of the server."""
        for one in self.made:
            text = one.kestra.masked(text)
        return text
