"""The endpoints that find triggers, and those that change the state of one."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries, tables
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.api.triggers import bulk, states
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.lines.one_three import KestraOneThree


def search(call: Call) -> Response:
    """Answer a page of triggers, each with its definition and its state."""
    page = queries.pageable(call, call.kestra.triggers)
    found = call.kestra.triggers.find(page, call.tenant, queries.filters(call))
    entries = [entry for trigger in found if (entry := _entry(call, trigger)) is not None]
    return json_response(call.kestra, to_java({"results": entries, "total": found.getTotal()}))


def of_flow(call: Call) -> Response:
    """Answer a page of the triggers of a flow."""
    page = queries.pageable(call, call.kestra.triggers)
    query = call.query.get("q")
    place = (call.path["namespace"], call.path["flowId"])
    return queries.page_response(call, call.kestra.triggers.find(page, query, call.tenant, *place, None))


def export(call: Call) -> Response:
    """Answer a table of the triggers that a query finds."""
    return tables.csv_response(call, "triggers.csv", states.matching(call))


def update(call: Call) -> Response:
    """Start a backfill of a trigger, or disable or enable it."""
    wished = call.read(states.TYPE)
    wished.setTenantId(call.tenant)
    flow, definition = states.definition(call, wished)
    if flow is None:
        raise not_found(f"Not Found: Flow of trigger {wished.getTriggerId()} not found")
    if definition is None:
        raise not_found(f"Not Found: Flow {wished.getFlowId()} has no trigger {wished.getTriggerId()}")
    if states.is_realtime(definition):
        message = "Realtime triggers can not be updated through the API, please edit the trigger from the flow."
        raise java("java.lang.IllegalArgumentException")(message)
    if wished.getBackfill() is not None:
        updated = states.start_backfill(call, wished, flow, definition)
    else:
        updated = states.set_disabled(call, wished.uid(), disabled=wished.getDisabled())
    return _answer(call, updated)


def unlock(call: Call) -> Response:
    """Let a trigger fire again though the execution it has started has not ended."""
    return _answer(call, states.unlock(call, _find(call)))


def restart(call: Call) -> Response:
    """End the evaluation of a trigger and let it begin anew."""
    trigger = _find(call).toBuilder().workerId(None).evaluateRunningDate(None).date(None).build()
    killed = java("io.kestra.core.models.executions.ExecutionKilledTrigger").builder()
    killed = killed.tenantId(call.tenant).namespace(trigger.getNamespace())
    killed = killed.flowId(trigger.getFlowId()).triggerId(trigger.getTriggerId())
    kestra = call.kestra
    assert isinstance(kestra, KestraOneThree)
    kestra.kill_queue.emit(killed.build())
    states.tell(call, trigger)
    return _answer(call, trigger)


def delete(call: Call) -> Response:
    """Delete the state of a trigger."""
    call.kestra.triggers.delete(_find(call))
    return Response(status_code=204)


def _find(call: Call) -> Any:
    found = states.find(call, call.path["namespace"], call.path["flowId"], call.path["triggerId"])
    if found is None:
        raise not_found()
    return found


def _answer(call: Call, trigger: Any) -> Response:
    if trigger is None:
        raise not_found()
    return json_response(call.kestra, trigger)


def _entry(call: Call, trigger: Any) -> dict[str, Any] | None:
    """Return a trigger's definition and state; none where its flow has gone or has no triggers any more."""
    flow, definition = states.definition(call, trigger)
    if flow is None or flow.getTriggers() is None:
        return None
    return {"abstractTrigger": definition, "triggerContext": trigger}


ROUTES = [
    route("triggers/search", search),
    route("triggers/export/by-query/csv", export),
    route("triggers", update, "PUT", consumes=JSON, body_name="newTrigger"),
    route("triggers/{namespace}/{flowId}", of_flow),
    route("triggers/{namespace}/{flowId}/{triggerId}", delete, "DELETE"),
    route("triggers/{namespace}/{flowId}/{triggerId}/unlock", unlock, "POST"),
    route("triggers/{namespace}/{flowId}/{triggerId}/restart", restart, "POST"),
    *bulk.ROUTES,
]
