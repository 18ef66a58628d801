"""A mock of a task: what a test says about it, and how it was called."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any

from pytest_kestra.errors import MockError, UnexpectedCallsError, hint
from pytest_kestra.flows.outline import Task
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.mocks.answers import Answers
from pytest_kestra.mocks.calls import Call
from pytest_kestra.records import iteration

SHOWN = 5


class Mock:
    """Stand for a task of the test's flows, or for all of a type, and tell how it was called.

    As a context manager it stands there for the time of a `with` block.
    """

    def __init__(
        self,
        task_id: str | None,
        kind: str | None,
        answers: Answers,
        *,
        read: Callable[[Mock], list[Call]],
        removed: Callable[[Mock], None],
        flow: str | None = None,
        value: object = None,
        render: bool = True,
        required: bool = True,
        check: bool = True,
        fixture: bool = False,
        place: str = "",
    ) -> None:
        if not task_id and not kind:
            raise MockError(
                'What is to be mocked? kestra.mock("fetch") takes the id of a task, '
                'kestra.mock(type="io.kestra.plugin.core.http.*") its type.'
            )
        self.id = secrets.token_hex(4)
        self.task_id = task_id
        self.type = kind
        self.flow = flow
        self.value = None if value is None else iteration(value)
        self.answers = answers
        self.render = render
        self.required = required
        self.check = check
        self.fixture = fixture
        # The file and line of the test that has made it.
        self.place = place
        self._read = read
        self._removed = removed

    def __repr__(self) -> str:
        return f"<Mock of {self.target}>"

    @property
    def target(self) -> str:
        """What is mocked, in words."""
        what = repr(self.task_id) if self.task_id is not None else f"the type {self.type}"
        where = "" if self.flow is None else f" in {self.flow}"
        return f"{what}{where}" + ("" if self.value is None else f" for the iteration {self.value!r}")

    @property
    def is_for_one(self) -> bool:
        """Whether other iterations of a loop are not mocked by this."""
        return self.value is not None or self.fixture

    def means(self, source: FlowSource, task: Task) -> bool:
        """Say whether a task of a flow is mocked by this."""
        if self.flow not in (None, source.id):
            return False
        if self.task_id is not None and self.task_id != task.id:
            return False
        return self.type is None or fnmatchcase(task.type, self.type)

    def data(self) -> dict[str, Any]:
        """Return what the stand-in reads."""
        values = {
            "id": self.id,
            "value": self.value,
            "unrendered": not self.render,
            "asks": self.asked is not None,
            "inTurn": self.answers.in_turn,
            "exact": self.fixture,
        }
        return {name: value for name, value in values.items() if value} | {
            "answers": [answer.data() for answer in self.answers.given]
        }

    @property
    def asked(self) -> Callable[[Call], Any] | None:
        """The function of the test that answers; None where the answers are there before."""
        return self.answers.asked

    @property
    def calls(self) -> list[Call]:
        """The calls so far, the earliest first, of all executions and iterations; a retry is a call, too."""
        return self._read(self)

    @property
    def called(self) -> bool:
        """Whether there was a call."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """How many calls there were."""
        return len(self.calls)

    def assert_called(self) -> None:
        """Verify that there was a call; UnexpectedCallsError where there was none."""
        if not self.calls:
            raise UnexpectedCallsError(f"The mock of {self.target} was expected to be called, but was not.")

    def assert_called_once(self) -> None:
        """Verify that there was one call; UnexpectedCallsError tells those that there were."""
        self._once()

    def assert_called_with(self, **properties: Any) -> None:
        """Verify that the last call had these values of these properties; others are not looked at."""
        self.assert_called()
        self._compare(self.calls[-1], properties, "The last call")

    def assert_called_once_with(self, **properties: Any) -> None:
        """Verify that there was one call, with these values of these properties; others are not looked at."""
        self._compare(self._once(), properties, "The call")

    def assert_not_called(self) -> None:
        """Verify that there was no call; UnexpectedCallsError tells those that there were."""
        if calls := self.calls:
            raise UnexpectedCallsError(
                f"The mock of {self.target} was expected not to be called, but was called {_times(len(calls))}"
                f"{_listed(calls)}"
            )

    def remove(self) -> None:
        """Let the task itself run again; the calls stay."""
        self._removed(self)

    def __enter__(self) -> Mock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _once(self) -> Call:
        calls = self.calls
        if len(calls) != 1:
            count = "not called" if not calls else f"called {_times(len(calls))}"
            raise UnexpectedCallsError(
                f"The mock of {self.target} was expected to be called once, but was {count}{_listed(calls)}"
            )
        return calls[0]

    def _compare(self, call: Call, properties: dict[str, Any], which: str) -> None:
        wrong = []
        for name, expected in properties.items():
            if name not in call.properties:
                wrong.append(f"  {name}: the task has no such property{hint(name, call.properties)}")
            elif call.properties[name] != expected:
                wrong.append(f"  {name}: expected {expected!r}, but it was {call.properties[name]!r}")
        if wrong:
            raise UnexpectedCallsError(f"{which} of the mock of {self.target} was another:\n" + "\n".join(wrong))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _listed(calls: Sequence[Call]) -> str:
    if not calls:
        return "."
    lines = [f"  {_where(call)}: {dict(call.properties)}" for call in calls[:SHOWN]]
    if len(calls) > SHOWN:
        lines.append(f"  … and {len(calls) - SHOWN} more")
    return ":\n" + "\n".join(lines)


def _where(call: Call) -> str:
    value = "" if call.value is None else f" [{call.value}]"
    attempt = "" if call.attempt == 1 else f", attempt {call.attempt}"
    return f"{call.task_id}{value} of {call.flow_id}{attempt}"
