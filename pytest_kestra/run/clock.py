"""The clock by which the schedules of a test's flows fire."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, timezone

from pytest_kestra.errors import KestraError, WaitTimeout
from pytest_kestra.flows.namespaces import ending
from pytest_kestra.records import ExecutionRecord, Json
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.flow import Flow
from pytest_kestra.run.session import Session
from pytest_kestra.run.triggers.origins import Origins
from pytest_kestra.run.triggers.progress import date_of
from pytest_kestra.run.triggers.schedule import KINDS
from pytest_kestra.run.triggers.status import is_locked, read_state, state_of
from pytest_kestra.run.triggers.trigger import Trigger
from pytest_kestra.run.waiting import SHORTEST_S, poll
from pytest_kestra.times import instant, moment

SECOND = timedelta(seconds=1)


class Clock:
    """Move the time by which the schedules of a test's flows fire; the time of all other flows stays as it is.

    On the embedded engine of Kestra 2.0 it is the scheduler's own clock (`SchedulerClock`), for the namespaces of the
    test: Kestra's scheduler looks at each date that has come, one after the other, as it does after it was down.
    Elsewhere the dates between are run by `Trigger.backfill`, so that they must have passed: KestraError for others,
    and for a schedule with `lateMaximumDelay`, which a backfill does not look at. Only schedules follow the clock:
    pauses, retries, timeouts and `now()` in expressions go on by the real time.
    """

    def __init__(self, session: Session, flows: Callable[[], Sequence[Flow]], *, moves: bool) -> None:
        self._session, self._flows, self._moves = session, flows, moves
        self._offset = timedelta()
        self._moved = False
        # The time to which dates have been run by backfills.
        self._reached: datetime | None = None

    @property
    def now(self) -> datetime:
        """The time of this clock, in UTC; it goes on as time does."""
        return datetime.now(timezone.utc) + self._offset

    def move_to(self, when: str | datetime | date, *, timeout: float | None = None) -> list[Execution]:
        """Set the clock, in UTC where `when` has no zone, and return the schedules' executions, when all have ended.

        Forward, these are of all dates between, oldest first. Back, there are none: schedules begin anew from there.
        `timeout` is in seconds, for all of them. WaitTimeout where that takes longer; KestraError with
        `isolation=none`, where the flows are not the test's own.
        """
        return self._move(self.now, moment(when, "when").astimezone(timezone.utc), timeout)

    def advance(
        self, span: timedelta = timedelta(), *, timeout: float | None = None, **units: float
    ) -> list[Execution]:
        """Move the clock forward by a time span, or by `days=`, `hours=` and so on; else as `move_to`."""
        try:
            span += timedelta(**units)
        except TypeError as error:
            raise KestraError(f"clock.advance: {error}. Give a timedelta, or its arguments, such as days=1.") from None
        if span < timedelta():
            raise KestraError(f"clock.advance: {span} is less than nothing; clock.move_to goes back, too.")
        before = self.now
        return self._move(before, before + span, timeout)

    def close(self) -> None:
        """Give the test the time of everybody else again."""
        if self._moved and self._moves and self._session.deployer.namespace is not None:
            self._session.client.clock.forget(ending(self._session.deployer.namespace))
        self._moved, self._offset, self._reached = False, timedelta(), None

    def _move(self, before: datetime, target: datetime, timeout: float | None) -> list[Execution]:
        test, limit = self._session.deployer.namespace, self._session.limit(timeout)
        if test is None:
            raise KestraError(
                "kestra.clock moves the time of the test's own namespaces; with isolation=none it has none."
            )
        back = target < before
        triggers = [] if back else list(self._schedules())
        if not self._moves:
            # The clock has gone on since, and no date on its way is lost.
            since = target if back else self._reached or before
            return self._backfilled(triggers, since, target, limit)
        known = {record.id for record in self._made(triggers)}
        self._offset, self._moved = target - datetime.now(timezone.utc), True
        self._session.client.clock.move(ending(test), self._offset, back=back)
        return self._fired(triggers, known, target, limit)

    def _schedules(self) -> Iterator[Trigger]:
        for flow in self._flows():
            for trigger_id in flow.triggers:
                trigger = flow.trigger(trigger_id)
                if trigger.kind in KINDS and trigger.where_disabled is None:
                    yield trigger

    def _fired(self, triggers: Sequence[Trigger], known: set[str], target: datetime, limit: float) -> list[Execution]:
        """Return what the scheduler has started, when nothing is due any more and all of it has ended."""
        deadline = time.monotonic() + limit

        def waiting() -> list[Trigger]:
            return [trigger for trigger in triggers if _is_due(state_of(trigger), target)]

        left = poll(waiting, lambda found: not found, limit)
        self._session.client.clock.settle()  # with allowConcurrent nothing has waited for the last of them
        made = [record for record in self._made(triggers) if record.id not in known]
        self._session.started.extend(record.id for record in made if record.id not in self._session.started)
        if left:
            last = max((found for record in made if (found := date_of(record)) is not None), default=None)
            names = ", ".join(f"{trigger.id} of {trigger.flow.id}" for trigger in left)
            raise WaitTimeout(
                f"The clock was moved to {target.isoformat()}, but after {limit:g} s schedules have not come there: "
                f"{names}. They have {len(made)} executions, the last for {last and last.isoformat()}. Give a larger "
                "`timeout`, move the clock in smaller steps, or move it there before the flows are deployed."
            )
        return [
            Execution.reading(record, self._session).wait(timeout=max(SHORTEST_S, deadline - time.monotonic()))
            for record in made
        ]

    def _made(self, triggers: Sequence[Trigger]) -> list[ExecutionRecord]:
        """Return the executions of schedules, by their dates."""
        origins, found = Origins(self._session.client), []
        for flow in {(trigger.flow.namespace, trigger.flow.id) for trigger in triggers}:
            ids = {trigger.id for trigger in triggers if (trigger.flow.namespace, trigger.flow.id) == flow}
            records = self._session.client.executions.of_flow(*flow)
            found += [record for record in records if origins.of(record) in ids]
        return sorted(found, key=lambda record: (date_of(record) or record.start, record.start))

    def _backfilled(
        self, triggers: Sequence[Trigger], since: datetime, target: datetime, limit: float
    ) -> list[Execution]:
        version = self._session.client.address.version
        if target > datetime.now(timezone.utc):
            raise KestraError(
                f"The clock cannot be moved to {target.isoformat()}: on this server (Kestra {version}) dates to then "
                "are run by backfills, and these are for dates that have passed. Begin with a date in the past, or "
                "run the test on the embedded engine of Kestra 2.0: --kestra-version=2.0."
            )
        for trigger in triggers:
            if "lateMaximumDelay" in trigger.properties:
                raise KestraError(
                    f"{trigger.place('lateMaximumDelay')}: the schedule {trigger.id!r} has a `lateMaximumDelay`. No "
                    f"backfill looks at it, and on this server (Kestra {version}) the clock moves by backfills. "
                    "Run the test on the embedded engine of Kestra 2.0: --kestra-version=2.0."
                )
        self._offset, self._reached = target - datetime.now(timezone.utc), target
        # In whole seconds, as schedules are.
        first = since.replace(microsecond=0) + SECOND
        if first > target:
            return []
        deadline, made = time.monotonic() + limit, []
        for trigger in triggers:
            left = max(SHORTEST_S, deadline - time.monotonic())
            if not read_state(trigger).get("disabled"):
                made += trigger.backfill(first, target, timeout=left)
        return sorted(made, key=lambda execution: (date_of(execution) or execution.start, execution.start))


def _is_due(state: Json | None, target: datetime) -> bool:
    """Tell whether a schedule has something to do until a date, or waits for what it has started."""
    if state is None:
        return True
    if state.get("disabled"):
        return False
    following = state.get("nextExecutionDate")
    return is_locked(state) or (following is not None and instant(following) <= target)
