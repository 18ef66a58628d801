from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import pytest

from pytest_kestra import Answer, Call, Mock, MockError, UnexpectedCallsError
from pytest_kestra.flows.outline import Outline
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.mocks.answers import Answers
from pytest_kestra.mocks.side_effects import has_side_effects
from pytest_kestra.settings import SIDE_EFFECTS

FLOW = FlowSource(
    "id: f\nnamespace: a.b\ntasks:\n  - {id: a, type: io.x.http.Request}\n  - {id: b, type: io.x.jdbc.Query}\n"
)


def call(number: int = 1, value: str | None = None, **properties: Any) -> Call:
    time = datetime(2026, 1, 1, second=number, tzinfo=timezone.utc)
    return Call("fetch", properties, value, number, time, "f", "e1")


def mock(*calls: Call, removed: list[Mock] | None = None, **values: Any) -> Mock:
    given: dict[str, Any] = {"task_id": "fetch", "kind": None, "answers": Answers([Answer()]), **values}

    def read(_: Mock) -> list[Call]:
        return list(calls)

    taken_away: list[Mock] = [] if removed is None else removed
    return Mock(**given, read=read, removed=taken_away.append)


def test_calls_that_are_as_expected() -> None:
    twice, once, never = mock(call(uri="a"), call(2, uri="b", n=1)), mock(call(uri="a", n=1)), mock()

    twice.assert_called()
    twice.assert_called_with(uri="b")
    once.assert_called_once()
    once.assert_called_once_with(n=1)
    never.assert_not_called()
    assert (twice.call_count, once.called, never.called) == (2, True, False)


CALLS = "\n  fetch of f: {'uri': 'a'}\n  fetch [x] of f, attempt 2: {'uri': 'b'}"


@pytest.mark.parametrize(
    ("calls", "method", "properties", "message"),
    [
        ([], "assert_called", {}, "The mock of 'fetch' was expected to be called, but was not."),
        ([], "assert_called_with", {"a": 1}, "The mock of 'fetch' was expected to be called, but was not."),
        ([], "assert_called_once", {}, "The mock of 'fetch' was expected to be called once, but was not called."),
        (
            [call(uri="a"), call(2, "x", uri="b")],
            "assert_called_once_with",
            {"uri": "a"},
            f"The mock of 'fetch' was expected to be called once, but was called 2 times:{CALLS}",
        ),
        (
            [call(uri="a")],
            "assert_not_called",
            {},
            "The mock of 'fetch' was expected not to be called, but was called once:\n  fetch of f: {'uri': 'a'}",
        ),
        (
            [call(uri="a")],
            "assert_called_once_with",
            {"uri": "b", "ury": 1},
            "The call of the mock of 'fetch' was another:\n  uri: expected 'b', but it was 'a'\n"
            "  ury: the task has no such property; did you mean 'uri'? It has: uri.",
        ),
    ],
)
def test_calls_that_are_not(calls: Sequence[Call], method: str, properties: dict[str, Any], message: str) -> None:
    with pytest.raises(UnexpectedCallsError) as raised:
        getattr(mock(*calls), method)(**properties)

    assert str(raised.value) == message


def test_many_calls_are_cut() -> None:
    with pytest.raises(UnexpectedCallsError) as raised:
        mock(*(call(uri=str(number)) for number in range(9))).assert_not_called()

    assert str(raised.value).splitlines()[-1] == "  … and 4 more"


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({"task_id": "a"}, ["a"]),
        ({"task_id": None, "kind": "io.x.jdbc.*"}, ["b"]),
        ({"task_id": "a", "kind": "io.x.jdbc.*"}, []),
        ({"task_id": "a", "flow": "f"}, ["a"]),
        ({"task_id": "a", "flow": "g"}, []),
    ],
)
def test_which_tasks_are_meant(values: dict[str, Any], ids: list[str]) -> None:
    assert [task.id for task in Outline(FLOW).tasks if mock(**values).means(FLOW, task)] == ids


def test_a_block_takes_its_mock_away() -> None:
    removed: list[Mock] = []
    with mock(removed=removed) as found:
        assert removed == []

    assert removed == [found]


@pytest.mark.parametrize(
    ("values", "target"),
    [
        ({}, "'fetch'"),
        ({"value": "a", "flow": "f"}, "'fetch' in f for the iteration 'a'"),
        ({"task_id": None, "kind": "io.x.*"}, "the type io.x.*"),
    ],
)
def test_it_says_what_it_is_of(values: dict[str, Any], target: str) -> None:
    assert repr(mock(**values)) == f"<Mock of {target}>"


def test_what_the_stand_in_reads() -> None:
    data = mock(value="a", render=False, answers=Answers(asked=lambda _: None)).data()

    assert data == {"id": data["id"], "value": "a", "unrendered": True, "asks": True, "answers": []}
    assert mock(answers=Answers([Answer()], in_turn=True)).data()["inTurn"] is True
    assert mock().data()["id"] != data["id"]


def test_nothing_is_named() -> None:
    with pytest.raises(MockError, match=r"What is to be mocked\?"):
        mock(task_id=None)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("io.kestra.plugin.core.http.Request", True),
        ("io.kestra.plugin.core.log.Log", False),
        ("io.kestra.plugin.jdbc.postgresql.Query", True),
        ("io.kestra.plugin.scripts.python.Script", False),
        ("io.kestra.plugin.serdes.csv.CsvToIon", False),
        ("com.company.Send", False),
    ],
)
def test_what_reaches_out(kind: str, *, expected: bool) -> None:
    assert has_side_effects(kind, SIDE_EFFECTS) is expected


def test_last_pattern_decides() -> None:
    assert has_side_effects("a.b.C", ["a.*", "!a.b.*", "a.b.C"])
    assert not has_side_effects("a.b.D", ["a.*", "!a.b.*", "a.b.C"])


@pytest.mark.parametrize(("value", "text"), [("A-1", "A-1"), (1, "1"), (True, "true"), ({"a": 1}, '{"a":1}')])
def test_value_of_a_loop_is_the_text_that_kestra_makes_of_it(value: object, text: str) -> None:
    mock = Mock("a", None, Answers(), read=lambda _: [], removed=lambda _: None, value=value)

    assert mock.value == text
