"""What a case may verify besides Kestra's assertions, under `x-pytest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_kestra.errors import ConcurrencyLimitError, KestraError
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.flow import Flow
from pytest_kestra.run.path import difference
from pytest_kestra.suites.results import Checked

PREFIX = "x-pytest."


def check(expect: Mapping[str, Any], execution: Execution, flow: Flow, inputs: Mapping[str, Any]) -> Iterator[Checked]:
    """Return the result of each expectation about an execution that has ended, and about its flow with `inputs`."""
    for task_id, state in expect.get("tasks", {}).items():
        yield _state(execution, task_id, state)
    if "path" in expect:
        yield _path(execution, expect["path"], flow)
    for task_id, levels in expect.get("levels", {}).items():
        seen = sorted(execution.logs(task=task_id).levels)
        yield _compared("levels", sorted(levels), seen, f"the levels of the logs of {task_id}", task_id)
    for logs in expect.get("logs", ()):
        yield _logs(execution, logs)
    if "max_duration" in expect:
        yield _duration(execution, expect["max_duration"])
    for trigger_id, wished in expect.get("triggers", {}).items():
        definition = flow.triggers[trigger_id]
        found = {name: definition.get(name) for name in wished}
        yield _compared("triggers", wished, found, f"the trigger {trigger_id}", None)
    if expect.get("concurrency_limit"):
        yield _limit(flow, inputs)


def _compared(name: str, expected: Any, actual: Any, what: str, task_id: str | None) -> Checked:
    success = expected == actual
    message = None if success else f"expected {what} to be {expected!r} but was {actual!r}"
    return Checked(PREFIX + name, expected, actual, success, task_id, message=message)


def _state(execution: Execution, task_id: str, state: str) -> Checked:
    runs = [run for run in execution.task_runs if run.task_id == task_id]
    if not runs:
        execution.session.flow(execution).tasks[task_id]  # UnknownNameError where the flow has no such task
    states: list[str] = sorted({run.state for run in runs}) or ["no task run"]
    return _compared("tasks", state, states[0] if len(states) == 1 else states, f"the state of {task_id}", task_id)


def _path(execution: Execution, wished: list[Any], flow: Flow) -> Checked:
    expected = [set(step) if isinstance(step, list) else step for step in wished]
    if execution.path == expected:
        return Checked(f"{PREFIX}path", wished, list(execution.path), success=True)
    lines = difference(execution.path, expected, list(flow.tasks))
    return Checked(f"{PREFIX}path", wished, list(execution.path), success=False, message="\n".join(lines))


def _logs(execution: Execution, wished: Mapping[str, Any]) -> Checked:
    found = execution.logs(
        task=wished.get("task"),
        level=wished.get("level"),
        min_level=wished.get("min_level"),
        matching=wished.get("matching"),
    )
    said = ", ".join(f"{name} {value}" for name, value in wished.items() if name != "count") or "any"
    count = wished.get("count")
    success = bool(found) if count is None else len(found) == count
    number = "one or more logs" if count is None else f"{count} log{'' if count == 1 else 's'}"
    message = None if success else f"expected {number} ({said}) but there were {len(found)}"
    return Checked(f"{PREFIX}logs", count, len(found), success, wished.get("task"), message=message)


def _duration(execution: Execution, most: float) -> Checked:
    seconds = execution.duration.total_seconds() if execution.duration is not None else None
    success = seconds is not None and seconds <= most
    message = None if success else f"expected the execution to take {most:g} s at most but it took {seconds} s"
    return Checked(f"{PREFIX}max_duration", most, seconds, success, message=message)


def _limit(flow: Flow, inputs: Mapping[str, Any]) -> Checked:
    name = f"{PREFIX}concurrency_limit"
    try:
        proof = flow.assert_concurrency_limit(inputs)
    except ConcurrencyLimitError as error:
        return Checked(name, True, False, success=False, message=str(error))  # noqa: FBT003
    except KestraError as error:
        return Checked(name, True, None, success=False, message=str(error))  # noqa: FBT003
    return Checked(name, True, str(proof), success=True)  # noqa: FBT003
