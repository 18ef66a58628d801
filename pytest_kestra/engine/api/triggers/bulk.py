"""The endpoints that act on many triggers at once."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import ANY, JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.api.triggers import states
from pytest_kestra.engine.jvm import java, to_java


def unlock_named(call: Call) -> Response:
    """Unlock the triggers that a body names; those that are not locked are not counted."""
    places = [(item.getNamespace(), item.getFlowId(), item.getTriggerId()) for item in states.named(call)]
    found = [states.find(call, *place) for place in places]
    # As Kestra counts: what is not there counts as unlocked.
    locked = [trigger for trigger in found if trigger is None or states.is_locked(trigger)]
    return _unlock(call, locked)


def unlock_matching(call: Call) -> Response:
    """Unlock the locked triggers that a query finds."""
    return _unlock(call, [trigger for trigger in states.matching(call) if states.is_locked(trigger)])


def delete_named(call: Call) -> Response:
    """Delete the states of the triggers that a body names."""
    places = [(item.getNamespace(), item.getFlowId(), item.getTriggerId()) for item in states.named(call)]
    found = [states.find(call, *place) for place in places]
    return _delete(call, [trigger for trigger in found if trigger is not None])


def delete_matching(call: Call) -> Response:
    """Delete the states of the triggers that a query finds; its filters may also stand in the body."""
    return _delete(call, states.matching(call, _body_filters(call)))


def set_disabled_named(call: Call) -> Response:
    """Disable or enable the triggers that a body names."""
    body = call.read("java.util.Map")
    triggers = _convert(call, body.get("triggers"), states.TYPE)
    disabled = call.kestra.json.convertValue(body.get("disabled"), java("java.lang.Boolean").class_)
    if not triggers:
        raise _invalid("triggers", "must not be null" if triggers is None else "must not be empty")
    if disabled is None:
        raise _invalid("disabled", "must not be null")
    return _set_disabled(call, states.complete(triggers), disabled=bool(disabled))


def set_disabled_matching(call: Call) -> Response:
    """Disable or enable the triggers that a query finds."""
    return _set_disabled(call, states.matching(call), disabled=call.flag("disabled", default=True))


def count_response(call: Call, count: int) -> Response:
    """Answer how many triggers were dealt with."""
    return json_response(call.kestra, to_java({"count": count}))


def _body_filters(call: Call) -> list[Any]:
    """Return the filters of a body, which name a field as a query does or as Kestra's description of the API."""
    given = call.read("java.util.Map").get("filters") if call.body else None
    items = states.complete(_convert(call, given, "java.util.Map") or ())
    names = {str(item.name()): item.value() for item in java("io.kestra.core.models.QueryFilter$Field").values()}
    for item in items:
        if None in (item.get("field"), item.get("operation"), item.get("value")):
            raise Problem(422, "Invalid entity: a filter has a field, an operation and a value")
        item.put("field", names.get(str(item.get("field")), item.get("field")))
    return list(_convert(call, to_java(items), "io.kestra.core.models.QueryFilter"))


def _unlock(call: Call, triggers: list[Any]) -> Response:
    for trigger in triggers:
        if trigger is not None:
            states.unlock(call, trigger)
    return count_response(call, len(triggers))


def _delete(call: Call, triggers: list[Any]) -> Response:
    for trigger in triggers:
        call.kestra.triggers.delete(trigger)
    return count_response(call, len(triggers))


def _set_disabled(call: Call, triggers: list[Any], *, disabled: bool) -> Response:
    for trigger in triggers:
        _, found = states.definition(call, trigger)
        if found is not None and not states.is_realtime(found):
            states.set_disabled(call, trigger.uid(), disabled=disabled)
    return count_response(call, len(triggers))


def _convert(call: Call, value: Any, type_name: str) -> Any:
    """Return a value of a JSON body as a list of a type; none where there is none."""
    types = call.kestra.json.getTypeFactory()
    kind = types.constructCollectionType(java("java.util.List").class_, java(type_name).class_)
    return call.kestra.json.convertValue(value, kind)


def _invalid(name: str, reason: str) -> Problem:
    place = f"disabledTriggersByIds.setDisabledRequest.{name}"
    return Problem(422, f"Invalid entity: {place}: {reason}", [(reason, place)])


ROUTES = [
    route("triggers/unlock/by-triggers", unlock_named, "POST", consumes=JSON, body_name="triggers"),
    route("triggers/unlock/by-query", unlock_matching, "POST"),
    route("triggers/delete/by-triggers", delete_named, "DELETE", consumes=JSON, body_name="triggers"),
    route("triggers/delete/by-query", delete_matching, "DELETE", consumes=ANY),
    route("triggers/set-disabled/by-query", set_disabled_matching, "POST"),
    route(
        "triggers/set-disabled/by-triggers",
        set_disabled_named,
        "POST",
        consumes=JSON,
        body_name="setDisabledRequest",
    ),
]
