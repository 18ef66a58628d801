"""The proof that a flow's concurrency limit holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pytest_kestra.errors import ConcurrencyLimitError
from pytest_kestra.run.diagnosis.text import diagnosis
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.saturation import HELD, SHOWN, Saturation
from pytest_kestra.run.waiting import has_reached, poll
from pytest_kestra.states import TREATED

# How many executions are started over the limit. The second shows whether refusing the first has freed a slot, which
# Kestra 1.0 did (https://github.com/kestra-io/kestra/issues/13141); and two of them have an order.
OVER = 2


@dataclass(frozen=True, repr=False)
class ConcurrencyProof:
    """Tell what was seen of a concurrency limit that holds; as text, in a few lines.

    `held` have filled the limit, `over` were started meanwhile, `further` after all had ended; they are told as they
    ended, and `over` in the order they came. `most` is how many ran at a time.
    """

    flow_id: str
    limit: int
    behavior: str
    held: tuple[Execution, ...]
    over: tuple[Execution, ...]
    further: Execution
    most: int
    seen: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"<ConcurrencyProof: {self.flow_id} keeps its limit of {self.limit}, {self.behavior}>"

    def __str__(self) -> str:
        head = f"{self.flow_id} keeps its concurrency limit of {self.limit}, {self.behavior}:"
        return "\n".join([head, *self.seen])


@dataclass(frozen=True)
class Proving:
    """Prove that the limit which a saturation fills holds, and remember in `seen` what was seen."""

    saturation: Saturation
    seen: list[str] = field(default_factory=list)

    def proof(self) -> ConcurrencyProof:
        """Fill the limit, exceed it, let all end, and return what was seen; ConcurrencyLimitError if that is wrong."""
        limit, behavior = self.saturation.limit, self.saturation.behavior
        with self.saturation.filled(hold=True) as held:
            self._check_counted(held[0], "fills its limit")
            self._see(f"held before their first task: {_ids(held)}; Kestra counts {limit} running")
            over = [self._exceed(held, number) for number in range(1, OVER + 1)]
        ended = self._ended(held)
        self._see(f"let go, they ended: {_states(ended)}")
        over = self._ended(over)
        if behavior == "QUEUE":
            self._check_order(over)
        most = self._most([*ended, *over] if behavior == "QUEUE" else ended)
        further = self._further(ended[-1])
        return ConcurrencyProof(
            self.saturation.flow.id, limit, behavior, tuple(ended), tuple(over), further, most, tuple(self.seen)
        )

    def _exceed(self, held: Sequence[Execution], number: int) -> Execution:
        """Start an execution over the limit and return it when it is what `behavior` says, and nothing has changed."""
        limit, treated = self.saturation.limit, TREATED[self.saturation.behavior]
        over = self.saturation.come(self.saturation.start(), "QUEUED", "RUNNING")
        if has_reached(over, "RUNNING"):
            why = "" if number == 1 else ", after others over it"
            if number > 1 and treated != "QUEUED":
                why = ": refusing the one before has freed a slot"
            raise self._fault(f"let one run over its limit of {limit}{why}", over)
        if over.state != treated:
            raise self._fault(f"made one over its limit {over.state}, not {treated}", over)
        for execution in held:
            if (now := execution.refresh()).state != HELD:
                raise self._fault(f"no longer holds {now.id}: it is {now.state}", now)
        self._check_counted(over, f"has {treated} one over its limit")
        self._see(f"{number} over the limit: {over.id} is {over.state}; Kestra still counts {limit} running")
        return over

    def _check_counted(self, execution: Execution, when: str) -> None:
        limit = self.saturation.limit
        if (count := self.saturation.counted()) != limit:
            raise self._fault(f"{when}, but Kestra counts {count} running, not {limit}", execution)

    def _check_order(self, queued: Sequence[Execution]) -> None:
        for execution in queued:
            if not has_reached(execution, "RUNNING"):
                raise self._fault(f"never ran one that it had queued: it is {execution.state}", execution)
        ran = sorted(queued, key=_began)
        if ran != queued:
            order = ", ".join(str(queued.index(execution) + 1) for execution in ran)
            raise self._fault(f"ran what it had queued in the order {order}, not as it came", ran[0])
        self._see(f"the queued ones ran in the order they came, and ended: {_states(ran)}")

    def _most(self, ran: Sequence[Execution]) -> int:
        limit, most = self.saturation.limit, most_at_a_time(ran)
        if most > limit:
            raise self._fault(f"let {most} executions run at a time, over its limit of {limit}", ran[-1])
        self._see(f"at most {most} ran at a time")
        return most

    def _further(self, last: Execution) -> Execution:
        """Return one more execution at its end, which finds all slots free."""
        # Kestra frees a slot a moment after its execution has ended.
        if count := poll(self.saturation.counted, lambda count: not count, self.saturation.timeout):
            raise self._fault(f"has kept slots: Kestra counts {count} running, though all have ended", last)
        further = self.saturation.come(self.saturation.start(), "QUEUED", "RUNNING")
        if not has_reached(further, "RUNNING"):
            raise self._fault(f"let none run, though all its slots were free: it is {further.state}", further)
        (further,) = self._ended([further])
        self._see(f"all slots were free then: one more ran, {further.id}, and is {further.state}")
        return further

    def _ended(self, executions: Sequence[Execution]) -> list[Execution]:
        return [execution.wait(timeout=self.saturation.timeout) for execution in executions]

    def _see(self, line: str) -> None:
        self.seen.append(f"  {line}")

    def _fault(self, what: str, execution: Execution) -> ConcurrencyLimitError:
        lines = [f"{self.saturation.flow.id} {what}", *self.seen, diagnosis(execution, self.saturation.session)]
        return ConcurrencyLimitError("\n".join(lines))


def most_at_a_time(executions: Sequence[Execution]) -> int:
    """Return how many of some ended executions ran at the same time, at most, by the dates that Kestra gave them."""
    edges = [(_began(execution), 1) for execution in executions]
    edges += [(execution.history[-1].date, -1) for execution in executions]
    running = most = 0
    # Of the same date, an end comes before a start, for which it has made place.
    for _, change in sorted(edges):
        running += change
        most = max(most, running)
    return most


def _began(execution: Execution) -> datetime:
    """Return when an execution took a slot: Kestra 2.0 lets one that it holds at a breakpoint run only after that."""
    dates = [date for state in ("RUNNING", HELD) if (date := execution.when(state)) is not None]
    return min(dates, default=execution.start)


def _ids(executions: Sequence[Execution]) -> str:
    more = f" and {len(executions) - SHOWN} more" if len(executions) > SHOWN else ""
    return ", ".join(execution.id for execution in executions[:SHOWN]) + more


def _states(executions: Sequence[Execution]) -> str:
    return ", ".join(f"{count} {state}" for state, count in Counter(run.state for run in executions).items())
