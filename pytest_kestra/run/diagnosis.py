"""What a failure tells about an execution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pytest_kestra.errors import KestraError
from pytest_kestra.records import ExecutionRecord, LogEntry, TaskRun
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.session import Session

FIRST_LINE = 100
LOG_LINES = 30
BRIEF_LOG_LINES = 5
# What Kestra says when a script has failed, after the script has said why.
ENDINGS = ("Command failed with exit code", "io.kestra.core.models.tasks.runners.TaskException")
VALUE_LENGTH = 500
# States of task runs worth a look when an execution is not as wished.
BAD = ("FAILED", "WARNING", "KILLED", "CANCELLED")


def diagnosis(execution: ExecutionRecord, session: Session, what: str | None = None, run: TaskRun | None = None) -> str:
    """Return what there is to know about an execution that is not as wished; the first line says the most.

    `what` says what is wrong with it, such as `is FAILED, not SUCCESS`, and `run` is the task run that this is about.
    Gathering this never raises.
    """
    logs = _logs(execution, session)
    lines = [_first(execution, session, what or f"is {execution.state}", run, logs)]
    lines += _task_runs(execution, session)
    lines += _log_lines(execution, logs)
    lines += _values("Inputs", execution.inputs, session)
    lines += _values("Outputs", execution.outputs, session)
    place = session.page(execution) if session.pages else f"{execution.id} in {execution.namespace}"
    lines.append(f"Execution: {place}")
    return session.masked("\n".join(lines))


def brief(execution: ExecutionRecord, session: Session, what: str, run: TaskRun | None = None) -> str:
    """Return the most important lines of a diagnosis, at most six of a hundred characters."""
    logs = _logs(execution, session)
    chosen = _chosen(execution, logs)
    best = [entry for entry in chosen if entry.task_run_id and not entry.message.startswith(ENDINGS)]
    told = [_short(line, FIRST_LINE) for entry in best or chosen for line in _entry(entry)]
    lines = [_first(execution, session, what, run, logs), *told[-BRIEF_LOG_LINES:]]
    return session.masked("\n".join(lines))


def _first(execution: ExecutionRecord, session: Session, what: str, run: TaskRun | None, logs: Logs) -> str:
    head = f"{execution.flow_id} {what}"
    cause = run or _cause(execution)
    if run is None and cause is not None:
        head += f": task {_run_name(cause, session)} failed"
    reason = _reason(cause, logs)
    if reason:
        head += f": {reason}"
    elif execution.state in ("FAILED", "CANCELLED") and not execution.task_runs:
        head += ": no task ran"
    return _short(session.masked(head), FIRST_LINE)


def _cause(execution: ExecutionRecord) -> TaskRun | None:
    failed = [run for run in execution.task_runs if run.state == "FAILED"]
    # The innermost: a flowable task fails because one in it did.
    parents = {run.parent_id for run in failed}
    return next((run for run in failed if run.id not in parents), None)


def _reason(run: TaskRun | None, logs: Logs) -> str:
    errors = [entry for entry in logs if entry.level == "ERROR" and (run is None or entry.task_run_id == run.id)]
    told = [entry for entry in errors if not entry.message.startswith(ENDINGS)] or errors
    message = told[-1].message.strip() if told else ""
    return message.splitlines()[-1].strip() if message else ""


def _task_runs(execution: ExecutionRecord, session: Session) -> list[str]:
    if not execution.task_runs:
        return []
    names = [_indent(run, execution) + _run_name(run, session) for run in execution.task_runs]
    width = max(map(len, names))
    return [
        f"  {name:<{width}}  {run.state:<8} {_seconds(run.duration):>8}{_attempts(run)}".rstrip()
        for name, run in zip(names, execution.task_runs, strict=True)
    ]


def _indent(run: TaskRun, execution: ExecutionRecord) -> str:
    parents = {other.id: other.parent_id for other in execution.task_runs}
    depth, parent = 0, run.parent_id
    while parent is not None and depth < len(parents):
        depth, parent = depth + 1, parents.get(parent)
    return "  " * depth


def _run_name(run: TaskRun, session: Session) -> str:
    return run.task_id if run.value is None else f"{run.task_id}[{_short(session.masked(run.value), 40)}]"


def _attempts(run: TaskRun) -> str:
    return f"  {len(run.attempts)} attempts" if len(run.attempts) > 1 else ""


def _seconds(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration.total_seconds():.3f} s"


def _chosen(execution: ExecutionRecord, logs: Logs) -> list[LogEntry]:
    """Return the logs of what went wrong."""
    bad = {run.id for run in execution.task_runs if run.state in BAD}
    return [entry for entry in logs if entry.task_run_id is None or not bad or entry.task_run_id in bad]


def _log_lines(execution: ExecutionRecord, logs: Logs) -> list[str]:
    chosen = _chosen(execution, logs)
    if not chosen:
        return []
    shown = chosen[-LOG_LINES:]
    left = len(chosen) - len(shown)
    title = "Logs of level WARN and above" + (f", {left} earlier ones left out" if left else "")
    return [f"{title}:", *(line for entry in shown for line in _entry(entry))]


def _entry(entry: LogEntry) -> list[str]:
    first, *more = entry.message.rstrip().splitlines() or [""]
    return [f"  {entry.level:<5} {entry.task_id or 'the flow'}: {first}", *(f"        {line}" for line in more)]


def _logs(execution: ExecutionRecord, session: Session) -> Logs:
    read = session.client.executions
    try:
        logs = session.settle(execution, lambda: Logs(read.logs(execution.id)).select(min_level="WARN"))
    except KestraError:  # the server may be gone; what is known is told all the same
        return Logs()
    return Logs(replace(entry, message=session.masked(entry.message)) for entry in logs)


def _values(title: str, values: Mapping[str, Any], session: Session) -> list[str]:
    if not values:
        return []
    text = json.dumps(_masked(values), ensure_ascii=False, default=str)
    return [f"{title}: {_short(session.masked(text), VALUE_LENGTH)}"]


def _masked(value: Any) -> Any:
    """Return a value with every SECRET input, which Kestra stores encrypted, as stars."""
    if isinstance(value, Mapping):
        if value.get("type") == "io.kestra.datatype:aes_encrypted":
            return "*****"
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value


def _short(text: str, length: int) -> str:
    """Cut a text; secrets are masked before, as the part of one would be no secret that is known."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
