"""The trigger endpoints."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.jvm import to_java


def search(call: Call) -> Response:
    """Answer a page of triggers, each with its definition and its state."""
    page = queries.pageable(call, call.kestra.triggers)
    found = call.kestra.triggers.find(page, call.tenant, queries.filters(call))
    entries = [{"abstractTrigger": _definition(call, trigger), "triggerContext": trigger} for trigger in found]
    return json_response(call.kestra, to_java({"results": entries, "total": found.getTotal()}))


def of_flow(call: Call) -> Response:
    """Answer a page of the triggers of a flow."""
    page = queries.pageable(call, call.kestra.triggers)
    query = call.query.get("q")
    place = (call.path["namespace"], call.path["flowId"])
    return queries.page_response(call, call.kestra.triggers.find(page, query, call.tenant, *place, None))


def _definition(call: Call, trigger: Any) -> Any:
    flow = call.kestra.flows.findById(call.tenant, trigger.getNamespace(), trigger.getFlowId())
    if flow.isEmpty():
        return None
    return next((item for item in flow.get().getTriggers() or () if item.getId() == trigger.getTriggerId()), None)


ROUTES = [
    route("triggers/search", search),
    route("triggers/{namespace}/{flowId}", of_flow),
]
