"""A trigger of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

from pytest_kestra.run.execution import Execution
from pytest_kestra.run.triggers.backfill import Backfill
from pytest_kestra.run.triggers.declared import Declared
from pytest_kestra.run.triggers.schedule import Schedule
from pytest_kestra.run.triggers.status import TriggerStatus, read_status, switch
from pytest_kestra.run.triggers.webhook import Webhook


@dataclass(frozen=True, repr=False)
class Trigger(Declared):
    """Tell a trigger by its definition in the flow, and set it off."""

    def webhook(
        self,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        method: str = "POST",
        timeout: float | None = None,
    ) -> Execution:
        """Call this webhook as somebody outside would, and return the execution it has started.

        That is at once, or at its end where the trigger says `wait: true`, in whatever state; `timeout` is in seconds,
        and WaitTimeout says that it took longer. A body that is neither text nor bytes is sent as JSON, `params` are
        the query, `method` may also be GET or PUT. `key` is for another key than the flow's own, or for the value of
        one that is an expression. The call has no credentials, and a header X-Request-Id by which its execution is
        found.

        KestraError for a trigger of another type, or where its conditions let no execution start; FlowError where the
        trigger or its flow is disabled; ApiError 404 for a wrong key.
        """
        return Webhook(self).call(body, key=key, headers=headers, params=params, method=method, timeout=timeout)

    def next_dates(self, count: int, after: str | date | None = None) -> list[datetime]:
        """Return the next dates of a schedule, from now or from `after` on, in the schedule's own time zone.

        They are those on which Kestra fires: by its rules for clocks that change, and only where all `conditions` hold.
        Fewer where there are no more; under conditions none is looked for more than ten years after. Without a
        `timezone` in the flow that is UTC, in which Kestra's image and the embedded engine run. `after` is a date, in
        UTC where it says nothing else, or a day, whose first second in the schedule's zone it then is.

        The embedded engine asks Kestra itself. For another server dates are computed here, and KestraError says where
        only the engine can tell them: under conditions, and for dates that are expressions.
        """
        schedule = Schedule(self)
        return schedule.next(count, datetime.now(timezone.utc) if after is None else schedule.moment(after, "after"))

    def backfill(
        self,
        start: str | date,
        end: str | date,
        *,
        inputs: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> list[Execution]:
        """Let Kestra run this schedule over dates that have passed, and return the executions when all have ended.

        Both `start` and `end` are included; each is a date, in UTC where it says nothing else, or a whole day of the
        schedule's zone. The oldest date comes first: it is `execution.trigger["variables"]["date"]`. Where there is no
        date between them, there is no execution. Of a ScheduleOnDates Kestra 1.3 runs the first date twice, and does
        not tell them. `inputs` and `labels` are as in `Flow.run`.

        Kestra makes at most one execution a second, and waits for its end before it makes the next, unless the trigger
        says `allowConcurrent: true`. `timeout` is for all of them, in seconds: where that takes longer, the backfill is
        ended and WaitTimeout tells for which dates there are executions. KestraError where the trigger is no schedule,
        is disabled, or has a backfill already; InputError for an input that is unknown, missing or wrong.
        """
        return Backfill.of(self, start, end, timeout).run(inputs, labels)

    def status(self) -> TriggerStatus:
        """Return what the server tells of this trigger: whether it is enabled, its dates, its execution, its backfill.

        The scheduler comes to know a trigger a moment after its flow was deployed or changed, which is waited for.
        """
        return read_status(self)

    def enable(self) -> TriggerStatus:
        """Set the server's switch on and return the status; FlowError where the flow itself disables the trigger.

        Kestra goes on from the last date that it has looked at, so a schedule makes up for what it has missed since.
        Where that is nothing, Kestra 1.3 leaves out the next date (its issue 6681), and the status says so.
        """
        return switch(self, enabled=True)

    def disable(self) -> TriggerStatus:
        """Set the server's switch off, so that the scheduler leaves the trigger alone, and return the status."""
        return switch(self, enabled=False)
