"""The lines of a flow's file that the traceback of a script leads to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import FlowRecord, LogEntry, TaskRun

# How Python names a line of a script, which Kestra runs from a file of its own.
FRAME = re.compile(r'^(\s*File ")([^"]*\.py)(", line )(\d+)')
EXPRESSION = re.compile(r"\{\{.*?\}\}")
# The names of such files are random numbers, and they are gone when somebody reads them.
RANDOM = re.compile(r".*[/\\](\d{9,}\.py)$")


def script_line(entries: Iterable[LogEntry], run: TaskRun, flow: FlowRecord) -> int | None:
    """Return the line of the flow's text that the last traceback of these logs leads to; None where none does.

    Only a line is told that reads there as in the traceback: an expression before it may have made more lines.
    """
    lines = [line for entry in entries for line in entry.message.splitlines()]
    frames = [(int(found[4]), after) for line, after in pairwise(lines) if (found := FRAME.match(line))]
    of_script = [frame for frame in frames if _written(*frame, run.task_id, flow) is not None]
    return _place(*of_script[-1], run.task_id, flow) if of_script else None


def located(entries: Sequence[LogEntry], flow: FlowRecord | None, name: str) -> list[LogEntry]:
    """Return logs in which tracebacks lead to lines of the flow's file, `name`, as far as these can be told."""
    told = [entry.message.splitlines() for entry in entries]
    for run_id in {entry.task_run_id for entry in entries}:
        # A traceback may be one log or many, and other tasks log between its lines.
        of_run = [index for index, entry in enumerate(entries) if entry.task_run_id == run_id]
        places = [(index, number) for index in of_run for number in range(len(told[index]))]
        for (index, number), after in pairwise([*places, (-1, -1)]):
            if found := FRAME.match(told[index][number]):
                code = "" if after[0] < 0 else told[after[0]][after[1]]
                told[index][number] = _located(found, code, entries[index].task_id or "", flow, name)
    return [
        entry if lines == entry.message.splitlines() else replace(entry, message="\n".join(lines))
        for entry, lines in zip(entries, told, strict=True)
    ]


def _located(found: re.Match[str], code: str, task_id: str, flow: FlowRecord | None, name: str) -> str:
    place = None if flow is None else _place(int(found[4]), code, task_id, flow)
    path, line = (RANDOM.sub(r"\1", found[2]), found[4]) if place is None else (name, str(place))
    return f"{found[1]}{path}{found[3]}{line}{found.string[found.end() :]}"


def _place(number: int, code: str, task_id: str, flow: FlowRecord) -> int | None:
    """Return the line of the flow's text that has a line of a task's script, if it reads as this code."""
    written = _written(number, code, task_id, flow)
    if written is None:
        return None
    script = FlowSource(flow.source).property_of_task(task_id, "script")
    if script is None:
        return None
    line = script.start_mark.line + 1 + number
    return line if [text.strip() for text in flow.source.splitlines()[line - 1 : line]] == [written] else None


def _written(number: int, code: str, task_id: str, flow: FlowRecord) -> str | None:
    """Return a line of a task's script if it reads as this code."""
    script = flow.tasks.get(task_id, {}).get("script")
    line = script.splitlines()[number - 1 : number] if isinstance(script, str) and number else []
    return line[0].strip() if line and _reads_as(line[0], code) else None


def _reads_as(written: str, code: str) -> bool:
    """Tell whether a line of a script can be this one when its expressions are rendered."""
    parts = EXPRESSION.split(written.strip())
    return re.fullmatch(".*".join(map(re.escape, parts)), code.strip()) is not None
