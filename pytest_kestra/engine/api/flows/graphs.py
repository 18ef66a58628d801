"""The endpoints that draw flows and executions, and tell which flows depend on each other."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import YAML, Call, json_response, route
from pytest_kestra.engine.api.flows import sources
from pytest_kestra.engine.api.problems import Problem, not_found
from pytest_kestra.engine.jvm import java, to_java


def of_flow(call: Call) -> Response:
    """Answer the graph of a flow, with those subflows drawn that are asked for."""
    key = (call.tenant, call.path["namespace"], call.path["id"])
    revision = call.optional_number("revision")
    found = call.kestra.flows.findByIdWithSource(*key, revision)
    ids = java("io.kestra.core.models.flows.FlowId")
    uid = ids.uidWithoutRevision(*key) if revision.isEmpty() else ids.uid(*key, revision)
    if found.isEmpty():
        raise Problem(404, f"Not Found: Unable to find flow {uid}")
    return json_response(call.kestra, _graph(call, found.get()))


def of_source(call: Call) -> Response:
    """Answer the graph of a flow that is not stored."""
    flow = sources.complete(call, call.text)
    return json_response(call.kestra, sources.tell(lambda: _graph(call, flow)))


def of_execution(call: Call) -> Response:
    """Answer the graph of an execution: its flow's with the task runs, without what only the flow's readers see."""
    found = call.kestra.executions.findById(call.tenant, call.path["id"])
    if found.isEmpty():
        raise not_found()
    execution = found.get()
    revision = java("java.util.Optional").of(execution.getFlowRevision())
    place = (execution.getTenantId(), execution.getNamespace(), execution.getFlowId())
    flow = call.kestra.flows.findByIdWithSourceWithoutAcl(*place, revision)
    if flow.isEmpty():
        raise not_found()
    return json_response(call.kestra, _graph(call, flow.get(), execution).forExecution())


def dependencies(call: Call) -> Response:
    """Answer the flows that a flow depends on and, unless told otherwise, those that depend on it."""
    place = (call.tenant, call.path["namespace"], call.path["id"])
    chosen = (call.flag("destinationOnly"), call.flag("expandAll"))
    found = call.kestra.dependencies(*place, *chosen)
    unchanged = java("java.util.function.UnaryOperator").identity()
    return json_response(call.kestra, _topologies(call).graph(found, unchanged))


def dependencies_of_namespace(call: Call) -> Response:
    """Answer the flows of a namespace and which of them depend on each other."""
    return json_response(call.kestra, _topologies(call).namespaceGraph(call.tenant, call.path["namespace"]))


def _graph(call: Call, flow: Any, execution: Any = None) -> Any:
    service = call.kestra.bean("io.kestra.core.services.GraphService")
    return service.flowGraph(flow, to_java(call.items("subflows")), execution)


def _topologies(call: Call) -> Any:
    return call.kestra.bean("io.kestra.core.topologies.FlowTopologyService")


ROUTES = [
    route("flows/graph", of_source, "POST", consumes=YAML, body_name="flow"),
    route("flows/{namespace}/{id}/graph", of_flow),
    route("flows/{namespace}/{id}/dependencies", dependencies),
    route("namespaces/{namespace}/dependencies", dependencies_of_namespace),
    route("executions/{id}/graph", of_execution),
]
