"""Filling the concurrency limit of a flow with executions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pytest_kestra.errors import ApiError, ConcurrencyLimitError, KestraError, WaitTimeout
from pytest_kestra.records import ExecutionRecord, FlowRecord, Json
from pytest_kestra.run.diagnosis.text import diagnosis, late
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.session import Session
from pytest_kestra.run.waiting import has_reached, poll
from pytest_kestra.states import FINAL

HELD = "BREAKPOINT"
# An execution that is in one of these states keeps its slot until somebody lets it go on.
STAYING = ("PAUSED", HELD)
# What Kestra answers when an execution that is let go has been deleted, or no longer is at a breakpoint.
NOT_HELD = (404, 409)
SHOWN = 3


@dataclass(frozen=True)
class Saturation:
    """Fill the concurrency limit of a flow.

    `start` starts an execution that stops before the tasks whose ids it gets; `timeout` is in seconds, for each step.
    """

    flow: FlowRecord
    name: str
    session: Session
    start: Callable[..., Execution]
    timeout: float

    @property
    def limit(self) -> int:
        """How many executions may run at a time; KestraError where the flow does not say so."""
        return int(self._concurrency["limit"])

    @property
    def behavior(self) -> str:
        """What happens to executions over the limit: QUEUE, CANCEL or FAIL."""
        return str(self._concurrency.get("behavior", "QUEUE"))

    @contextmanager
    def filled(self, *, hold: bool) -> Iterator[list[Execution]]:
        """Give executions that fill the limit for the time of a block; those held before their first task go on then.

        A failure of the block is not hidden by one of letting them go.
        """
        filling = self._fill(hold=hold)
        try:
            yield filling
        except BaseException:
            with suppress(KestraError):
                self._let_go(filling)
            raise
        self._let_go(filling)

    def counted(self) -> int:
        """Return how many slots are taken, as Kestra counts them."""
        return self.session.client.executions.counted(self.flow.namespace, self.flow.id)

    def come(self, execution: ExecutionRecord, *states: str) -> Execution:
        """Return an execution when it is, or was, in one of some states, or has ended; WaitTimeout if neither."""

        def done(record: ExecutionRecord) -> bool:
            return record.state in FINAL or any(has_reached(record, state) for state in states)

        record = poll(lambda: self.session.client.executions.get(execution.id), done, self.timeout)
        come = Execution.reading(record, self.session)
        if not done(come):
            raise WaitTimeout(late(come, self.session, self.timeout, " or ".join(states)))
        return come

    def _fill(self, *, hold: bool) -> list[Execution]:
        limit, wished = self.limit, HELD if hold else "RUNNING"
        breakpoints = [self._first_task()] if hold else []
        self._check_free()
        started: list[Execution] = []
        try:
            # All before the first is waited for, which takes the most time.
            started.extend(self.start(*breakpoints) for _ in range(limit))
            come = [self.come(execution, wished, "QUEUED") for execution in started]
            filling = come if hold else [execution.refresh() for execution in come]
            self._check(filling, wished)
        except BaseException:
            with suppress(KestraError):
                for execution in reversed(started):
                    # Kestra 1.3 frees a slot when an execution is killed that has ended and has none.
                    if not execution.refresh().state.is_final:
                        self.session.client.executions.kill(execution.id)
            raise
        return filling

    def _first_task(self) -> str:
        """Return the id of the task that runs first: Kestra stops before every kind of task, flowable ones too.

        io.kestra.executor.ExecutorService of 1.3 and 2.0, handleWorkerTask.
        """
        flow = self.session.client.request("GET", "flows", self.flow.namespace, self.flow.id).json()
        for task in flow["tasks"]:
            if not task.get("disabled"):
                return str(task["id"])
        raise KestraError(f"{self.name}: all tasks of {self.flow.id} are disabled, so its executions cannot be held.")

    def _check_free(self) -> None:
        """Wait until no slot is taken: Kestra frees one a moment after its execution has ended."""

        def taken() -> tuple[int, list[ExecutionRecord]]:
            count = self.counted()
            return count, self._running() if count else []

        def decided(found: tuple[int, list[ExecutionRecord]]) -> bool:
            return not found[0] or any(run.state in STAYING for run in found[1])

        count, running = poll(taken, decided, self.timeout)
        if running:
            raise self._occupied(running)
        if count:
            raise ConcurrencyLimitError(
                f"{self.flow.id} has lost {count} of the {self.limit} slots of its limit: they are counted, but no "
                f"execution runs.\nPUT concurrency-limit/{self.flow.namespace}/{self.flow.id} puts the number right."
            )

    def _check(self, filling: Sequence[Execution], wished: str) -> None:
        refused = [run for run in filling if run.state == "QUEUED" or run.rejected_by_concurrency_limit]
        if refused:
            ours = {execution.id for execution in filling}
            if others := [run for run in self._running() if run.id not in ours]:
                raise self._occupied(others)
            raise ConcurrencyLimitError(
                f"{self.flow.id} let only {len(filling) - len(refused)} executions run, not the {self.limit} of its "
                f"limit\n{diagnosis(refused[0], self.session)}"
            )
        ended = [execution for execution in filling if execution.state.is_final]
        if ended:
            cannot = "cannot be held" if wished == HELD else "is too fast to be saturated without hold=True"
            raise KestraError(
                f"{self.name}: the flow {self.flow.id} {cannot}: {len(ended)} of {len(filling)} executions had ended "
                f"(the first as {ended[0].state}) before all of them ran.\n{diagnosis(ended[0], self.session)}"
            )

    def _let_go(self, filling: Sequence[Execution]) -> None:
        for execution in filling:
            if execution.state == HELD:
                try:
                    self.session.client.executions.resume_from_breakpoint(execution.id)
                except ApiError as error:
                    if error.status not in NOT_HELD:
                        raise

    def _running(self) -> list[ExecutionRecord]:
        """Return the executions of the flow that take slots, oldest first."""
        without = ",".join(sorted({*FINAL, "CREATED", "QUEUED"}))
        filters = {"state][NOT_IN": without}
        return self.session.client.executions.of_flow(self.flow.namespace, self.flow.id, filters)

    def _occupied(self, others: Sequence[ExecutionRecord]) -> KestraError:
        told = ", ".join(f"{run.id} is {run.state} since {run.history[-1].date:%H:%M:%S}" for run in others[:SHOWN])
        return KestraError(
            f"{self.name}: other executions of {self.flow.id} take {len(others)} of the {self.limit} slots of its "
            f"limit, so it cannot be saturated: {told}. Wait for their end, or kill them."
        )

    @property
    def _concurrency(self) -> Json:
        if self.flow.concurrency is None:
            raise KestraError(f"{self.name}: the flow {self.flow.id} has no `concurrency`, so nothing can saturate it.")
        return self.flow.concurrency
