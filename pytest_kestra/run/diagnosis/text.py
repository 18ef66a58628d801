"""What a failure tells about an execution, as text."""

from __future__ import annotations

from pytest_kestra.names import SHORT, middle
from pytest_kestra.records import ExecutionRecord, TaskRun
from pytest_kestra.run.diagnosis.evidence import Evidence
from pytest_kestra.run.diagnosis.passages import (
    ALL,
    BRIEF_LOG_LINES,
    FIRST_LINE,
    expression,
    header,
    last_logs,
    logs_of,
    name_of,
    script,
    short,
    task_runs,
    titled,
    values,
)
from pytest_kestra.run.session import Session
from pytest_kestra.run.waiting import has_reached


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
    return _text(evidence, what or f"is {execution.state}", run, logs_of(evidence), again=again)


def _text(evidence: Evidence, what: str, run: TaskRun | None, logs: list[str], *, again: bool = True) -> str:
    session = evidence.session
    lines = [_first(evidence, what, run), *story(evidence, logs)]
    if again and session.reproduce:
        lines.append(f"Run it again: {session.reproduce}")
    return session.masked("\n".join(lines))


def story(evidence: Evidence, logs: list[str]) -> list[str]:
    """Return the lines about an execution after the first, with these for its logs."""
    execution, session, child = evidence.execution, evidence.session, evidence.child
    lines = [header(evidence), *task_runs(evidence), *expression(evidence), *script(evidence), *logs]
    lines += values("Inputs", execution.inputs, session)
    lines += values("Outputs", execution.outputs, session)
    lines.append(f"Execution: {evidence.place}")
    if child is not None:
        lines += [f"Its subflow: {first_line(child)}", *(f"  {line}" for line in story(child, logs_of(child)))]
    return lines


def brief(execution: ExecutionRecord, session: Session, what: str | None = None, run: TaskRun | None = None) -> str:
    """Return the most important lines of a diagnosis, at most six of a hundred characters."""
    evidence = Evidence.of(execution, session)
    inner = evidence.innermost
    lines = [short(session.masked(line), FIRST_LINE) for line in (*expression(inner), *script(inner))]
    lines += last_logs(inner)[-(BRIEF_LOG_LINES - len(lines)) :]
    return session.masked("\n".join([_first(evidence, what or f"is {execution.state}", run), *lines]))


def late(execution: ExecutionRecord, session: Session, limit: float, until: str | None = None) -> str:
    """Return the diagnosis of an execution that did not come to a state, or to its end, within `limit` seconds."""
    evidence = Evidence.of(execution, session)
    running = ", ".join(name_of(run, session) for run in evidence.running[:2])
    if has_reached(execution, None):
        what = f"took longer than {limit:g} s; it has ended since, as {execution.state}"
    elif execution.state.is_final:
        what = f"is {execution.state}, but its task {running} has not ended after {limit:g} s"
    else:
        where = f" in task {running}" if running else ""
        what = f"was still {execution.state}{where} after {limit:g} s"
        what += f", never {until}" if until else ""
    last = titled("Last logs", evidence.shown(evidence.logs), BRIEF_LOG_LINES)
    return _text(evidence, what, None, logs_of(evidence) if evidence.bad_logs or session.verbosity >= ALL else last)


def first_line(evidence: Evidence) -> str:
    """Return the line that says the most about an execution, such as why it failed, within a hundred characters."""
    return _first(evidence, f"is {evidence.execution.state}", None)


def tells_of(text: str, execution: ExecutionRecord) -> bool:
    """Tell whether a text has the first line of a diagnosis of this execution."""
    names = (execution.flow_id, middle(execution.flow_id, SHORT))
    return any(f"{name} is {execution.state}" in text for name in names)


def _first(evidence: Evidence, what: str, run: TaskRun | None) -> str:
    execution, session = evidence.execution, evidence.session
    cause = run or evidence.cause
    reason = evidence.reason(cause)
    if session.deployer.namespace:
        # What makes a namespace the test's own takes the room of what is to be told.
        reason = reason.replace(f".{session.deployer.namespace}", "")
    if not reason and execution.state in ("FAILED", "CANCELLED") and not execution.task_runs:
        reason = "no task ran"
    flow_id, task = execution.flow_id, "" if run is not None or cause is None else name_of(cause, session)
    line = _sentence(flow_id, what, task, reason)
    if len(line) > FIRST_LINE:
        line = _sentence(middle(flow_id, SHORT), what, middle(task, SHORT), reason)
    return short(session.masked(line), FIRST_LINE)


def _sentence(flow_id: str, what: str, task: str, reason: str) -> str:
    return ": ".join(filter(None, [f"{flow_id} {what}", task and f"task {task} failed", reason]))
