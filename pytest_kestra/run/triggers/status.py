"""What the server tells of a trigger, and its switch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo

from pytest_kestra.errors import FlowError, KestraError, NotFoundError
from pytest_kestra.records import Json
from pytest_kestra.run.triggers.declared import Declared
from pytest_kestra.run.triggers.schedule import KINDS, Schedule
from pytest_kestra.run.waiting import poll
from pytest_kestra.times import instant

# Kinds of triggers that no scheduler looks at: others set them off.
SET_OFF = ("Webhook", "Flow")
# How long a scheduler may take to know a trigger of a new flow, or of one that was changed, in seconds.
KNOWN_S = 60.0
CHANGED_S = 10.0
# How long Kestra may take to write back what it has read of a trigger, in seconds.
WRITTEN_S = 3.0
SECOND = timedelta(seconds=1)
# What makes a schedule leave out some of its dates.
SKIPPING = frozenset({"conditions", "scheduleConditions", "when", "lateMaximumDelay"})


@dataclass(frozen=True)
class BackfillStatus:
    """Tell a backfill that is under way; `current` is the date that it has come to.

    `start` is the date after which it began: for one of `Trigger.backfill`, the second before.
    """

    start: datetime
    end: datetime
    current: datetime
    paused: bool


@dataclass(frozen=True, repr=False)
class TriggerStatus:
    """Tell a trigger as the server has it.

    `enabled` says that neither the flow nor the server's switch disables it, and `disabled_by` which of them does: file
    and line, or the switch. `next_date` is when the scheduler looks at
    it next, which may be a date that its conditions refuse; `last_date` is when it did last, or came to know it.
    `execution_id` is the execution that it waits for, and it is `locked` as long as it waits for that or for its own
    evaluation. What the server does not know is None.
    """

    enabled: bool
    next_date: datetime | None = None
    last_date: datetime | None = None
    execution_id: str | None = None
    backfill: BackfillStatus | None = None
    locked: bool = False
    disabled_by: str | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        told = {
            "next_date": self.next_date and self.next_date.isoformat(),
            "last_date": self.last_date and self.last_date.isoformat(),
            "execution_id": self.execution_id,
            "backfill": self.backfill,
            "locked": self.locked,
        }
        state = "enabled" if self.enabled else f"disabled by {self.disabled_by}"
        return f"<TriggerStatus: {', '.join([state, *(f'{name}={value}' for name, value in told.items() if value)])}>"


def read_status(trigger: Declared) -> TriggerStatus:
    """Return the status of a trigger, when the scheduler knows it as it is in the flow; KestraError where none does."""
    disabled_by = trigger.where_disabled
    if trigger.kind in SET_OFF:
        return TriggerStatus(disabled_by is None, disabled_by=disabled_by)
    state = read_state(trigger)
    zone = Schedule(trigger).zone if trigger.kind in KINDS else timezone.utc

    def date(name: str) -> datetime | None:
        return instant(state[name]).astimezone(zone) if state.get(name) else None

    if disabled_by is None and state.get("disabled"):
        disabled_by = "the server's switch"
    enabled = disabled_by is None
    found = state.get("backfill")
    return TriggerStatus(
        enabled,
        next_date=date("nextExecutionDate") if enabled else None,
        last_date=date("date"),
        execution_id=state.get("executionId"),
        backfill=None if found is None else _backfill(found, zone),
        locked=is_locked(state),
        disabled_by=disabled_by,
    )


def switch(trigger: Declared, *, enabled: bool) -> TriggerStatus:
    """Set the server's switch and return the status; KestraError where there is none, or where the flow disables it."""
    if trigger.kind in SET_OFF:
        raise KestraError(
            f"{trigger.place()}: the trigger {trigger.id!r} is a {trigger.type}, for which the server has no switch: "
            "`disabled: true` in the flow disables it."
        )
    if enabled and trigger.where_disabled is not None:
        raise FlowError(
            f"{trigger.where_disabled}: the flow disables the trigger {trigger.id!r}, and the server's switch does not "
            "change that. Take `disabled: true` out, for instance with flow.update(…)."
        )
    read_state(trigger)
    triggers, flow = trigger.session.client.triggers, trigger.flow

    def is_set() -> bool:
        state = state_of(trigger)
        if state is None:
            return True
        if bool(state.get("disabled")) is enabled:
            triggers.disable(flow.namespace, flow.id, trigger.id, disabled=not enabled)
            return False
        return not _is_written_back(state, trigger)

    poll(is_set, bool, WRITTEN_S)
    return read_status(trigger)


