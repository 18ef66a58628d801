"""The endpoints that read and delete executions, and tell what can be executed."""

from __future__ import annotations

from starlette.responses import Response

from pytest_kestra.engine.api import changes, creation, expressions, queries, tables
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import java, to_java

FOR_EXECUTION = "io.kestra.core.models.flows.FlowForExecution"
FLOW_FILTER = "io.kestra.core.repositories.ExecutionRepositoryInterface$FlowFilter"
# The parameters of a search of executions from before there were filters.
SEARCHED = (
    *("q", "scope", "namespace", "flowId", "startDate", "endDate", "timeRange", "state", "labels"),
    *("triggerExecutionId", "childFilter"),
)


def get(call: Call) -> Response:
    """Answer an execution."""
    return json_response(call.kestra, changes.find(call))


def search(call: Call) -> Response:
    """Answer a page of executions."""
    page = queries.pageable(call, call.kestra.executions)
    found = call.kestra.executions.find(page, call.tenant, queries.filters(call, old=SEARCHED))
    return queries.page_response(call, found)


def of_flow(call: Call) -> Response:
    """Answer a page of the executions of a flow."""
    namespace, flow_id = call.required("namespace"), call.required("flowId")
    page = queries.pageable(call, call.kestra.executions)
    return queries.page_response(call, call.kestra.executions.findByFlowId(call.tenant, namespace, flow_id, page))


def export(call: Call) -> Response:
    """Answer a table of the executions that a query finds."""
    found = call.kestra.executions.findAsync(call.tenant, queries.filters(call, old=()))
    return tables.csv_response(call, "executions.csv", found.collectList().block())


def latest(call: Call) -> Response:
    """Answer the latest execution of each of some flows."""
    found = call.kestra.executions.lastExecutions(call.tenant, call.read_list(FLOW_FILTER))
    answer = [
        {
            "id": execution.getId(),
            "flowId": execution.getFlowId(),
            "namespace": execution.getNamespace(),
            "startDate": execution.getState().getStartDate(),
            "status": execution.getState().getCurrent(),
        }
        for execution in found
    ]
    return json_response(call.kestra, to_java(answer))


def delete(call: Call) -> Response:
    """Delete an execution, and its logs, metrics and files unless told otherwise."""
    call.kestra.execution_service.delete(changes.find(call), *parts(call))
    return Response(status_code=204)


def parts(call: Call) -> tuple[bool, ...]:
    """Tell whether logs, metrics and files of an execution are to be deleted with it."""
    return tuple(call.flag(name, default=True) for name in ("deleteLogs", "deleteMetrics", "deleteStorage"))


def flow(call: Call) -> Response:
    """Answer the flow of an execution, with what one needs to know who may only execute it."""
    found = call.kestra.executions.findById(call.tenant, call.path["id"])
    if found.isEmpty():
        raise not_found(f"Not Found: Execution {call.path['id']} not found when fetching flow")
    found = call.kestra.flows.findByExecutionWithoutAcl(found.get())
    return json_response(call.kestra, java(FOR_EXECUTION).of(found))


def executable_flow(call: Call) -> Response:
    """Answer a flow, with what one needs to know who may only execute it."""
    key = (call.tenant, call.path["namespace"], call.path["flowId"])
    found = call.kestra.flows.findByIdWithoutAcl(*key, call.optional_number("revision"))
    return json_response(call.kestra, java(FOR_EXECUTION).of(found.orElseThrow()))


def namespaces(call: Call) -> Response:
    """Answer the namespaces that have flows which can be executed."""
    return json_response(call.kestra, call.kestra.flows.findDistinctNamespaceExecutable(call.tenant))


def executable_flows(call: Call) -> Response:
    """Answer the flows of a namespace which can be executed."""
    found = call.kestra.flows.findByNamespaceExecutable(call.tenant, call.path["namespace"])
    return json_response(call.kestra, found)


ROUTES = [
    route("executions", of_flow),
    route("executions/search", search),
    route("executions/latest", latest, "POST", consumes=JSON, body_name="flowFilters"),
    route("executions/export/by-query/csv", export),
    route("executions/namespaces", namespaces),
    route("executions/namespaces/{namespace}/flows", executable_flows),
    route("executions/flows/{namespace}/{flowId}", executable_flow),
    route("executions/{id}", get),
    route("executions/{id}", delete, "DELETE"),
    route("executions/{id}/flow", flow),
    *creation.ROUTES,
    *expressions.ROUTES,
]
