"""An expression that Kestra could not render, and what it found where it looked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_kestra.errors import hint
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import ExecutionRecord, FlowRecord, LogEntry, TaskRun, has_rounds

# What Kestra's VariableRenderer and Pebble's own exceptions say.
MISSING = re.compile(
    r"Unable to find `(?P<name>[^`]*)` used in the expression `(?P<text>.*)` at line (?P<line>\d+)", re.DOTALL
)
OTHER = re.compile(r"(?P<reason>[^\n]*?) \((?P<text>.*\{[{%].*):(?P<line>\d+)\)\s*$", re.DOTALL)
REMEDIES = {
    "Cannot find secret for key": ": give it in the fixture kestra_secrets",
    "The key '": ": set it before, kestra.kv[…] = …",
}
OF_ROUNDS = "on Kestra 2.0 only its own round has the outputs of a loop's task; name them in the loop's `outputs`"
REFERENCE = re.compile(r"""[A-Za-z_]\w*(?:\.\w[\w-]*|\[\s*(?:'[^']*'|"[^"]*")\s*\])*""")
STEP = re.compile(r"""\w[\w-]*|'[^']*'|"[^"]*\"""")


@dataclass(frozen=True)
class Expression:
    """Tell an expression that failed: its text, the line of the flow that has it, and why it failed."""

    text: str
    line: int | None
    why: str
    task_run_id: str | None


def failed_expression(
    entries: Iterable[LogEntry], execution: ExecutionRecord, flow: FlowRecord | None
) -> Expression | None:
    """Return the expression that the last of these logs tells of; None where none does."""
    for entry in reversed(list(entries)):
        found = MISSING.search(entry.message) or OTHER.match(entry.message)
        if found is None:
            continue
        text = _part(found)
        run = next((run for run in execution.task_runs if run.id == entry.task_run_id), None)
        if found.re is MISSING:
            why = _why(found["name"], text, execution, _context(execution, flow, run))
        else:
            reason = found["reason"].rpartition("Exception: ")[2].rstrip(".")
            why = reason + next((remedy for start, remedy in REMEDIES.items() if reason.startswith(start)), "")
        return Expression(text, _line(text, entry.task_id, flow), why, entry.task_run_id)
    return None


def missing_name(
    message: str, execution: ExecutionRecord, flow: FlowRecord | None, run: TaskRun | None = None
) -> str | None:
    """Return which name an expression lacks, and the nearest that there is; None where Kestra says something else."""
    found = MISSING.search(message)
    return None if found is None else _why(found["name"], _part(found), execution, _context(execution, flow, run))


def _part(found: re.Match[str]) -> str:
    """Return the line that failed, of a text with expressions."""
    lines, number = found["text"].splitlines(), int(found["line"])
    return lines[number - 1].strip() if 0 < number <= len(lines) else found["text"]


def _why(name: str, text: str, execution: ExecutionRecord, context: Mapping[str, Any]) -> str:
    for reference in REFERENCE.findall(text):
        steps = [step.strip("'\"") for step in STEP.findall(reference)]
        if name in steps:
            # What is missing may be named like what it is asked of.
            indexes = [index for index, step in enumerate(steps) if step == name]
            index = next((index for index in indexes if _lacks(steps[:index], name, context)), indexes[0])
            place = _found(steps[:index], context)
            if _lacks(steps[:index], name, context):
                owner = ".".join(steps[:index])
                missing = f"there is no {owner}.{name}" if owner else f"there is no variable {name!r}"
                return f"{missing}{hint(name, map(str, place))}"
            owner = ".".join(steps[:index])
            if steps[:index] == ["outputs"] and isinstance(place, Mapping):
                return f"there is no {owner}.{name}: {OF_ROUNDS}"
            if place is None and owner:
                ran = steps[0] == "outputs" and steps[1] in {run.task_id for run in execution.task_runs}
                return f"there is no {owner}" + (f": the task {steps[1]} made no outputs" if ran else "")
            if owner:
                return f"{owner} has no {name!r}, it is {json.dumps(place, default=str)}"
    return f"there is no {name!r}"


def _lacks(steps: list[str], name: str, context: Mapping[str, Any]) -> bool:
    place = _found(steps, context)
    return isinstance(place, Mapping) and name not in place


def _found(steps: list[str], context: Any) -> Any:
    for step in steps:
        if not isinstance(context, Mapping) or step not in context:
            return None
        context = context[step]
    return context


def _context(execution: ExecutionRecord, flow: FlowRecord | None, run: TaskRun | None) -> dict[str, Any]:
    """Return the variables of an expression, of those that io.kestra.core.runners.RunVariables has, as far as known."""
    outputs: dict[str, Any] = {}
    for other in execution.task_runs:
        # In loops the outputs of a task stand under the values.
        place = outputs
        for step in (other.task_id, *other.values)[:-1]:
            place = place.setdefault(step, {})
        if other.outputs:
            place.setdefault((other.task_id, *other.values)[-1], {}).update(other.outputs)
    context: dict[str, Any] = {
        "flow": {"id": execution.flow_id, "namespace": execution.namespace, "revision": execution.revision},
        "execution": {"id": execution.id, "state": execution.state, "startDate": str(execution.start)},
        "inputs": dict(execution.inputs),
        "outputs": outputs,
        "labels": dict(execution.labels),
    }
    if flow is not None and flow.variables:  # Kestra has no `vars` where a flow has none
        context["vars"] = dict(flow.variables)
    if execution.trigger is not None:
        context["trigger"] = execution.trigger.get("variables") or {}
    if run is not None:
        context["task"] = {"id": run.task_id}
        context["taskrun"] = {"id": run.id, "startDate": str(run.start), "value": run.value}
        if run.values and flow is not None and has_rounds(flow):
            context["item"] = {"index": run.iteration, "value": run.values[-1]}
            if run.values[:-1]:
                context["item"]["parent"] = {"value": run.values[-2]}
    return context


def _line(text: str, task_id: str | None, flow: FlowRecord | None) -> int | None:
    """Return the line of the flow's text that has an expression: in the task that failed by it, or anywhere."""
    if flow is None:
        return None
    where = [number for number, line in enumerate(flow.source.splitlines(), 1) if text in line]
    if len(where) < 2 or task_id is None:
        return where[0] if where else None
    of_task = FlowSource(flow.source).lines_of_task(task_id)
    return next((number for number in where if number in of_task), where[0])
