"""The endpoints of the states of triggers as Kestra 2.0 has them: its scheduler is told what to change, and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api import queries, tables
from pytest_kestra.engine.api.calls import ANY, JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem, not_found
from pytest_kestra.engine.api.triggers import states
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.lines.two_zero import KestraTwoZero

EVENTS = "io.kestra.core.scheduler.events"
NAMES = ("namespace", "flowId", "triggerId")
# What is done to a trigger by its id: the event that asks the scheduler for it.
Event = Callable[[Any], Any]


def search(call: Call) -> Response:
    """Answer a page of triggers, each with its definition and its state."""
    page = queries.pageable(call, call.kestra.triggers)
    found = call.kestra.triggers.find(page, call.tenant, queries.filters(call))
    entries = [entry for state in found if (entry := _entry(call, state)) is not None]
    return json_response(call.kestra, to_java({"results": entries, "total": found.getTotal()}))


def of_flow(call: Call) -> Response:
    """Answer a page of the triggers of a flow."""
    page = queries.pageable(call, call.kestra.triggers)
    place = (call.path["namespace"], call.path["flowId"])
    found = call.kestra.triggers.find(page, call.query.get("q"), call.tenant, *place, None)
    return json_response(
        call.kestra, to_java({"results": [_told(state) for state in found], "total": found.getTotal()})
    )


def export(call: Call) -> Response:
    """Answer a table of the triggers that a query finds."""
    return tables.csv_response(call, "triggers.csv", _matching(call))


def create_backfill(call: Call) -> Response:
    """Start a backfill."""
    body = call.read("java.util.Map")
    wished = call.kestra.json.convertValue(
        body.get("backfill"), java(f"{EVENTS}.CreateBackfillTrigger$Backfill").class_
    )
    return _one(lambda trigger: java(f"{EVENTS}.CreateBackfillTrigger")(trigger, wished), call, _names(body))


def set_disabled(call: Call) -> Response:
    """Disable or enable a trigger."""
    body = call.read("java.util.Map")
    return _one(_disabling(bool(body.get("disabled"))), call, _names(body))


def set_disabled_named(call: Call) -> Response:
    """Disable or enable the triggers that a body names."""
    body = call.read("java.util.Map")
    if not body.get("triggers") or body.get("disabled") is None:
        name = "disabled" if body.get("triggers") else "triggers"
        place = f"disabledTriggersByIds.request.{name}"
        raise Problem(422, f"Invalid entity: {place}: must not be null", [("must not be null", place)])
    return _many(_disabling(bool(body.get("disabled"))), call, [_id(call, _names(item)) for item in body["triggers"]])


def set_disabled_matching(call: Call) -> Response:
    """Disable or enable the triggers that a query finds."""
    return _many(_disabling(call.flag("disabled", default=True)), call, _matching(call))


def delete(call: Call) -> Response:
    """Delete the state of a trigger."""
    _send(call, _of_path(call), java(f"{EVENTS}.TriggerDeleted"))
    return Response(status_code=204)


def on_path(event: Event, call: Call) -> Response:
    """Ask for something for the trigger that a path names."""
    return _one(event, call, tuple(call.path[name] for name in NAMES))


def on_body(event: Event, call: Call) -> Response:
    """Ask for something for the trigger that a body names."""
    return _one(event, call, _names(call.read("java.util.Map")))


def on_named(event: Event, call: Call) -> Response:
    """Ask for something for the triggers that a body names."""
    return _many(event, call, [_id(call, _names(item)) for item in states.complete(call.read_list("java.util.Map"))])


def on_matching(event: Event, call: Call) -> Response:
    """Ask for something for the triggers that a query finds."""
    return _many(event, call, _matching(call))


def _reset(trigger: Any) -> Any:
    return java(f"{EVENTS}.ResetTrigger")(trigger)


def _deleted(trigger: Any) -> Any:
    return java(f"{EVENTS}.TriggerDeleted")(trigger)


def _no_backfill(trigger: Any) -> Any:
    return java(f"{EVENTS}.DeleteBackfillTrigger")(trigger)


def _paused(trigger: Any, *, paused: bool) -> Any:
    return java(f"{EVENTS}.SetPauseBackfillTrigger")(trigger, paused)


def _disabling(disabled: bool) -> Event:  # noqa: FBT001 - it is the value that is set
    return lambda trigger: java(f"{EVENTS}.SetDisableTrigger")(trigger, java("java.lang.Boolean")(disabled))


def _one(event: Event, call: Call, names: tuple[Any, ...]) -> Response:
    trigger = _find(call, names)
    _send(call, trigger, event)
    return json_response(call.kestra, to_java(_told(_find(call, names))))


def _many(event: Event, call: Call, triggers: Iterable[Any]) -> Response:
    """Ask for something for many triggers, and answer when all are dealt with, as nobody can wait for it here."""
    wanted = list(triggers)
    for trigger in wanted:
        _send(call, trigger, event)
    operation = java("io.kestra.core.utils.IdUtils").create()
    return json_response(call.kestra, to_java({"operationId": operation, "totalItems": len(wanted)}), 202)


def _send(call: Call, trigger: Any, event: Event) -> None:
    kestra = call.kestra
    assert isinstance(kestra, KestraTwoZero)
    kestra.ask_scheduler(
        event(_id(call, tuple(getattr(trigger, f"get{name[0].upper()}{name[1:]}")() for name in NAMES)))
    )


def _find(call: Call, names: tuple[Any, ...]) -> Any:
    found = call.kestra.triggers.findById(_id(call, names))
    if found.isEmpty():
        raise not_found()
    return found.get()


def _of_path(call: Call) -> Any:
    return _find(call, tuple(call.path[name] for name in NAMES))


def _matching(call: Call) -> list[Any]:
    return list(call.kestra.triggers.find(call.tenant, queries.filters(call)).collectList().block())


def _names(body: Any) -> tuple[Any, ...]:
    found = tuple(body.get(name) for name in NAMES)
    if not all(isinstance(name, str) for name in found):
        raise Problem(422, "Invalid entity: a trigger has a namespace, a flowId and a triggerId")
    return found


def _id(call: Call, names: tuple[Any, ...]) -> Any:
    return java("io.kestra.core.models.triggers.TriggerId").of(call.tenant, *names)


def _entry(call: Call, state: Any) -> dict[str, Any] | None:
    """Return a trigger's definition and state; none where its flow has gone or has no triggers any more."""
    flow, definition = states.definition(call, state)
    if flow is None or flow.getTriggers() is None:
        return None
    return {"trigger": definition, "state": _told(state)}