def read_state(trigger: Declared) -> Json:
    """Return what the server keeps of a trigger, when its scheduler knows the trigger as it is in the flow."""
    state = poll(lambda: state_of(trigger), lambda found: found is not None, KNOWN_S)
    if state is None:
        raise KestraError(
            f"{trigger.place()}: the scheduler of the server at {trigger.session.client.address.url} does not know the "
            f"trigger {trigger.id!r} after {KNOWN_S:g} s. Does it run, and is the flow {trigger.flow.id} still there?"
        )
    if trigger.kind not in KINDS or trigger.where_disabled is not None:
        return state
    return poll(lambda: state_of(trigger) or state, lambda found: _is_new(found, trigger), CHANGED_S)


def state_of(trigger: Declared) -> Json | None:
    """Return what the server keeps of a trigger; None where its scheduler does not know it (yet)."""
    found = trigger.session.client.triggers.states(trigger.flow.namespace, trigger.flow.id)
    return next((state for state in found if state["triggerId"] == trigger.id), None)


def is_locked(state: Json) -> bool:
    """Tell whether a trigger waits for the execution that it has started, or for its evaluation."""
    return bool(state.get("executionId") or state.get("evaluateRunningDate") or state.get("locked"))


def _is_written_back(state: Json, trigger: Declared) -> bool:
    """Tell whether Kestra is about to write back what it has read of a trigger before, and with it an older switch.

    It does so without a lock after an evaluation (`AbstractScheduler`), and when it unlocks the trigger after the end
    of its execution (`JdbcExecutor`, `resetExecution`).
    """
    if not is_locked(state):
        return False
    if not (execution_id := state.get("executionId")):
        return True
    try:
        return trigger.session.client.executions.get(execution_id).state.is_final
    except NotFoundError:
        return True


def _is_new(state: Json, trigger: Declared) -> bool:
    """Tell whether a state is that of a schedule as it is now, not from before a change of the flow or of the switch.

    After these the scheduler computes the next date anew, but not at once.
    """
    if state.get("disabled"):
        return True
    if not state.get("nextExecutionDate"):
        return False
    if state.get("backfill"):
        return True
    schedule = Schedule(trigger)
    try:
        cron = schedule.cron
    except KestraError:  # only the server can read it
        cron = None
    now, following = datetime.now(timezone.utc), instant(state["nextExecutionDate"]).astimezone(schedule.zone)
    if cron is None or following <= now:
        return True
    # On 1.3 the date that is told may not be the one after which the next was computed.
    unknown = not trigger.session.client.address.is_two and (state.get("updatedDate") or not state.get("date"))
    if unknown or not SKIPPING.isdisjoint(trigger.properties):
        return cron.after(following - SECOND) == following
    # That of a moved clock, too.
    known = [instant(state[name]) for name in ("date", "updatedDate") if state.get(name)]
    return following in [cron.after(moment.astimezone(schedule.zone)) for moment in (*known, now)]


def _backfill(found: Json, zone: tzinfo) -> BackfillStatus:
    start, end, current = (instant(found[name]).astimezone(zone) for name in ("start", "end", "currentDate"))
    return BackfillStatus(start, end, current, paused=bool(found.get("paused")))
