"""Finding the run of a task in an execution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_kestra.errors import KestraError, UnknownNameError, listed
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import ExecutionRecord, FlowRecord, TaskRun, iteration
from pytest_kestra.run.diagnosis.absence import why_absent


def runs_of(execution: ExecutionRecord, task_id: str, value: Any = None) -> list[TaskRun]:
    """Return the runs of a task, with `value` those for it."""
    runs = [run for run in execution.task_runs if run.task_id == task_id]
    return runs if value is None else [run for run in runs if is_for(run, value)]


def is_for(run: TaskRun, value: Any) -> bool:
    """Tell whether a task run is that for a value of its loop, or for a tuple of those of all loops around it."""
    if isinstance(value, (tuple, list)):
        return run.values == tuple(map(iteration, value))
    return run.values[-1:] == (iteration(value),)


def several(runs: Sequence[TaskRun], task_id: str, where: str) -> KestraError:
    """Return the error for a task that ran more than once, where one run was asked for."""
    return KestraError(
        f"The task {task_id!r} ran {len(runs)} times in {where}: choose with task({task_id!r}, value=…) "
        f"one of {listed([*map(_value, runs)])}, or take all with tasks({task_id!r})."
    )


def no_value(runs: Sequence[TaskRun], task_id: str, value: Any, where: str) -> UnknownNameError:
    """Return the error for a task that ran, but not for this value; it names the nearest."""
    values = [_value(run) for run in runs if run.values]
    wished = str(tuple(map(iteration, value))) if isinstance(value, (tuple, list)) else iteration(value)
    return UnknownNameError(f"run of the task {task_id!r} for the value", wished, values, where)


def no_run(execution: ExecutionRecord, task_id: str, flow: FlowRecord, name: str) -> UnknownNameError:
    """Return the error for a task that did not run: why, if that can be known, or the nearest name that there is.

    `name` is the flow's file.
    """
    if task_id not in flow.tasks:
        return UnknownNameError("task", task_id, flow.tasks, f"the flow {flow.id}")
    line = FlowSource(flow.source, name).line_of_task(task_id) if flow.source else None
    place = name if line is None else f"{name}:{line}"
    why = why_absent(task_id, execution, flow)
    ran = list(dict.fromkeys(run.task_id for run in execution.task_runs))
    known = f"; these did: {', '.join(ran)}" if ran else ""
    sentence = f"The task {task_id!r} did not run{f': {why}' if why else ''}. It is at {place} in the flow{known}."
    return UnknownNameError("run of the task", task_id, ran, execution.flow_id, sentence=sentence)


def _value(run: TaskRun) -> str:
    return repr(run.values[0] if len(run.values) == 1 else run.values or None)
