from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_kestra.records import ExecutionRecord
from pytest_kestra.run import waiting
from pytest_kestra.run.waiting import has_reached, is_out_of_reach, killing, poll


def execution(*states: str, tasks: tuple[str, ...] = ()) -> ExecutionRecord:
    def state(names: tuple[str, ...]) -> dict[str, object]:
        return {"current": names[-1], "histories": [{"state": name, "date": "2026-01-01T00:00:00Z"} for name in names]}

    runs = [{"id": name, "taskId": name, "state": state((name,))} for name in tasks]
    return ExecutionRecord.of({"id": "e", "namespace": "n", "flowId": "f", "state": state(states), "taskRunList": runs})


def test_reads_until_it_is_as_wished() -> None:
    values: Iterator[int] = iter((1, 2, 3, 4))

    assert poll(lambda: next(values), lambda value: value == 3, 60) == 3


def test_returns_the_last_that_was_read_when_time_is_up() -> None:
    assert poll(lambda: 1, lambda _: False, 0.001) == 1


def test_end_is_when_the_task_runs_have_ended_too() -> None:
    assert has_reached(execution("CREATED", "SUCCESS"), None)
    assert not has_reached(execution("CREATED", "RUNNING"), None)
    assert not has_reached(execution("CREATED", "KILLED", tasks=("KILLING",)), None)
    assert not has_reached(execution("CREATED", "FAILED", tasks=("CREATED",)), None)


def test_killed_execution_has_ended_though_task_runs_around_a_pause_have_not() -> None:
    killed = execution("CREATED", "KILLED", tasks=("RUNNING", "KILLED", "CREATED"))
    assert not has_reached(killed, None)
    outer, pause, other = killed.task_runs
    nested = replace(killed, _read_runs=lambda: (outer, replace(pause, parent_id=outer.id), other))
    assert has_reached(nested, None)


def test_execution_that_was_killed_at_a_breakpoint_has_ended() -> None:
    assert has_reached(execution("CREATED", "BREAKPOINT", "KILLED", tasks=("BREAKPOINT",)), None)


def test_kills_again_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "KILL_AGAIN_S", 0)
    goes_on = execution("CREATED", "KILLED", tasks=("RUNNING",))
    reads = iter((execution("CREATED", "KILLING"), goes_on, goes_on, execution("CREATED", "KILLED", tasks=("KILLED",))))
    kills: list[bool] = []

    poll(killing(lambda: next(reads), lambda: kills.append(True)), lambda found: has_reached(found, None), 60)

    assert kills == [True, True]


def test_does_not_kill_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "KILL_AGAIN_S", 3600)
    goes_on = execution("CREATED", "KILLED", tasks=("RUNNING",))
    kills: list[bool] = []

    assert killing(lambda: goes_on, lambda: kills.append(True))() == goes_on
    assert not kills


def test_state_counts_though_it_has_passed() -> None:
    assert has_reached(execution("CREATED", "RUNNING", "SUCCESS"), "RUNNING")
    assert not has_reached(execution("CREATED", "FAILED"), "RUNNING")


def test_after_a_resume_only_what_comes_then_counts() -> None:
    old = execution("CREATED", "RUNNING", "PAUSED")
    again = execution("CREATED", "RUNNING", "PAUSED", "RUNNING", "PAUSED")
    ended = execution("CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS")

    assert has_reached(old, "PAUSED")
    assert not has_reached(old, "PAUSED", since=3)
    assert not is_out_of_reach(old, "PAUSED", since=3)
    assert has_reached(again, "PAUSED", since=3)
    assert not has_reached(ended, "PAUSED", since=3)
    assert is_out_of_reach(ended, "PAUSED", since=3)


def test_end_before_a_restart_is_not_the_end() -> None:
    failed = execution("CREATED", "RUNNING", "FAILED")

    assert not has_reached(failed, None, since=3)
    assert not is_out_of_reach(failed, "RUNNING", since=3)
    assert has_reached(execution("CREATED", "RUNNING", "FAILED", "RESTARTED", "FAILED"), None, since=3)
