from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from threading import Event
from typing import Any

import pytest

from pytest_kestra import Answer, ApiError, Call, MockError
from pytest_kestra.mocks.answering import Answering, answer
from pytest_kestra.mocks.answers import Answers, answer_of, answers_of
from pytest_kestra.mocks.calls import Notes
from pytest_kestra.mocks.mock import Mock
from tests.unit.mocks.test_mock import call
from tests.waits import WAIT_S


@pytest.mark.parametrize(
    ("given", "data"),
    [
        (None, {}),
        ({"a": 1}, {"outputs": {"a": 1}}),
        ("WARNING", {"state": "WARNING"}),
        ("FAILED", {"state": "FAILED", "error": "The mock of this task fails."}),
        (ValueError("no host"), {"error": "ValueError: no host"}),
        (ValueError(), {"error": "ValueError"}),
        (ValueError, {"error": "ValueError"}),
        (Answer({"a": 1}, state="WARNING", delay=1.5), {"outputs": {"a": 1}, "state": "WARNING", "delay": 1500}),
        (Answer(error="x", delay=timedelta(milliseconds=20)), {"error": "x", "delay": 20}),
    ],
)
def test_what_is_meant(given: Any, data: dict[str, Any]) -> None:
    assert answer_of(given).data() == data
    assert answers_of(Answer(), [given, None]) == Answers([answer_of(given), Answer()], in_turn=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"state": "RUNNING"},
            "The state 'RUNNING' of a mock is one in which no task ends: it is one of SUCC",
        ),
        ({"state": "DONE"}, "The state 'DONE' of a mock is none: it is one of SUCCESS, WARNING"),
        ({"outputs": ["a"]}, r"The outputs of a mock are a dictionary, not \['a'\]\."),
        ({"delay": -1}, "delay: -1 is not a number of seconds from 0 on, nor a timedelta"),
        ({"delay": "1"}, "delay: '1' is not a number of seconds"),
        ({"delay": float("inf")}, "delay: inf is not a number of seconds"),
    ],
)
def test_wrong_answers(values: dict[str, Any], message: str) -> None:
    with pytest.raises(MockError, match=message):
        Answer(**values)


def test_sequence_without_an_answer() -> None:
    with pytest.raises(MockError, match=r"side_effect=\[\] has no answer"):
        answers_of(Answer(), [])


def answered(asked: Callable[[Call], Any], to: Call) -> Mapping[str, Any]:
    return answer(asked, to, lambda _: None)


def test_function_is_asked_and_its_outputs_are_no_expressions() -> None:
    assert answered(lambda call: {"said": call.value}, call(value="a")) == {"outputs": {"said": "a"}, "literal": True}
    assert answered(lambda _: "FAILED", call())["state"] == "FAILED"


def test_exception_is_none_that_is_asked() -> None:
    assert answers_of(Answer(), ConnectionError) == Answers([Answer(error="ConnectionError")])


def test_iterator_gives_one_answer_after_the_other_and_may_have_no_end() -> None:
    asked = answers_of(Answer(), itertools.cycle(["FAILED", {"a": 1}])).asked
    assert asked is not None

    assert [answered(asked, call()).get("outputs") for _ in range(4)] == [None, {"a": 1}, None, {"a": 1}]
    ended = answers_of(Answer(), iter([{"a": 1}])).asked
    assert ended is not None
    assert answered(ended, call())["outputs"] == {"a": 1}
    assert answered(ended, call())["error"] == "MockError: The iterator of side_effect= has no more answers."


@pytest.mark.parametrize("value", [date(2026, 1, 1), {1}, b"x", float("nan")])
def test_outputs_that_json_has_not(value: object) -> None:
    with pytest.raises(MockError, match=r"^The outputs of a mock have no form in JSON: "):
        Answer({"a": [value]})


def test_function_that_raises_says_where() -> None:
    def fails(_: object) -> None:
        raise RuntimeError("no way")

    line = fails.__code__.co_firstlineno + 1
    assert answered(fails, call()) == {"error": f"RuntimeError: no way (test_answers.py:{line})", "literal": True}


def test_function_that_answers_what_cannot_be() -> None:
    assert answered(lambda _: "DONE", call())["error"].startswith("MockError: The state 'DONE' of a mock is none")
    assert answered(lambda _: {"a": float("nan")}, call())["error"].startswith("MockError: The outputs of")
    assert answered(lambda _: {"a": object()}, call())["error"].startswith("MockError: The outputs of a mock have no ")
    assert answered(lambda _: 3, call())["error"].startswith(
        "MockError: The outputs of a mock are a dictionary, not 3."
    )


def test_answer_is_checked_before_it_is_given() -> None:
    def refuse(given: Answer) -> None:
        raise MockError(f"no {given.outputs}")

    assert answer(lambda _: {"a": 1}, call(), refuse) == {"error": "MockError: no {'a': 1}", "literal": True}


def test_function_may_fail_the_test() -> None:
    def asked(_: object) -> None:
        pytest.fail("no such order")

    assert answered(asked, call())["error"].startswith("Failed: no such order (")


class Server(Notes):
    """Have one call that waits, and refuse what comes before the third request."""

    def __init__(self) -> None:
        self.given: list[Mapping[str, Any]] = []
        self.refuses = 2
        self.done = Event()

    def waiting(self, namespace: str, mock_id: str) -> Iterator[tuple[str, Call]]:
        yield "one", call()

    def answer(self, namespace: str, name: str, data: Mapping[str, Any]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise ApiError(503, "not now", "PUT")
        self.given.append(data)
        self.done.set()


def test_answer_that_the_server_does_not_take_at_once_is_given_again() -> None:
    server, asked = Server(), iter(range(10))
    answers = Answers(asked=lambda _: {"number": next(asked)})
    mock = Mock("a", None, answers, read=lambda _: [], removed=lambda _: None)
    answering = Answering(server, lambda: [(mock, "a.b")], lambda *_: None)

    answering.start()
    assert server.done.wait(WAIT_S)
    answering.stop()

    assert server.given == [{"outputs": {"number": 0}, "literal": True}]
