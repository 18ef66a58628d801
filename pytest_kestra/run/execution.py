"""An execution of a flow, as it was when it was read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pytest_kestra.errors import (
    ApiError,
    ExpressionError,
    KestraError,
    UnexpectedStateError,
    UnknownNameError,
    WaitTimeout,
)
from pytest_kestra.records import ExecutionRecord, Metric, TaskRun
from pytest_kestra.run import yamls
from pytest_kestra.run.diagnosis.expression import missing_name
from pytest_kestra.run.diagnosis.text import diagnosis, late
from pytest_kestra.run.file import File
from pytest_kestra.run.inputs import Inputs
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.path import Path, has_run
from pytest_kestra.run.session import Session
from pytest_kestra.run.task_runs import is_for, no_run, no_value, runs_of, several
from pytest_kestra.run.waiting import has_reached, is_out_of_reach, killing, poll
from pytest_kestra.states import QUEUE, STATES, TREATED, State

yamls.teach()

# How Kestra refuses what an execution's state does not allow.
WRONG_STATE = (409, 422)
# What the log of an execution says that a limit has made FAILED, with the limit's scope before it on Kestra 2.0.
REFUSED = "concurrency limit exceeded"


@dataclass(frozen=True, repr=False)
class Execution(ExecutionRecord):
    """Tell what an execution did.

    It is what was true when it was read: `refresh` and `wait` return a new one.
    """

    session: Session = field(kw_only=True, repr=False, compare=False)

    __hash__ = ExecutionRecord.__hash__

    @classmethod
    def reading(cls, record: ExecutionRecord, session: Session) -> Execution:
        """Return an execution whose states know it, so that a failed assertion about one can tell the story."""
        execution = cls(**{item.name: getattr(record, item.name) for item in fields(ExecutionRecord)}, session=session)

        def runs() -> tuple[TaskRun, ...]:
            return tuple(replace(run, state=State(run.state, execution)) for run in record.task_runs)

        # The only change that a frozen value ever sees: before anybody else has it.
        object.__setattr__(execution, "state", State(record.state, execution))
        object.__setattr__(execution, "_read_runs", runs)
        session.seen[execution.id] = execution
        return execution

    @property
    def url(self) -> str:
        """The page of this execution in Kestra's user interface."""
        return self.session.page(self)

    @property
    def path(self) -> Path:
        """The names of the tasks that ran, in the order in which they began: what `["check", "charge[A-1]"]` equals."""
        return Path.of(self)

    @property
    def skipped(self) -> list[str]:
        """The ids of the flow's tasks that did not run, in the flow's order.

        Whatever the reason is: a `runIf`, a branch not taken, a failure before, an error handler without an error.
        """
        ran = {run.task_id for run in self.task_runs if has_run(run)}
        return [task_id for task_id in self.session.flow(self).tasks if task_id not in ran]

    def task(self, task_id: str, value: Any = None) -> TaskRun:
        """Return the run of a task; in a loop, the one for `value`, in nested loops for a tuple, the outermost first.

        UnknownNameError where the task did not run, which says why as far as it is known, KestraError where it ran more
        than once.
        """
        every = runs_of(self, task_id)
        if not every:
            raise no_run(self, task_id, self.session.flow(self), self.session.name_of(self))
        runs = runs_of(self, task_id, value)
        if not runs:
            raise no_value(every, task_id, value, self._name)
        if len(runs) > 1:
            raise several(runs, task_id, self._name)
        return runs[0]

    def tasks(self, task_id: str) -> list[TaskRun]:
        """Return all runs of a task, in their order; none where it did not run, UnknownNameError for no task at all."""
        runs = runs_of(self, task_id)
        if not runs and task_id not in (known := self.session.flow(self).tasks):
            raise UnknownNameError("task", task_id, known, f"the flow {self.flow_id}")
        return runs

    def logs(
        self,
        task: str | None = None,
        *,
        value: Any = None,
        level: str | None = None,
        min_level: str | None = None,
        matching: str | None = None,
    ) -> Logs:
        """Return the logs, or those of a task, of a level, of a level and above, or that a regular expression finds.

        `value` chooses runs of a loop, as in `task`. Where there is none, Kestra is asked again for half a second after
        the end, since it may write them late. UnknownNameError for a task that the flow does not have.
        """
        if task is not None:
            self.tasks(task)
        # Each round of a LoopUntil takes the place of the one before: without a value, runs that are gone count, too.
        runs = None if value is None else {run.id for run in self.task_runs if is_for(run, value)}
        return self.session.settle(
            self,
            lambda: Logs(self.session.client.executions.logs(self.id)).select(
                task=task, runs=runs, level=level, min_level=min_level, matching=matching
            ),
        )

    def metrics(self, task: str | None = None, *, name: str | None = None) -> list[Metric]:
        """Return the metrics of all tasks, of one of them, or those of a name such as `records`."""
        if task is not None:
            self.tasks(task)

        def read() -> list[Metric]:
            found = self.session.client.executions.metrics(self.id)
            return [
                metric
                for metric in found
                if (task is None or metric.task_id == task) and (name is None or metric.name == name)
            ]

        return self.session.settle(self, read)

    def children(self) -> list[Execution]:
        """Return the executions that subflow tasks and Flow triggers have started from this one, oldest first."""
        found = self.session.client.executions.started_by(self.id)
        return [Execution.reading(record, self.session) for record in found]

    def file(self, uri: str) -> File:
        """Return a file of Kestra's internal storage, by the `kestra:///` URI that an output names."""
        if not uri.startswith("kestra://"):
            raise KestraError(f"The URI of a file begins with kestra://, and {uri!r} does not.")
        return File(uri, self.session.client.executions.file(self.id, uri))

    def evaluate(self, expression: str, task: TaskRun | None = None) -> str:
        """Return what Kestra renders for an expression such as `{{ outputs.total.value }}` in this execution.

        In a task run the expression also knows `taskrun.value` and the like. ExpressionError where it cannot be
        rendered: for a name that is missing it tells the nearest.
        """
        calls = self.session.client.executions
        try:
            if task is None:
                return calls.evaluate(self.id, expression)
            return calls.evaluate(task.execution_id or self.id, expression, task.id)
        except ExpressionError as error:
            with contextlib.suppress(KestraError):  # Kestra's own words are better than another problem
                why = missing_name(str(error), self, self.session.flow(self), task)
                error = error if why is None else ExpressionError(self.session.masked(why))
            raise ExpressionError(f"{expression} in {self._name}: {error}") from None

    @property
    def rejected_by_concurrency_limit(self) -> bool:
        """Whether the flow's concurrency limit refused this execution.

        Kestra then ends it (FAILED or CANCELLED, as the flow's `behavior` says) without RUNNING and without task runs;
        where it is FAILED, its log says why (`ExecutorService.processExecutionRunning`).
        """
        ended = self.state in ("FAILED", "CANCELLED")
        if not ended or self.task_runs or {"RUNNING", "QUEUED"} & set(self.states):
            return False
        limit = self.session.flow(self).concurrency
        if limit is None or self.state != TREATED[limit.get("behavior") or QUEUE]:
            return False
        told = self.logs() if self.state == "FAILED" else Logs()
        return not told or any(REFUSED in message for message in told.messages)

    def refresh(self) -> Execution:
        """Return this execution as it is now."""
        return Execution.reading(self.session.client.executions.get(self.id), self.session)

    def wait(self, until: str | None = None, timeout: float | None = None) -> Execution:
        """Return this execution when it has ended, or when it is or was in the state `until`.

        After `resume` and `restart` only what comes then counts. `timeout` is in seconds. WaitTimeout where that takes
        longer, UnexpectedStateError as soon as the state can no longer come.
        """
        if until is not None and until not in STATES:
            raise UnknownNameError("state", until, sorted(STATES), "Kestra")
        return self._wait(lambda: self.session.client.executions.get(self.id), until, timeout)

    def _wait(self, read: Callable[[], ExecutionRecord], until: str | None, timeout: float | None) -> Execution:
        limit, since = self.session.limit(timeout), self.session.continued.get(self.id, 0)
        record = poll(
            read, lambda found: has_reached(found, until, since) or is_out_of_reach(found, until, since), limit
        )
        execution = Execution.reading(record, self.session)
        if has_reached(execution, until, since):
            return execution
        if is_out_of_reach(execution, until, since):
            what = f"is {execution.state} and " + (f"was not {until} again" if since else f"never was {until}")
            raise UnexpectedStateError(diagnosis(execution, self.session, what))
        raise WaitTimeout(late(execution, self.session, limit, until))

    def kill(self, timeout: float | None = None) -> Execution:
        """End this execution and its subflows, and return it when it has ended; one that had ended stays as it is.

        `timeout` is in seconds; WaitTimeout where it takes longer.
        """
        executions = self.session.client.executions
        # Kestra 1.3 frees a slot of a concurrency limit for a kill that comes after the end.
        if has_reached(executions.get(self.id), None):
            return self.refresh()
        executions.kill(self.id)
        read = killing(lambda: executions.get(self.id), lambda: executions.kill(self.id))
        return self._wait(read, None, timeout)

    def pause(self) -> Execution:
        """Pause this running execution, and return it as it is then: tasks that run go on, no other starts.

        UnexpectedStateError where it is not RUNNING.
        """
        return self._asked(lambda: self.session.client.executions.pause(self.id), "so it cannot be paused")

    def resume(self, inputs: Mapping[str, Any] | None = None) -> Execution:
        """Let this paused execution go on, and return it as it is then; it goes on by itself: `wait` for its end.

        `inputs` are those of the task that paused it, `onResume`; values as in `Flow.run`. UnexpectedStateError where
        it is not paused, InputError for an input that is unknown, missing or wrong.
        """
        now = self.refresh()
        if now.state != "PAUSED":
            raise UnexpectedStateError(diagnosis(now, self.session, f"is {now.state}, not PAUSED, so nothing resumes"))
        flow, name = self.session.flow(self), self.session.name_of(self)
        # Of several Kestra resumes the first (`ExecutionService.resume`). Without a Pause the execution was paused
        # from outside, and takes no inputs.
        paused = [run.task_id for run in now.task_runs if run.state == "PAUSED"]
        taken = Inputs.of_pause(flow, paused[0] if paused else "", name)
        self.session.secrets.extend(taken.secrets(inputs))
        with taken.refusals(inputs):
            self.session.client.executions.resume(self.id, taken.fields(inputs))
        # It stays PAUSED where it is so for another task, too.
        self.session.continued[self.id] = len(now.history) - (len(paused) > 1)
        return self.refresh()

    def restart(self) -> Execution:
        """Run this failed execution again from the tasks that failed, and return it as it is then: `wait` for its end.

        Its id stays. UnexpectedStateError where it has not ended, or has nothing to run again.
        """
        self.session.require_mocks(self.namespace, self.flow_id)
        before = len(self.refresh().history)
        restarted = self._asked(lambda: self.session.client.executions.restart(self.id), "so nothing is restarted")
        self.session.continued[self.id] = before
        return restarted

    def replay(
        self,
        from_task: str | None = None,
        value: Any = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        revision: int | None = None,
    ) -> Execution:
        """Make a new execution of this one, and return it at once; `wait` for its end.

        It begins anew, or at `from_task` with what the tasks before it did; `value` is for a loop, as in `task`.
        `inputs` replace those of this execution, `revision` is that of the flow, such as one that `Flow.update` made.
        UnknownNameError for a task that did not run, InputError for wrong inputs.
        """
        self.session.require_mocks(self.namespace, self.flow_id)
        run_id = None if from_task is None else self.task(from_task, value).id
        calls, flow = self.session.client.executions, self.session.flow(self)
        if inputs is None:
            record = calls.replay(self.id, task_run_id=run_id, revision=revision)
        else:
            taken = Inputs.of_flow(flow, self.session.name_of(self))
            self.session.secrets.extend(taken.secrets(inputs))
            with taken.refusals(inputs):
                record = calls.replay(self.id, taken.fields(inputs), task_run_id=run_id, revision=revision)
        self.session.started.append(record.id)
        return Execution.reading(record, self.session)

    def _asked(self, ask: Callable[[], object], consequence: str) -> Execution:
        """Ask the server to change this execution, and return it; UnexpectedStateError where its state forbids that."""
        try:
            ask()
        except ApiError as error:
            if error.status not in WRONG_STATE:
                raise
            now = self.refresh()
            what = f"is {now.state}, {consequence}: {error.message}"
            raise UnexpectedStateError(diagnosis(now, self.session, what)) from error
        return self.refresh()

    def __repr__(self) -> str:
        return f"<Execution {self.id} of {self.flow_id}, {self.state}>"

    @property
    def _name(self) -> str:
        return f"the execution of {self.flow_id}"
