"""All there is to know about an execution, gathered once: what every report is made of."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from pytest_kestra.errors import KestraError
from pytest_kestra.records import ExecutionRecord, FlowRecord, TaskRun
from pytest_kestra.run.expression import Expression, failed_expression
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.session import Session

# What Kestra says when a script has failed, after the script has said why.
ENDINGS = ("Command failed with exit code", "io.kestra.core.models.tasks.runners.TaskException")
# States of task runs worth a look when an execution is not as wished.
BAD = ("FAILED", "WARNING", "KILLED", "CANCELLED")


@dataclass(frozen=True)
class Evidence:
    """Hold what is known about an execution; no secret is in its logs.

    `flow` is None where it cannot be had, `name` is the file it came from.
    """

    execution: ExecutionRecord
    session: Session
    logs: Logs
    flow: FlowRecord | None
    name: str

    @classmethod
    def of(cls, execution: ExecutionRecord, session: Session) -> Evidence:
        """Gather what is known about an execution; what cannot be had is left out, since this must hide no failure."""
        logs, flow = Logs(), None
        # The server may be gone; what is known is told all the same.
        with contextlib.suppress(KestraError):
            read = session.client.executions
            logs = session.settle(execution, lambda: Logs(read.logs(execution.id)))
        with contextlib.suppress(KestraError):
            flow = session.flow(execution)
        masked = Logs(replace(entry, message=session.masked(entry.message)) for entry in logs)
        return cls(execution, session, masked, flow, session.name_of(execution))

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
        """The expression that failed, if one did."""
        if self.execution.state not in BAD and not any(run.state in BAD for run in self.execution.task_runs):
            return None
        return failed_expression(self.bad_logs, self.execution, self.flow)

    def reason(self, run: TaskRun | None) -> str:
        """Return why a task run, or the whole execution, failed: the last line of its last error."""
        if (failed := self.expression) is not None and (run is None or run.id == failed.task_run_id):
            return self.session.masked(failed.why)
        errors = self.logs.select(level="ERROR", runs=None if run is None else [run.id])
        told = [entry for entry in errors if not entry.message.startswith(ENDINGS)] or list(errors)
        message = told[-1].message.strip() if told else ""
        return message.splitlines()[-1].strip() if message else ""

    @property
    def place(self) -> str:
        """Where to look at the execution: its page, or on a server without pages its id and namespace."""
        execution = self.execution
        return self.session.page(execution) if self.session.pages else f"{execution.id} in {execution.namespace}"