def _told(state: Any) -> dict[str, Any]:
    """Return the state of a trigger as the API tells it."""
    told = {
        "namespace": state.getNamespace(),
        "flowId": state.getFlowId(),
        "triggerId": state.getTriggerId(),
        "updatedAt": state.getUpdatedAt(),
        "evaluatedAt": state.getEvaluatedAt(),
        "nextEvaluationDate": state.getNextEvaluationDate(),
        "backfill": state.getBackfill(),
        "stopAfter": state.getStopAfter(),
        "disabled": state.isDisabled(),
        "locked": state.isLocked(),
        "workerId": state.getWorkerId(),
        "lastTriggeredDate": state.getLastTriggeredDate(),
        "executionId": state.getExecutionId(),
        "kind": state.getType(),
    }
    return {name: value for name, value in told.items() if value is not None}


def _routes(path: str, event: Event, method: str) -> list[Route]:
    return [
        route(f"triggers/{path}/by-triggers", partial(on_named, event), method, consumes=JSON, body_name="triggers"),
        route(f"triggers/{path}/by-query", partial(on_matching, event), method, consumes=ANY),
    ]


BACKFILLS: dict[str, tuple[Event, str]] = {
    "pause": (partial(_paused, paused=True), "PUT"),
    "unpause": (partial(_paused, paused=False), "PUT"),
    "delete": (_no_backfill, "POST"),
}

ROUTES: list[Route] = [
    route("triggers/search", search),
    route("triggers/export/by-query/csv", export),
    route("triggers/{namespace}/{flowId}", of_flow),
    route("triggers/{namespace}/{flowId}/{triggerId}", delete, "DELETE"),
    route("triggers/{namespace}/{flowId}/{triggerId}/unlock", partial(on_path, _reset), "POST"),
    route("triggers/{namespace}/{flowId}/{triggerId}/restart", partial(on_path, _reset), "POST"),
    *_routes("unlock", _reset, "POST"),
    *_routes("delete", _deleted, "DELETE"),
    route("triggers/set-disabled", set_disabled, "PUT", consumes=JSON, body_name="request"),
    route("triggers/set-disabled/by-triggers", set_disabled_named, "POST", consumes=JSON, body_name="request"),
    route("triggers/set-disabled/by-query", set_disabled_matching, "POST"),
    route("triggers/backfill/create", create_backfill, "PUT", consumes=JSON, body_name="request"),
    *(
        made
        for name, (event, method) in BACKFILLS.items()
        for made in (
            route(f"triggers/backfill/{name}", partial(on_body, event), method, consumes=JSON, body_name="trigger"),
            *_routes(f"backfill/{name}", event, "POST"),
        )
    ),
]
