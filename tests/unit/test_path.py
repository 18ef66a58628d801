from __future__ import annotations

from typing import Any

import pytest

from pytest_kestra.records import ExecutionRecord
from pytest_kestra.run.path import Path, difference

KNOWN = ["check", "each", "charge", "left", "right", "done"]


def run(task: str, *states: str, begun: int = 0, **more: Any) -> dict[str, Any]:
    dates = [{"state": state, "date": f"2026-01-01T00:00:{begun + i:02}Z"} for i, state in enumerate(states)]
    return {"id": f"{task}-{begun}", "taskId": task, "state": {"current": states[-1], "histories": dates}, **more}


def path(*runs: dict[str, Any]) -> Path:
    state = {"current": "SUCCESS", "histories": [{"state": "CREATED", "date": "2026-01-01T00:00:00Z"}]}
    return Path.of(
        ExecutionRecord.of({"id": "e", "namespace": "a.b", "flowId": "orders", "state": state, "taskRunList": runs})
    )


def steps(*names: str) -> Path:
    return path(*[run(name, "CREATED", "RUNNING", "SUCCESS", begun=i) for i, name in enumerate(names)])


def test_only_what_has_run_is_in_it_in_the_order_of_its_begin() -> None:
    assert path(
        run("check", "CREATED", "RUNNING", "SUCCESS", begun=5),
        run("skipped", "CREATED", "SKIPPED", begun=1),
        run("waits", "CREATED", begun=2),
        run("killed", "CREATED", "KILLED", begun=2),
        run("ended", "CREATED", "RUNNING", "KILLED", begun=3),
        run("mocked", "CREATED", "SUCCESS", begun=2),
    ) == ["mocked", "ended", "check"]


def test_steps_of_loops_have_all_their_values() -> None:
    found = path(
        run("each", "RUNNING", begun=0),
        run("inner", "RUNNING", begun=1, value="a", parentTaskRunId="each-0"),
        run("charge", "RUNNING", begun=2, value="1", parentTaskRunId="inner-1"),
        run("done", "RUNNING", begun=3, parentTaskRunId="inner-1"),
    )

    assert found == ["each", "inner[a]", "charge[a][1]", "done[a]"]
    assert found.counts == {"each": 1, "inner": 1, "charge": 1, "done": 1}


@pytest.mark.parametrize(
    "expected",
    [
        ["check", "left", "right", "done"],
        ("check", "left", "right", "done"),
        ["check", {"right", "left"}, "done"],
        [{"left", "check"}, {"done", "right"}],
        [frozenset({"check", "left", "right", "done"})],
    ],
)
def test_set_stands_for_tasks_side_by_side(expected: Any) -> None:
    found = steps("check", "left", "right", "done")

    assert found == expected
    assert not found != expected  # noqa: SIM202 - the operator is what is tested
    assert expected == found


@pytest.mark.parametrize(
    "expected",
    [
        ["check", {"left", "done"}, "right"],
        ["check", {"left"}, "done"],
        ["check"],
        [],
        ["check", "right", "left", "done"],
    ],
)
def test_other_paths_differ(expected: Any) -> None:
    found = steps("check", "left", "right", "done")

    assert found != expected
    assert not found == expected  # noqa: SIM201 - the operator is what is tested


def test_path_is_a_tuple_of_names() -> None:
    found = steps("check", "done")

    assert found[-1] == "done"
    assert found.only("done") == ["done"]
    assert hash(found) == hash(("check", "done"))
    assert found != "check"
    assert list(found) == ["check", "done"]


def test_difference_tells_what_did_not_run() -> None:
    assert difference(steps("check", "done"), ["check", "charge", "done"], KNOWN) == [
        "orders took another path: charge did not run",
        "    check",
        "  - charge   expected here, but it did not run",
        "    done",
    ]


def test_difference_tells_what_is_not_expected_and_what_is_misspelled() -> None:
    assert difference(steps("check", "left"), ["chek"], KNOWN) == [
        "orders took another path: chek: the flow has no such task; did you mean 'check'? (and 2 more)",
        "  - chek   expected here, but the flow has no such task; did you mean 'check'?",
        "  + check   ran, but is not expected",
        "  + left   ran, but is not expected",
    ]


def test_difference_tells_another_order_and_other_values() -> None:
    found = path(
        run("done", "RUNNING", begun=0), run("check", "RUNNING", begun=1), run("charge", "RUNNING", begun=2, value="a")
    )

    lines = difference(found, ["check", "done", "charge[b]"], KNOWN)

    assert lines[0].startswith("orders took another path: ")
    assert "  - charge[b]   expected here, but it ran only for other values" in lines
    assert "  + charge[a]   ran, but is not expected" in lines
    assert [line for line in lines if line.endswith(("expected elsewhere", "it ran elsewhere"))]


def test_parts_are_paths() -> None:
    part = steps("check", "charge", "done")[:2]

    assert part == ["check", "charge"]
    assert part == [{"charge", "check"}]
    assert part.execution is not None
    assert steps("check", "done")[-1] == "done"
