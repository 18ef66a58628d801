"""What a mocked task answers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from pytest_kestra.errors import MockError
from pytest_kestra.mocks.calls import Call
from pytest_kestra.states import STATES

# In which states a task can end.
ENDS = ("SUCCESS", "WARNING", "FAILED", "SKIPPED", "CANCELLED", "KILLED")
FAILED_BY = "The mock of this task fails."


@dataclass(frozen=True)
class Answer:
    """Say how a mocked task ends: with `outputs`, in a `state`, with an `error` in its log, after a `delay`.

    `outputs` may hold expressions, as Kestra's own fixtures do. The state is SUCCESS, or FAILED with an error. `delay`
    is in seconds or a timedelta.
    """

    outputs: Mapping[str, Any] | None = None
    state: str | None = None
    error: str | None = None
    delay: float | timedelta = 0.0

    def __post_init__(self) -> None:
        if self.state is not None and self.state not in ENDS:
            known = "one in which no task ends" if self.state in STATES else "none"
            raise MockError(f"The state {self.state!r} of a mock is {known}: it is one of {', '.join(ENDS)}.")
        outputs: object = self.outputs
        if not isinstance(outputs, (Mapping, type(None))):
            raise MockError(f"The outputs of a mock are a dictionary, not {self.outputs!r}.")
        try:
            json.dumps(outputs, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise MockError(f"The outputs of a mock have no form in JSON: {error}.") from None
        seconds: object = self.seconds
        if not isinstance(seconds, (int, float)) or not 0 <= seconds < math.inf:
            raise MockError(f"delay: {self.delay!r} is not a number of seconds from 0 on, nor a timedelta.")

    @property
    def seconds(self) -> float:
        """How long the task takes."""
        return self.delay.total_seconds() if isinstance(self.delay, timedelta) else self.delay

    def data(self, *, literal: bool = False) -> dict[str, Any]:
        """Return what the stand-in reads; `literal` outputs are not rendered."""
        error = FAILED_BY if self.state == "FAILED" and self.error is None else self.error
        values = {"outputs": self.outputs, "state": self.state, "error": error}
        times = {"delay": round(self.seconds * 1000)} if self.delay else {}
        return (
            {name: value for name, value in values.items() if value is not None}
            | times
            | ({"literal": True} if literal else {})
        )


# One of several answers: outputs, the name of a state, what the task fails with, or all of it.
Given: TypeAlias = "Answer | Mapping[str, Any] | str | BaseException | type[BaseException] | None"


def answer_of(given: Given) -> Answer:
    """Return the answer that is meant by outputs, a state, an exception, or None for a mere success."""
    if isinstance(given, Answer):
        return given
    if isinstance(given, str):
        return Answer(state=given)
    if isinstance(given, BaseException):
        return Answer(error=f"{type(given).__name__}: {given}".removesuffix(": "))
    if isinstance(given, type):
        return Answer(error=given.__name__)
    return Answer(outputs=given)


@dataclass(frozen=True)
class Answers:
    """Say all that a mock answers: one answer each time, several `in_turn` of which each is for one call, or `asked`.

    `asked` is a function of the test.
    """

    given: Sequence[Answer] = ()
    in_turn: bool = False
    asked: Callable[[Call], Any] | None = None


def _next_of(answers: Iterator[Given]) -> Callable[[Call], Given]:
    """Return a function that gives the next answer of an iterator, which may have no end."""

    def answer(_: Call) -> Given:
        for given in answers:
            return given
        raise MockError("The iterator of side_effect= has no more answers.")

    return answer


def answers_of(only: Answer, side_effect: Callable[[Call], Any] | Iterable[Given] | Given) -> Answers:
    """Return what is meant by the arguments of a mock.

    MockError where `only` and `side_effect` contradict each other, and for a sequence without an answer.
    """
    if side_effect is None:
        return Answers([only])
    if only != Answer():
        raise MockError("side_effect= says all that a mock answers: leave outputs, state, error and delay out.")
    if isinstance(side_effect, type) and issubclass(side_effect, BaseException):
        return Answers([answer_of(side_effect)])
    if callable(side_effect):
        return Answers(asked=side_effect)
    if isinstance(side_effect, Iterator):
        return Answers(asked=_next_of(side_effect))
    if not isinstance(side_effect, Iterable) or isinstance(side_effect, (str, Mapping)):
        return Answers([answer_of(side_effect)])
    answers = [answer_of(given) for given in side_effect]
    if not answers:
        raise MockError("side_effect=[] has no answer: give at least one, or leave it out.")
    return Answers(answers, in_turn=True)
