"""An execution of a flow, as it was when it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pytest_kestra.errors import ApiError, KestraError, UnexpectedStateError, UnknownNameError, WaitTimeout
from pytest_kestra.records import ExecutionRecord, Metric, TaskRun
from pytest_kestra.run.diagnosis import diagnosis
from pytest_kestra.run.file import File
from pytest_kestra.run.inputs import Inputs
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.session import Session
from pytest_kestra.run.waiting import has_reached, poll
from pytest_kestra.states import FINAL, STATES, State


@dataclass(frozen=True)
class Execution(ExecutionRecord):
    """Tell what an execution did.

    It is what was true when it was read: `refresh` and `wait` return a new one.
    """

    session: Session = field(kw_only=True, repr=False, compare=False)

    @classmethod
    def reading(cls, record: ExecutionRecord, session: Session) -> Execution:
        """Return an execution whose states know it, so that a failed assertion about one can tell the story."""
        execution = cls(**vars(record), session=session)
        runs = tuple(replace(run, state=State(run.state, execution)) for run in record.task_runs)
        # The only change that a frozen value ever sees: before anybody else has it.
        object.__setattr__(execution, "state", State(record.state, execution))
        object.__setattr__(execution, "task_runs", runs)
        return execution

    @property
    def url(self) -> str:
        """The page of this execution in Kestra's user interface."""
        return self.session.page(self)

    def task(self, task_id: str, value: Any = None) -> TaskRun:
        """Return the run of a task; in a loop, the one for `value`.

        UnknownNameError where the task did not run, KestraError where it ran more than once.
        """
        runs = self.tasks(task_id)
        if value is not None:
            runs = [run for run in runs if run.value == str(value)]
        if len(runs) == 1:
            return runs[0]
        if runs:
            values = ", ".join(repr(run.value) for run in runs)
            raise KestraError(
                f"The task {task_id!r} ran {len(runs)} times in {self._name}: choose with task({task_id!r}, value=…) "
                f"one of {values}, or take all with tasks({task_id!r})."
            )
        if value is None:
            raise UnknownNameError("run of a task", task_id, (run.task_id for run in self.task_runs), self._name)
        known = [run.value for run in self.tasks(task_id) if run.value is not None]
        raise UnknownNameError(f"run of the task {task_id!r} for the value", str(value), known, self._name)

    def tasks(self, task_id: str) -> list[TaskRun]:
        """Return all runs of a task, in their order; none where it did not run."""
        return [run for run in self.task_runs if run.task_id == task_id]

    def logs(
        self,
        task: str | None = None,
        *,
        level: str | None = None,
        min_level: str | None = None,
        matching: str | None = None,
    ) -> Logs:
        """Return the logs, or those of a task, of a level, of a level and above, or that a regular expression finds.

        Where there is none, Kestra is asked again for half a second after the end, since it may write them late.
        UnknownNameError for a task that the flow does not have.
        """
        if task is not None:
            self._check_task(task)
        return self.session.settle(
            self,
            lambda: Logs(self.session.client.executions.logs(self.id)).select(
                task=task, level=level, min_level=min_level, matching=matching
            ),
        )

    def metrics(self) -> list[Metric]:
        """Return the metrics of all tasks."""
        return self.session.settle(self, lambda: self.session.client.executions.metrics(self.id))

    def children(self) -> list[Execution]:
        """Return the executions that subflow tasks of this one have started, oldest first."""
        found = self.session.client.executions.search({"triggerExecutionId][EQUALS": self.id})
        return [Execution.reading(record, self.session) for record in found]

    def file(self, uri: str) -> File:
        """Return a file of Kestra's internal storage, by the `kestra:///` URI that an output names."""
        if not uri.startswith("kestra://"):
            raise KestraError(f"The URI of a file begins with kestra://, and {uri!r} does not.")
        return File(uri, self.session.client.executions.file(self.id, uri))

    @property
    def rejected_by_concurrency_limit(self) -> bool:
        """Whether the flow's concurrency limit refused this execution.

        Kestra then ends it (FAILED or CANCELLED, as the flow's `behavior` says) without RUNNING and without task runs.
        """
        ended = self.state in ("FAILED", "CANCELLED")
        if not ended or self.task_runs or has_reached(self, "RUNNING"):
            return False
        return self.session.client.flows.get(self.namespace, self.flow_id, self.revision).concurrency is not None

    def when(self, state: str) -> datetime:
        """Return when this execution came to a state first; UnexpectedStateError where it never was in it.

        So `sorted(runs, key=lambda run: run.when("RUNNING"))` is the order in which they ran.
        """
        for change in self.history:
            if change.state == state:
                return change.date
        if state not in STATES:
            raise UnknownNameError("state", state, sorted(STATES), "Kestra")
        raise UnexpectedStateError(diagnosis(self, self.session, f"is {self.state} and never was {state}"))

    def refresh(self) -> Execution:
        """Return this execution as it is now."""
        return Execution.reading(self.session.client.executions.get(self.id), self.session)

    def wait(self, until: str | None = None, timeout: float | None = None) -> Execution:
        """Return this execution when it has ended, or when it is or was in the state `until`.

        `timeout` is in seconds. WaitTimeout where that takes longer, UnexpectedStateError as soon as it has ended in
        another state.
        """
        if until is not None and until not in STATES:
            raise UnknownNameError("state", until, sorted(STATES), "Kestra")
        limit = self.session.limit(timeout)

        def done(record: ExecutionRecord) -> bool:
            return has_reached(record, until) or (until is not None and has_reached(record, None))

        record = poll(lambda: self.session.client.executions.get(self.id), done, limit)
        execution = Execution.reading(record, self.session)
        if has_reached(execution, until):
            return execution
        wished = until or "at its end"
        if execution.state in FINAL and until is not None:
            raise UnexpectedStateError(
                diagnosis(execution, self.session, f"is {execution.state} and never was {wished}")
            )
        raise WaitTimeout(diagnosis(execution, self.session, f"was {execution.state}, not {wished}, after {limit:g} s"))

    def kill(self) -> Execution:
        """End this execution and its subflows, and return it when it has ended; one that had ended stays as it is."""
        self.session.client.executions.kill(self.id)
        return self.wait()

    def resume(self, inputs: Mapping[str, Any] | None = None) -> Execution:
        """Let this paused execution go on, and return it as it is then; it goes on by itself: `wait` for its end.

        `inputs` are those of the task that paused it, `onResume`; values as in `Flow.run`. UnexpectedStateError where
        it is not paused, InputError for an input that is unknown, missing or wrong.
        """
        now = self.refresh()
        paused = [run for run in now.task_runs if run.state == "PAUSED"]
        if not paused:
            raise UnexpectedStateError(diagnosis(now, self.session, f"is {now.state}, not PAUSED, so nothing resumes"))
        flow = self.session.client.flows.get(self.namespace, self.flow_id, self.revision)
        taken = Inputs.of_pause(flow, paused[-1].task_id, self.session.deployer.name_of(flow))
        try:
            self.session.client.executions.resume(self.id, taken.fields(inputs))
        except ApiError as error:
            if (wrong := taken.refused(error, list(inputs or ()))) is not None:
                raise wrong from error
            raise
        return self.refresh()

    @property
    def _name(self) -> str:
        return f"the execution of {self.flow_id}"

    def _check_task(self, task_id: str) -> None:
        if self.tasks(task_id):
            return
        known = self.session.client.flows.get(self.namespace, self.flow_id, self.revision).tasks
        if task_id not in known:
            raise UnknownNameError("task", task_id, known, f"the flow {self.flow_id}")
