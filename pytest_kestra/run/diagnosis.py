"""What a failure tells about an execution, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from pytest_kestra.records import ExecutionRecord, LogEntry, TaskRun
from pytest_kestra.run.evidence import ENDINGS, Evidence
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.session import Session
from pytest_kestra.run.waiting import has_reached

FIRST_LINE = 100
LOG_LINES = 30
ALL_LOG_LINES = 200
BRIEF_LOG_LINES = 5
TASK_RUNS = 60
VALUE_LENGTH = 500
VALUE_IN_LINE = 20
# From which verbosity on more is told: all logs and outputs of what failed; all of everything.
MORE, ALL = 1, 2


def diagnosis(
    execution: ExecutionRecord,
    session: Session,
    what: str | None = None,
    run: TaskRun | None = None,
    *,
    again: bool = True,
) -> str:
    """Return what there is to know about an execution that is not as wished; the first line says the most.

    `what` says what is wrong with it, such as `is FAILED, not SUCCESS`, and `run` is the task run that this is about.
    How much it is depends on the session's `verbosity`; without `again` the command that runs the test again is left
    out. Gathering this never raises.
    """
    evidence = Evidence.of(execution, session)
    return _text(evidence, what or f"is {execution.state}", run, _logs(evidence), again=again)


def _text(evidence: Evidence, what: str, run: TaskRun | None, logs: list[str], *, again: bool = True) -> str:
    session = evidence.session
    lines = [_first(evidence, what, run), *_body(evidence, logs)]
    if again and session.reproduce:
        lines.append(f"Run it again: {session.reproduce}")
    return session.masked("\n".join(lines))


def _body(evidence: Evidence, logs: list[str]) -> list[str]:
    execution, session, child = evidence.execution, evidence.session, evidence.child
    lines = [_header(evidence), *_task_runs(evidence), *_expression(evidence), *_script(evidence), *logs]
    lines += _values("Inputs", execution.inputs, session)
    lines += _values("Outputs", execution.outputs, session)
    lines.append(f"Execution: {evidence.place}")
    if child is not None:
        lines += [f"Its subflow: {first_line(child)}", *(f"  {line}" for line in _body(child, _logs(child)))]
    return lines


def brief(execution: ExecutionRecord, session: Session, what: str | None = None, run: TaskRun | None = None) -> str:
    """Return the most important lines of a diagnosis, at most six of a hundred characters."""
    evidence = Evidence.of(execution, session)
    inner = evidence.innermost
    lines = [short(session.masked(line), FIRST_LINE) for line in (*_expression(inner), *_script(inner))]
    lines += _last_logs(inner)[-(BRIEF_LOG_LINES - len(lines)) :]
    return session.masked("\n".join([_first(evidence, what or f"is {execution.state}", run), *lines]))


def late(execution: ExecutionRecord, session: Session, limit: float, until: str | None = None) -> str:
    """Return the diagnosis of an execution that did not come to a state, or to its end, within `limit` seconds."""
    evidence = Evidence.of(execution, session)
    running = ", ".join(_name(run, session) for run in evidence.running[:2])
    if execution.state.is_final and not has_reached(execution, None):
        what = f"is {execution.state}, but its task {running} has not ended after {limit:g} s"
    else:
        where = f" in task {running}" if running else ""
        what = f"was still {execution.state}{where} after {limit:g} s"
        what += f", never {until}" if until else ""
    last = _titled("Last logs", evidence.logs, BRIEF_LOG_LINES)
    return _text(evidence, what, None, _logs(evidence) if evidence.bad_logs or session.verbosity >= ALL else last)


def first_line(evidence: Evidence) -> str:
    """Return the line that says the most about an execution, such as why it failed, within a hundred characters."""
    return _first(evidence, f"is {evidence.execution.state}", None)


def _first(evidence: Evidence, what: str, run: TaskRun | None) -> str:
    execution, session = evidence.execution, evidence.session
    head = f"{execution.flow_id} {what}"
    cause = run or evidence.cause
    if run is None and cause is not None:
        head += f": task {_name(cause, session)} failed"
    reason = evidence.reason(cause)
    if session.deployer.namespace:
        # What makes a namespace the test's own takes the room of what is to be told.
        reason = reason.replace(f".{session.deployer.namespace}", "")
    if reason:
        head += f": {reason}"
    elif execution.state in ("FAILED", "CANCELLED") and not execution.task_runs:
        head += ": no task ran"
    return short(session.masked(head), FIRST_LINE)


def _header(evidence: Evidence) -> str:
    execution = evidence.execution
    states = " > ".join(execution.states)
    parts = [f"{evidence.name}, revision {execution.revision or 1}: {states}{_took(execution.duration)}"]
    if execution.labels:
        parts.append("labels " + ", ".join(f"{key}={value}" for key, value in execution.labels.items()))
    if execution.trigger is not None:
        by = f" of the execution {execution.triggered_by}" if execution.triggered_by else ""
        parts.append(f"started by {execution.trigger.get('id')}{by}")
    if execution.original_id:
        parts.append(f"replays {execution.original_id}")
    return "Flow: " + "; ".join(parts)


def _task_runs(evidence: Evidence) -> list[str]:
    session, runs = evidence.session, evidence.execution.task_runs
    if not runs:
        return []
    shown = runs if session.verbosity >= ALL or len(runs) <= TASK_RUNS else _worth_a_look(evidence)
    names = [_indent(run, evidence.execution) + _own_name(run, session) for run in shown]
    width = max(map(len, names))
    lines = []
    for name, run in zip(names, shown, strict=True):
        told = f"  {name:<{width}}  {run.state:<8} {_seconds(run.duration):>8}{_attempts(run)}"
        lines.append(told.rstrip())
        if run.outputs and session.verbosity >= (MORE if run is evidence.cause else ALL):
            lines.append(f"  {' ' * width}    {_json(run.outputs, session)}")
    if left := [run for run in runs if run not in shown]:
        states = " or ".join(sorted({run.state for run in left}))
        lines.append(f"  … {len(left)} more task runs, {states}; -vv shows them")
    return lines


def _worth_a_look(evidence: Evidence) -> list[TaskRun]:
    """Return the task runs that did not end well and the first of the others, as many as are shown."""
    runs = evidence.execution.task_runs
    odd = [run for run in runs if run.state not in ("SUCCESS", "SKIPPED")][:TASK_RUNS]
    chosen = {run.id for run in [*odd, *runs][:TASK_RUNS]}
    return [run for run in runs if run.id in chosen]


def _indent(run: TaskRun, execution: ExecutionRecord) -> str:
    parents = {other.id: other.parent_id for other in execution.task_runs}
    depth, parent = 0, run.parent_id
    while parent is not None and depth < len(parents):
        depth, parent = depth + 1, parents.get(parent)
    return "  " * depth


def _own_name(run: TaskRun, session: Session) -> str:
    """Return a task run's name in the tree, where those around it stand above."""
    return run.task_id if run.value is None else f"{run.task_id}[{short(session.masked(run.value), 40)}]"


