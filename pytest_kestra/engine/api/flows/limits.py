"""The endpoints of how many executions of a flow run."""

from __future__ import annotations

from starlette.responses import Response

from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import to_java


def search(call: Call) -> Response:
    """Answer how many executions run of every flow that has a limit."""
    found = call.kestra.limits.find(call.tenant)
    return json_response(call.kestra, to_java({"results": found, "total": len(found)}))


def update(call: Call) -> Response:
    """Store how many executions of a flow are counted as running; the body names the flow, not the path."""
    limit = call.read("io.kestra.core.runners.ConcurrencyLimit")
    service = call.kestra.limits
    if service.findById(limit.getTenantId(), limit.getNamespace(), limit.getFlowId()).isEmpty():
        raise not_found()
    return json_response(call.kestra, service.update(limit))


ROUTES = [
    route("concurrency-limit/search", search),
    route("concurrency-limit/{namespace}/{flowId}", update, "PUT", consumes=JSON, body_name="concurrencyLimit"),
]
