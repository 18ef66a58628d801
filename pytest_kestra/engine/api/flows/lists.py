"""The endpoints that list flows."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.jvm import to_java


def search(call: Call) -> Response:
    """Answer a page of flows."""
    page = queries.pageable(call, call.kestra.flows)
    return queries.page_response(call, call.kestra.flows.find(page, call.tenant, queries.filters(call)))


def search_source(call: Call) -> Response:
    """Answer a page of flows whose source has a text, with the places where it was found."""
    page = queries.pageable(call, call.kestra.flows)
    text, namespace = call.query.get("q"), call.query.get("namespace")
    return queries.page_response(call, call.kestra.flows.findSourceCode(page, text, call.tenant, namespace))


def by_namespace(call: Call) -> Response:
    """Answer all flows of a namespace."""
    return json_response(call.kestra, call.kestra.flows.findByNamespace(call.tenant, call.path["namespace"]))


def namespaces(call: Call) -> Response:
    """Answer the namespaces that have flows, or those that begin with a text."""
    return json_response(call.kestra, call.kestra.flows.findDistinctNamespace(call.tenant, call.query.get("q")))


def deprecated(call: Call) -> Response:
    """Answer the flows with deprecated tasks, and what replaces them; of all, or below a namespace."""
    kestra, namespace = call.kestra, call.query.get("namespace")
    flows, tasks = kestra.flows, kestra.flow_service.findDeprecatedTasks
    found = flows.findByNamespacePrefix(call.tenant, namespace) if namespace else flows.findAll(call.tenant)
    return json_response(kestra, to_java([_with_tasks(flow, old) for flow in found if (old := tasks(flow))]))


def _with_tasks(flow: Any, tasks: Any) -> dict[str, Any]:
    return {
        "namespace": flow.getNamespace(),
        "flowId": flow.getId(),
        "revision": flow.getRevision(),
        "deprecatedTasks": tasks,
    }


ROUTES = [
    route("flows/search", search),
    route("flows/source", search_source),
    route("flows/distinct-namespaces", namespaces),
    route("flows/deprecated", deprecated),
    route("flows/{namespace}", by_namespace),
]
