"""The lines of a flow's file that the traceback of a script leads to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

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
    places = (_place(number, code, run.task_id, flow) for number, code in reversed(frames))
    return next((place for place in places if place is not None), None)


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
    script = flow.tasks.get(task_id, {}).get("script")
    if not isinstance(script, str):
        return None
    lines = script.splitlines()
    if not (0 < number <= len(lines) and _reads_as(lines[number - 1], code)):
        return None
    source = flow.source.splitlines()
    index = next(_begins(task_id, source), 0) + number
    return index + 1 if index < len(source) and source[index].strip() == lines[number - 1].strip() else None


def _reads_as(written: str, code: str) -> bool:
    """Tell whether a line of a script can be this one when its expressions are rendered."""
    parts = EXPRESSION.split(written.strip())
    return re.fullmatch(".*".join(map(re.escape, parts)), code.strip()) is not None


def _begins(task_id: str, source: list[str]) -> Iterator[int]:
    """Return where scripts begin after a task's id."""
    task = re.compile(rf"\bid:\s*[\"']?{re.escape(task_id)}\b")
    first = next((index for index, line in enumerate(source) if task.search(line)), 0)
    for index, line in enumerate(source[first:], first):
        if line.strip().removeprefix("- ").startswith("script:"):
            yield index