def _name(run: TaskRun, session: Session) -> str:
    return run.task_id + "".join(f"[{short(session.masked(value), VALUE_IN_LINE)}]" for value in run.values)


def _attempts(run: TaskRun) -> str:
    if len(run.attempts) < 2:
        return ""
    return f"  {len(run.attempts)} attempts: {', '.join(attempt.state for attempt in run.attempts)}"


def _took(duration: timedelta | None) -> str:
    return "" if duration is None else f" in {_seconds(duration)}"


def _seconds(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration.total_seconds():.3f} s"


def _expression(evidence: Evidence) -> list[str]:
    failed = evidence.expression
    if failed is None:
        return []
    line = "" if failed.line is None else f":{failed.line}"
    text = short(" ".join(evidence.session.masked(failed.text).split()), VALUE_LENGTH)
    why = short(evidence.session.masked(failed.why), VALUE_LENGTH)
    return [f"Expression: {text} ({evidence.name}{line})", f"  {why}"]


def _script(evidence: Evidence) -> list[str]:
    line = evidence.script_line
    if line is None or evidence.flow is None:
        return []
    code = evidence.session.masked(evidence.flow.source.splitlines()[line - 1].strip())
    return [f"Script: {short(code, VALUE_LENGTH)} ({evidence.name}:{line})"]


def _logs(evidence: Evidence) -> list[str]:
    verbosity = evidence.session.verbosity
    if verbosity >= ALL:
        # Kestra's own stack traces are of level TRACE.
        return _titled("All logs", evidence.logs.select(min_level="DEBUG"), ALL_LOG_LINES)
    if verbosity >= MORE and (runs := {entry.task_run_id for entry in evidence.bad_logs}):
        told = Logs(entry for entry in evidence.logs.select(min_level="INFO") if entry.task_run_id in runs)
        return _titled("Logs of what went wrong", told, ALL_LOG_LINES)
    return _titled("Logs of level WARN and above", evidence.bad_logs, LOG_LINES)


def _titled(title: str, logs: Logs, most: int) -> list[str]:
    if not logs:
        return []
    left = f", {len(logs) - most} earlier ones left out" if len(logs) > most else ""
    return [f"{title}{left}:", *log_lines(logs, most)]


def _last_logs(evidence: Evidence) -> list[str]:
    chosen = evidence.bad_logs
    best = Logs(entry for entry in chosen if entry.task_run_id and not entry.message.startswith(ENDINGS))
    lines = [short(line, FIRST_LINE) for line in log_lines(best or chosen, BRIEF_LOG_LINES)]
    return lines[-BRIEF_LOG_LINES:]


def log_lines(logs: Sequence[LogEntry], most: int) -> list[str]:
    """Return the last log entries as lines: level, task, message."""
    shown = [_entry(entry) for entry in logs[-most:]]
    # A retry tells the same again.
    told = [(lines, len(list(same))) for lines, same in groupby(shown)]
    return [
        line for (first, *more), times in told for line in (first + (f" ({times} times)" if times > 1 else ""), *more)
    ]


def _entry(entry: LogEntry) -> list[str]:
    first, *more = entry.message.rstrip().splitlines() or [""]
    return [f"  {entry.level:<5} {entry.task_id or 'the flow'}: {first}", *(f"        {line}" for line in more)]


def _values(title: str, values: Mapping[str, Any], session: Session) -> list[str]:
    return [f"{title}: {_json(values, session)}"] if values else []


def _json(values: Mapping[str, Any], session: Session) -> str:
    return short(json.dumps(session.clean(values), ensure_ascii=False, default=str), VALUE_LENGTH)


def short(text: str, length: int) -> str:
    """Cut a text; secrets are masked before, as the part of one would be no secret that is known."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
