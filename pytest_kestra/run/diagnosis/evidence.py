"""All there is to know about an execution, gathered once: what every report is made of."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from functools import partial

from pytest_kestra.errors import KestraError
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import ExecutionRecord, FlowRecord, Json, TaskRun
from pytest_kestra.run.diagnosis.expression import Expression, failed_expression
from pytest_kestra.run.diagnosis.script import located, script_line
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.session import Session
from pytest_kestra.run.waiting import has_reached
from pytest_kestra.states import BAD

# What Kestra says when a script has failed, after the script has said why.
ENDINGS = ("Command failed with exit code", "io.kestra.core.models.tasks.runners.TaskException")
# How many subflows in each other are followed to where a failure began.
DEPTH = 5
REMEDIES = {"Unable to find flow": ": deploy it, too"}

# Colours of a script's own, and what else would change the terminal that shows a log.
COLOUR = re.compile(r"\x1b\[[0-9;:?]*[a-zA-Z]")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# What Kestra's pages show as a link.
LINK = re.compile(r'\[\[link execution="([^"]*)" flowId="([^"]*)" namespace="[^"]*"\]\]')
RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)(?::|$)")


@dataclass(frozen=True)
class Evidence:
    """Hold what is known about an execution; no secret is in its logs.

    `flow` is None where it cannot be had, `name` is the file it came from. `child` is the execution of the subflow that
    it failed by.
    """

    execution: ExecutionRecord
    session: Session
    logs: Logs
    flow: FlowRecord | None
    name: str
    child: Evidence | None = None

    @classmethod
    def of(cls, execution: ExecutionRecord, session: Session, depth: int = DEPTH) -> Evidence:
        """Gather what is known about an execution; what cannot be had is left out, since this must hide no failure.

        The server is asked once for one that has ended, however many reports are made of it.
        """
        execution = _known(execution)
        # After a restart there are more states, and tasks of `afterExecution` come when it has ended.
        key = (execution.id, len(execution.history), len(execution.task_runs))
        ended = has_reached(execution, None)
        if ended and key in session.gathered:
            found: Evidence = session.gathered[key]
            return found
        logs: Logs | None = None
        flow = None
        # The server may be gone; what is known is told all the same.
        with contextlib.suppress(KestraError):
            read = session.client.executions
            logs = session.settle(execution, lambda: Logs(read.logs(execution.id)))
        with contextlib.suppress(KestraError):
            flow = session.flow(execution)
        told = Logs(replace(entry, message=_readable(session.masked(entry.message))) for entry in logs or ())
        gathered = cls(execution, session, told, flow, session.name_of(execution))
        cause = gathered.cause
        child_id = None if cause is None else cause.outputs.get("executionId")
        with contextlib.suppress(KestraError):
            if isinstance(child_id, str) and depth:
                child = session.client.executions.get(child_id)
                gathered = replace(gathered, child=cls.of(child, session, depth - 1))
        if logs is not None and ended and depth:
            session.gathered[key] = gathered
        return gathered

    @property
    def cause(self) -> TaskRun | None:
        """The task run that failed first: the innermost, since a flowable task fails because one in it did."""
        failed = [run for run in self.execution.task_runs if run.state == "FAILED"]
        parents = {run.parent_id for run in failed}
        return next((run for run in failed if run.id not in parents), None)

    @property
    def running(self) -> list[TaskRun]:
        """The task runs that have not ended, but not those around them."""
        open_runs = [run for run in self.execution.task_runs if not run.state.is_final]
        parents = {run.parent_id for run in open_runs}
        return [run for run in open_runs if run.id not in parents]

    @property
    def bad_logs(self) -> Logs:
        """The logs of level WARN and above of what went wrong: of the task runs that did, and of the execution."""
        bad = {run.id for run in self.execution.task_runs if run.state in BAD}
        warned = self.logs.select(min_level="WARN")
        return Logs(entry for entry in warned if entry.task_run_id is None or not bad or entry.task_run_id in bad)

    @property
    def expression(self) -> Expression | None:
        """The expression that failed, if one did; not one of a subflow."""
        if self.child is not None:
            return None
        if self.execution.state not in BAD and not any(run.state in BAD for run in self.execution.task_runs):
            return None
        # After a failure others follow, such as of outputs that are not there.
        cause = self.cause
        entries = [entry for entry in self.bad_logs if cause is None or entry.task_run_id == cause.id]
        return failed_expression(entries, self.execution, self.flow)

    @property
    def innermost(self) -> Evidence:
        """Where the failure began: in this execution, or in that of a subflow of its subflows."""
        return self if self.child is None else self.child.innermost

    def reason(self, run: TaskRun | None) -> str:
        """Return why a task run, or the whole execution, failed: the last line of its last error."""
        if self.child is not None and run is not None and run == self.cause:
            inner = self.innermost
            at = f" at {inner.cause.name}" if inner.cause is not None else ""
            return f"its subflow {inner.execution.flow_id} failed{at}: {inner.reason(inner.cause)}"
        if (failed := self.expression) is not None and (run is None or run.id == failed.task_run_id):
            return self.session.masked(failed.why)
        of_run = self.logs if run is None else self.logs.select(runs=[run.id])
        of_flow = Logs(entry for entry in self.logs if entry.task_run_id is None)
        # A task that Kestra itself ends has often nothing to say, or only a warning.
        errors = of_run.select(level="ERROR") or of_flow.select(level="ERROR") or of_run.select(level="WARN")
        told = [entry for entry in errors if not entry.message.startswith(ENDINGS)] or list(errors)
        lines = [line.strip() for entry in told for line in entry.message.splitlines() if line.strip()]
        # The message of a Python exception may have several lines.
        raised = [line for line in lines if RAISED.match(line)]
        reason = (raised or lines or [""])[-1]
        return reason + next((remedy for start, remedy in REMEDIES.items() if reason.startswith(start)), "")

    @property
    def line(self) -> int | None:
        """The line of the flow's text to look at: of the expression, the script or else the task that failed."""
        if (failed := self.expression) is not None:
            return failed.line
        run = self.cause
        if run is None or self.flow is None:
            return None
        return self.script_line or self.line_of(run.task_id)

    def line_of(self, task_id: str) -> int | None:
        """Return the line of the flow's text that has a task's id."""
        if self.flow is None or not self.flow.source:
            return None
        return FlowSource(self.flow.source, self.name).line_of_task(task_id)

    @property
    def script_line(self) -> int | None:
        """The line of the flow's text that has the line of a script which failed."""
        run = self.cause
        if run is None or self.flow is None:
            return None
        return script_line(self.logs.select(runs=[run.id]), run, self.flow)

    def shown(self, logs: Logs) -> Logs:
        """Return logs as a text shows them: with the lines of the flow's file in tracebacks."""
        return Logs(located(logs, self.flow, self.name))

    @property
    def place(self) -> str:
        """Where to look at the execution: its page, or on a server without pages its id and namespace."""
        execution = self.execution
        return self.session.page(execution) if self.session.pages else f"{execution.id} in {execution.namespace}"


def _known(execution: ExecutionRecord) -> ExecutionRecord:
    """Return an execution that lacks what Kestra 2.0 is asked for late, and can no longer tell."""

    def outputs(of: ExecutionRecord | TaskRun) -> Json | None:
        with contextlib.suppress(KestraError):
            return of.outputs
        return None

    def runs() -> tuple[TaskRun, ...]:
        with contextlib.suppress(KestraError):
            return tuple(replace(run, _outputs=partial(outputs, run)) for run in execution.task_runs)
        return ()

    return replace(execution, _read_runs=runs, _outputs=partial(outputs, execution))


def _readable(text: str) -> str:
    """Return a text without the colours in it, links as words, and other control characters as they are written."""
    plain = LINK.sub(r"\1 of \2", COLOUR.sub("", text)).replace("\r\n", "\n")
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", plain)
