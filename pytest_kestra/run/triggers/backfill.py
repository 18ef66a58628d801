"""Running a schedule over dates that have passed."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from pytest_kestra.errors import ApiError, FlowError, InputError, KestraError
from pytest_kestra.records import ExecutionRecord
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.inputs import Inputs
from pytest_kestra.run.session import SETTLE_S
from pytest_kestra.run.triggers.declared import Declared
from pytest_kestra.run.triggers.origins import Origins
from pytest_kestra.run.triggers.progress import Progress, date_of
from pytest_kestra.run.triggers.schedule import DatesError, Schedule
from pytest_kestra.run.triggers.status import WRITTEN_S, is_locked, read_state, state_of
from pytest_kestra.run.waiting import poll
from pytest_kestra.times import instant

SECOND = timedelta(seconds=1)
# What Kestra answers where a backfill, or its trigger, has ended since it was read.
GONE = (400, 404)
# How long a backfill that is over may lack executions, in seconds: that long a server may need to find them.
LACKING_S = 5.0


@dataclass(frozen=True)
class Backfill:
    """Let Kestra run a schedule over the dates from `start` to `end`, both included, within `limit` seconds.

    `dates` are those that it has, None where only the server knows them.
    """

    trigger: Declared
    start: datetime
    end: datetime
    limit: float
    dates: Sequence[datetime] | None
    origins: Origins
    others: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, trigger: Declared, start: Any, end: Any, timeout: float | None) -> Backfill:
        """Return the backfill of a schedule; KestraError where there can be none."""
        schedule, limit = Schedule(trigger), trigger.session.limit(timeout)
        origins = Origins(trigger.session.client)
        first, last = schedule.moment(start, "start"), schedule.moment(end, "end", end=True)
        if first > last:
            raise KestraError(f"The backfill would start at {first.isoformat()}, after its end at {last.isoformat()}.")
        if last > datetime.now(timezone.utc):
            raise KestraError(
                f"The backfill would end at {last.isoformat()}, and is for dates that have passed. Let it end at "
                "datetime.now(timezone.utc), for instance."
            )
        # In whole seconds, as schedules are.
        first += (SECOND - timedelta(microseconds=first.microsecond)) % SECOND
        try:
            dates = schedule.next(math.ceil(limit) + 1, first - SECOND)
        except DatesError:
            return cls(trigger, first, last, limit, None, origins)
        dates = [found for found in dates if found <= last]
        if len(dates) > limit:
            raise KestraError(
                f"Between {first.isoformat()} and {last.isoformat()} the schedule {trigger.id!r} has {len(dates)} or "
                f"more dates, and Kestra makes one execution a second: that takes longer than {limit:g} s. Give a "
                "larger `timeout`, or fewer dates."
            )
        return cls(trigger, first, last, limit, dates, origins)

    def run(self, inputs: Mapping[str, Any] | None, labels: Mapping[str, str] | None) -> list[Execution]:
        """Return the executions when they have ended, the oldest date first; WaitTimeout where that takes longer.

        FlowError where the flow disables the trigger, InputError for wrong inputs, KestraError where the server has
        disabled the trigger, before or on the way, or runs another backfill of it.
        """
        self.trigger.session.require_mocks(self.trigger.flow.namespace, self.trigger.flow.id)
        deadline = time.monotonic() + self.limit
        self._check()
        values = self._values(inputs)
        if self.dates is not None and not self.dates:
            return []
        # What Kestra writes back when it unlocks a trigger has no backfill that was started between; see `_end`.
        poll(
            lambda: state_of(self.trigger), lambda state: not (state and is_locked(state)), deadline - time.monotonic()
        )
        self.others.update(self.trigger.session.started, (record.id for record in self._executions()))
        with self._ended_on_failure():
            if not self._start(self.start, values, labels or {}):
                self._end()
                return []
            progress = self._wait(deadline, lacking=LACKING_S)
            if progress.lacks_from is not None and time.monotonic() < deadline:
                # A schedule that the flow has just changed is computed anew by Kestra's scheduler when it hears of it,
                # with the dates to come: a backfill that was started before is taken for done (`Trigger.of`).
                self._start(progress.lacks_from, values, labels or {})
                progress = self._wait(deadline)
            if self.dates is None and progress.is_done:
                # Nobody knows how many there are: the last may not be there yet.
                poll(self._progress, lambda _: False, SETTLE_S)
                progress = self._wait(deadline)
            if not progress.is_done:
                raise progress.failure(self.limit)
        return [Execution.reading(record, self.trigger.session) for record in progress.made]

    def _check(self) -> None:
        trigger = self.trigger
        if trigger.where_disabled is not None:
            raise FlowError(
                f"{trigger.where_disabled}: the schedule {trigger.id!r} is disabled, so it has no backfill. "
                "Take `disabled: true` out, for instance with flow.update(…)."
            )
        state = read_state(trigger)
        if state.get("disabled"):
            raise KestraError(
                f"{trigger.place()}: the server has disabled the schedule {trigger.id!r}, so it has no backfill. Call "
                "trigger.enable() before."
            )
        if (running := state.get("backfill")) is not None:
            raise KestraError(
                f"{trigger.place()}: the schedule {trigger.id!r} has a backfill already, from {running['start']} to "
                f"{running['end']}. trigger.status() tells when it is over."
            )

    def _values(self, inputs: Mapping[str, Any] | None) -> dict[str, str]:
        """Return the inputs as texts, which Kestra has checked."""
        trigger, flow, session = self.trigger, self.trigger.flow, self.trigger.session
        taken = Inputs.of_flow(flow, session.deployer.name_of(flow.namespace, flow.id))
        session.secrets.extend(taken.secrets(inputs))
        values: dict[str, str] = {}
        for key, value in taken.fields(inputs):
            if not isinstance(value, str):
                raise InputError(
                    f"{trigger.place()}: a backfill takes no content for the input {key!r}, only the kestra:/// URI "
                    "of a file that Kestra has."
                )
            values[key] = value
        own = {key.partition(".")[0] for key in trigger.properties.get("inputs") or ()}
        found = session.client.executions.validate(flow.namespace, flow.id, list(values.items()))
        if wrong := [(key, message) for key, message in found if key in values or key.partition(".")[0] not in own]:
            raise taken.wrong(wrong, inputs)
        return values

    def _start(self, first: datetime, inputs: Mapping[str, str], labels: Mapping[str, str]) -> bool:
        """Start the backfill and tell whether there is a date in it; without one Kestra waits for the next to come."""
        trigger, flow = self.trigger, self.trigger.flow
        state = trigger.session.client.triggers.start_backfill(
            flow.namespace,
            flow.id,
            trigger.id,
            # Kestra leaves out a date at the very start.
            start=first - SECOND,
            end=self.end,
            inputs=inputs,
            labels=labels,
        )
        following = state.get("nextExecutionDate")
        return following is not None and instant(following) <= self.end

    def _wait(self, deadline: float, lacking: float = math.inf) -> Progress:
        """Wait until the backfill is done or never will be; where it is over, only so long for what it lacks."""
        whole_until = time.monotonic()

        def done(progress: Progress) -> bool:
            nonlocal whole_until
            if progress.lacks_from is None:
                whole_until = time.monotonic()
            return progress.is_done or progress.has_stopped or time.monotonic() - whole_until > lacking

        return poll(self._progress, done, deadline - time.monotonic())

    def _progress(self) -> Progress:
        # In this order: of a backfill that is over, all executions are there.
        state = state_of(self.trigger)
        started = self.trigger.session.started
        made = [record for record in self._executions() if record.id not in self.others and self._is_made(record)]
        started.extend(record.id for record in made if record.id not in started)
        return Progress(self.trigger, self.dates, state, made)

    def _executions(self) -> list[ExecutionRecord]:
        flow = self.trigger.flow
        return self.trigger.session.client.executions.of_flow(flow.namespace, flow.id)

    def _is_made(self, record: ExecutionRecord) -> bool:
        """Tell whether an execution is for a date of this backfill; one that could not be evaluated tells no date."""
        found = date_of(record)
        return (found is None or self.start <= found <= self.end) and self.origins.of(record) == self.trigger.id

    @contextlib.contextmanager
    def _ended_on_failure(self) -> Iterator[None]:
        """End the backfill where something goes wrong, so that it does not go on behind the test."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(KestraError):
                self._end()
            raise

    def _end(self) -> None:
        """End the backfill for good.

        Kestra's executor reads a trigger, unlocks it after an execution and writes it back without a lock
        (`JdbcExecutor`, `resetExecution`): a backfill that was ended between goes on.
        """
        flow = self.trigger.flow

        def ended() -> bool:
            state = state_of(self.trigger)
            if state is None:
                return True
            if state.get("backfill") is not None:
                try:
                    self.trigger.session.client.triggers.end_backfill(flow.namespace, flow.id, self.trigger.id)
                except ApiError as error:
                    if error.status not in GONE:
                        raise
                return False
            return not is_locked(state)

        poll(ended, bool, WRITTEN_S)
