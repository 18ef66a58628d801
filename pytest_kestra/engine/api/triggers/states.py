"""The states of triggers: finding them, and the changes that the endpoints ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java
from pytest_kestra.engine.lines.one_three import KestraOneThree

TYPE = "io.kestra.core.models.triggers.Trigger"


def find(call: Call, namespace: str, flow_id: str, trigger_id: str) -> Any:
    """Return the state of a trigger, or none."""
    context = java("io.kestra.core.models.triggers.TriggerContext").builder()
    context = context.tenantId(call.tenant).namespace(namespace).flowId(flow_id).triggerId(trigger_id)
    return call.kestra.triggers.findLast(context.build()).orElse(None)


def matching(call: Call, more: Iterable[Any] = ()) -> list[Any]:
    """Return the states of all triggers that the query finds, and `more` filters do."""
    filters = queries.filters(call)
    for item in more:
        filters.add(item)
    # All are read before the first is changed: a change moves the rows that are still read.
    return list(call.kestra.triggers.findAsync(call.tenant, filters).collectList().block())


def named(call: Call) -> list[Any]:
    """Return the triggers that a body names."""
    return complete(call.read_list(TYPE))


def complete(items: Iterable[Any]) -> list[Any]:
    """Return the items of a list; a Problem where one is null."""
    found = list(items)
    if None in found:
        raise Problem(422, "Invalid entity: a list has a null in it")
    return found


def definition(call: Call, trigger: Any) -> tuple[Any, Any]:
    """Return a trigger's flow and its definition in it, each none where there is none."""
    flow = call.kestra.flows.findById(call.tenant, trigger.getNamespace(), trigger.getFlowId()).orElse(None)
    definitions = [] if flow is None else flow.getTriggers() or ()
    return flow, next((item for item in definitions if item.getId() == trigger.getTriggerId()), None)


def is_realtime(found: Any) -> bool:
    """Tell whether a definition is of a trigger that runs all the time, which only its flow can disable."""
    return isinstance(found, java("io.kestra.core.models.triggers.RealtimeTriggerInterface"))


def is_locked(trigger: Any) -> bool:
    """Tell whether a trigger waits for the execution it has started, or for its evaluation."""
    return trigger.getExecutionId() is not None or trigger.getEvaluateRunningDate() is not None


def unlock(call: Call, trigger: Any) -> Any:
    """Let a locked trigger fire again and return its new state."""
    if not is_locked(trigger):
        raise java("java.lang.IllegalStateException")("Trigger is not locked")
    unlocked = trigger.unlock()
    tell(call, unlocked)
    return unlocked


def tell(call: Call, trigger: Any) -> None:
    """Emit the new state of a trigger, which stores it."""
    kestra = call.kestra
    assert isinstance(kestra, KestraOneThree)
    kestra.trigger_queue.emit(trigger)


def set_disabled(call: Call, uid: str, *, disabled: bool) -> Any:
    """Disable or enable a trigger and return its state, or none where it has none."""

    def changed(current: Any) -> Any:
        if current.getDisabled() == disabled:
            return current
        builder = current.toBuilder().disabled(disabled)
        return _told(call, (builder.nextExecutionDate(None) if disabled else builder).build())

    return _change(call, uid, changed)


def start_backfill(call: Call, wished: Any, flow: Any, found: Any) -> Any:
    """Start the backfill that a trigger is wished to have and return its state, or none where it has none."""
    context = call.kestra.conditions.conditionContext(call.kestra.run_contexts.of(flow, found), flow, None)

    def changed(current: Any) -> Any:
        updated = current.withBackfill(wished.getBackfill())
        date = None
        if isinstance(found, java("io.kestra.core.models.triggers.PollingTriggerInterface")):
            date = found.nextEvaluationDate(context, java("java.util.Optional").of(updated))
        return _told(call, updated.toBuilder().nextExecutionDate(date).build())

    try:
        return _change(call, wished.uid(), changed)
    except java("java.lang.Exception") as error:
        raise Problem(400, f"Bad Request: {error.getMessage()}") from error


def pause_backfill(call: Call, uid: str, *, paused: bool) -> Any:
    """Pause a trigger's backfill or let it go on; return the trigger's state, or none where it has none."""

    def changed(current: Any) -> Any:
        backfill = _backfill(current).toBuilder().paused(paused).build()
        return _told(call, current.toBuilder().backfill(backfill).build())

    return _change(call, uid, changed)


def end_backfill(call: Call, uid: str) -> Any:
    """End a trigger's backfill, which goes on where it was before; return its state, or none where it has none."""

    def changed(current: Any) -> Any:
        date = _backfill(current).getPreviousNextExecutionDate()
        return _told(call, current.toBuilder().nextExecutionDate(date).backfill(None).build())

    return _change(call, uid, changed)


def _backfill(trigger: Any) -> Any:
    backfill = trigger.getBackfill()
    if backfill is None:
        raise Problem(400, "Bad Request: No backfill found")
    return backfill


def _told(call: Call, trigger: Any) -> Any:
    tell(call, trigger)
    return trigger


def _change(call: Call, uid: str, changed: Callable[[Any], Any]) -> Any:
    """Store what a function makes of a trigger's state, which the scheduler leaves alone meanwhile."""
    return call.kestra.triggers.lock(uid, changed)
