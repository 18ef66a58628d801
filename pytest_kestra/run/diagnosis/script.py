"""The line of a flow's file that a script failed at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from pytest_kestra.records import FlowRecord, LogEntry, TaskRun

# How Python names a line of a script, which Kestra runs from a file of its own.
FRAME = re.compile(r'^\s*File "[^"]*\.py", line (\d+)')


def script_line(entries: Iterable[LogEntry], run: TaskRun, flow: FlowRecord) -> int | None:
    """Return the line of the flow's text that the last traceback of these logs leads to; None where none does.

    Only a line is told that reads there as it does in the traceback: an expression before it may have made more lines.
    """
    script = flow.tasks.get(run.task_id, {}).get("script")
    if not isinstance(script, str):
        return None
    lines = [line for entry in entries for line in entry.message.splitlines()]
    shown = [(int(found[1]), after.strip()) for line, after in pairwise(lines) if (found := FRAME.match(line))]
    of_script = script.splitlines()
    for number, code in reversed(shown):
        if 0 < number <= len(of_script) and of_script[number - 1].strip() == code:
            return _line(number, code, run.task_id, flow.source.splitlines())
    return None


def _line(number: int, code: str, task_id: str, source: list[str]) -> int | None:
    task = next(
        (index for index, line in enumerate(source) if re.search(rf"\bid:\s*[\"']?{re.escape(task_id)}\b", line)), 0
    )
    begins = (
        index for index, line in enumerate(source[task:], task) if line.strip().removeprefix("- ").startswith("script:")
    )
    index = next(begins, 0) + number
    return index + 1 if index < len(source) and source[index].strip() == code else None
