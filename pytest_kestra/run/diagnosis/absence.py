"""Why a task of a flow did not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pytest_kestra.flows.loader import TextLoader
from pytest_kestra.records import ExecutionRecord, FlowRecord, TaskRun

SECTIONS = ("tasks", "errors", "finally", "afterExecution")


@dataclass(frozen=True)
class Place:
    """Say where a task stands: in which task, None for the flow itself, and in what of it, such as `cases.express`."""

    parent: str | None
    branch: str


def why_absent(task_id: str, execution: ExecutionRecord, flow: FlowRecord) -> str:
    """Return why a task of the flow has no run in an execution, as the end of a sentence; nothing where it is unknown.

    What Kestra has of the execution must say it: the states of its task runs, and the outputs of If and Switch.
    """
    places = _places(flow)
    if task_id not in places:
        return ""
    outer = task_id
    while (parent := places[outer].parent) is not None and not _runs(parent, execution):
        outer = parent
    why = _why(outer, places[outer], execution, flow)
    if outer == task_id:
        return why
    return f"{outer!r}, which it is in, did not run" + (f": {why}" if why else "")


def _why(task_id: str, place: Place, execution: ExecutionRecord, flow: FlowRecord) -> str:
    """Return why a task did not run where the one around it did."""
    around = [] if place.parent is None else _runs(place.parent, execution)
    ids: list[str | None] = [run.id for run in around] or [None]
    beside = [run for run in execution.task_runs if run.parent_id in ids]
    reasons = (
        _by_definition(task_id, flow),
        _by_parent(place, around, beside, flow),
        _by_section(place, beside),
        _by_end(execution, beside, flow),
    )
    return next(filter(None, reasons), "")


def _by_definition(task_id: str, flow: FlowRecord) -> str:
    return "it is disabled" if flow.tasks[task_id].get("disabled") is True else ""


def _by_parent(place: Place, around: Sequence[TaskRun], beside: Sequence[TaskRun], flow: FlowRecord) -> str:
    if place.parent is None:
        return ""
    parent, kind = repr(place.parent), str(flow.tasks[place.parent]["type"]).rpartition(".")[2]
    if all(run.state == "SKIPPED" for run in around):
        return f"{parent}, which it is in, was skipped by its `runIf`"
    if kind in ("If", "Switch") and place.branch not in ("errors", "finally"):
        if not around[-1].outputs:
            return ""
        if kind == "If":
            result = str(around[-1].outputs.get("evaluationResult")).lower()
            return f"`{place.branch}` of {parent} was not taken, since its condition was {result}"
        value = around[-1].outputs.get("value")
        return f"`{place.branch}` of {parent} was not taken, since its value was {value!r}"
    if not beside and place.branch == "tasks" and "values" in flow.tasks[place.parent]:
        return f"the loop {parent} had no round"
    return ""


def _by_section(place: Place, beside: Sequence[TaskRun]) -> str:
    if place.branch == "errors" and not any(run.state == "FAILED" for run in beside):
        of = "" if place.parent is None else f" of {place.parent!r}"
        return f"it handles errors, and no task{of} failed"
    if place.branch == "afterExecution":
        return "it runs after the end of the execution, when this was read already: `refresh()` reads it again"
    return ""


def _by_end(execution: ExecutionRecord, beside: Sequence[TaskRun], flow: FlowRecord) -> str:
    if failed := next((run for run in beside if run.state == "FAILED"), None):
        return f"the task {failed.name!r} failed before it"
    if not execution.state.is_final:
        return f"the execution was {execution.state} when this was read: `wait()` for its end"
    exits = [run for run in execution.task_runs if _type(run, flow).endswith(".execution.Exit")]
    if exits:
        return f"the task {exits[0].name!r} ended the execution"
    if not execution.task_runs:
        return f"no task did, the execution is {execution.state}"
    return f"the execution was {execution.state} before it" if execution.state in ("KILLED", "CANCELLED") else ""


def _type(run: TaskRun, flow: FlowRecord) -> str:
    return str(flow.tasks[run.task_id]["type"]) if run.task_id in flow.tasks else ""


def _runs(task_id: str, execution: ExecutionRecord) -> list[TaskRun]:
    return [run for run in execution.task_runs if run.task_id == task_id]


def _places(flow: FlowRecord) -> dict[str, Place]:
    try:
        source = yaml.load(flow.source, Loader=TextLoader)  # noqa: S506 - it makes texts, lists and mappings
    except yaml.YAMLError:
        return {}
    if not isinstance(source, Mapping):
        return {}
    return {task_id: place for section in SECTIONS for task_id, place in _within(source.get(section), None, section)}


def _within(node: Any, parent: str | None, branch: str) -> Iterator[tuple[str, Place]]:
    """Return the tasks below a node with their places; what has an id and a type is a task, as in FlowRecord."""
    if isinstance(node, Mapping):
        task_id = node.get("id")
        is_task = isinstance(task_id, str) and "." in str(node.get("type"))
        if is_task:
            yield str(task_id), Place(parent, branch)
        for key, value in node.items():
            inner = (str(task_id), str(key)) if is_task else (parent, f"{branch}.{key}")
            yield from _within(value, *inner)
    elif isinstance(node, list):
        for item in node:
            yield from _within(item, parent, branch)
