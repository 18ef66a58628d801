"""The passages of a diagnosis, each as lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from pytest_kestra.records import LogEntry, TaskRun
from pytest_kestra.run.diagnosis.evidence import ENDINGS, Evidence
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.session import Session

FIRST_LINE = 100
LOG_LINES = 30
ALL_LOG_LINES = 200
BRIEF_LOG_LINES = 5
# The lines of one log after its first.
ENTRY_LINES = 40
TASK_RUNS = 60
VALUE_LENGTH = 500
VALUE_IN_LINE = 20
# From which verbosity on more is told: all logs and outputs of what failed; all of everything.
MORE, ALL = 1, 2


def header(evidence: Evidence) -> str:
    """Return where an execution is from and how it went."""
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


def task_runs(evidence: Evidence) -> list[str]:
    """Return the tree of its task runs: state, duration, attempts, with the verbosity also outputs."""
    session, runs = evidence.session, evidence.execution.task_runs
    if not runs:
        return []
    shown = runs if session.verbosity >= ALL or len(runs) <= TASK_RUNS else _worth_a_look(evidence)
    names = ["  " * evidence.execution.depth(run) + _own_name(run, session) for run in shown]
    width = max(map(len, names))
    lines = []
    for name, run in zip(names, shown, strict=True):
        told = f"  {name:<{width}}  {run.state:<8} {_seconds(run.duration):>8}{_attempts(run)}"
        lines.append(told.rstrip())
        if run.outputs and session.verbosity >= (MORE if run is evidence.cause else ALL):
            lines.append(f"  {' ' * width}    {_json(run.outputs, session)}")
    ids = {run.id for run in shown}
    if left := [run for run in runs if run.id not in ids]:
        states = " or ".join(sorted({run.state for run in left}))
        lines.append(f"  … {len(left)} more task runs, {states}; -vv shows them")
    return lines


def _worth_a_look(evidence: Evidence) -> list[TaskRun]:
    """Return the task runs that did not end well and the first of the others, as many as are shown."""
    runs = evidence.execution.task_runs
    odd = [run for run in runs if run.state not in ("SUCCESS", "SKIPPED")][:TASK_RUNS]
    chosen = {run.id for run in [*odd, *runs][:TASK_RUNS]}
    return [run for run in runs if run.id in chosen]


def _own_name(run: TaskRun, session: Session) -> str:
    """Return a task run's name in the tree, where those around it stand above."""
    return run.task_id if run.value is None else f"{run.task_id}[{short(session.masked(run.value), 40)}]"


def name_of(run: TaskRun, session: Session) -> str:
    """Return a task run's name as it stands in a sentence: with the values of all loops around it."""
    return run.task_id + "".join(f"[{short(session.masked(value), VALUE_IN_LINE)}]" for value in run.values)


def _attempts(run: TaskRun) -> str:
    if len(run.attempts) < 2:
        return ""
    return f"  {len(run.attempts)} attempts: {', '.join(attempt.state for attempt in run.attempts)}"


def _took(duration: timedelta | None) -> str:
    return "" if duration is None else f" in {_seconds(duration)}"


def _seconds(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration.total_seconds():.3f} s"


def expression(evidence: Evidence) -> list[str]:
    """Return the expression that failed, its line, and why."""
    failed = evidence.expression
    if failed is None:
        return []
    line = "" if failed.line is None else f":{failed.line}"
    text = short(" ".join(evidence.session.masked(failed.text).split()), VALUE_LENGTH)
    why = short(evidence.session.masked(failed.why), VALUE_LENGTH)
    return [f"Expression: {text} ({evidence.name}{line})", f"  {why}"]


def script(evidence: Evidence) -> list[str]:
    """Return the line of a script that failed, and where it is."""
    line = evidence.script_line
    if line is None or evidence.flow is None:
        return []
    code = evidence.session.masked(evidence.flow.source.splitlines()[line - 1].strip())
    return [f"Script: {short(code, VALUE_LENGTH)} ({evidence.name}:{line})"]


def logs_of(evidence: Evidence) -> list[str]:
    """Return the logs that matter, as many as the verbosity says."""
    verbosity = evidence.session.verbosity
    if verbosity >= ALL:
        # Kestra's own stack traces are of level TRACE.
        return titled("All logs", evidence.shown(evidence.logs.select(min_level="DEBUG")), ALL_LOG_LINES)
    if verbosity >= MORE and (runs := {entry.task_run_id for entry in evidence.bad_logs}):
        told = Logs(entry for entry in evidence.logs.select(min_level="INFO") if entry.task_run_id in runs)
        return titled("Logs of what went wrong", evidence.shown(told), ALL_LOG_LINES)
    return titled("Logs of level WARN and above", evidence.shown(evidence.bad_logs), LOG_LINES)


def titled(title: str, logs: Logs, most: int) -> list[str]:
    """Return the last of some logs below a title."""
    if not logs:
        return []
    left = f", {len(logs) - most} earlier ones left out" if len(logs) > most else ""
    return [f"{title}{left}:", *log_lines(logs, most)]


def last_logs(evidence: Evidence) -> list[str]:
    """Return the last lines of what went wrong, each cut."""
    chosen = evidence.shown(evidence.bad_logs)
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
    if len(more) > ENTRY_LINES:
        more = [f"… {len(more) - ENTRY_LINES} lines", *more[-ENTRY_LINES:]]
    return [f"  {entry.level:<5} {entry.task_id or 'the flow'}: {first}", *(f"        {line}" for line in more)]


def values(title: str, of: Mapping[str, Any], session: Session) -> list[str]:
    """Return inputs or outputs below a title."""
    return [f"{title}: {_json(of, session)}"] if of else []


def _json(of: Mapping[str, Any], session: Session) -> str:
    return short(json.dumps(session.clean(of), ensure_ascii=False, default=str), VALUE_LENGTH)


def short(text: str, length: int) -> str:
    """Cut a text; secrets are masked before, as the part of one would be no secret that is known."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
