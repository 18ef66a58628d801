"""The endpoints that find executions, and what can be executed."""

from __future__ import annotations

import csv
import io
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import JSON, TEXT, Call, json_response, route
from pytest_kestra.engine.api.executions import lookup
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java, to_java

# What Kestra 2.0 tells of an execution in a page of them.
LIGHT = [
    *("tenantId", "id", "namespace", "flowId", "flowRevision", "inputs", "labels", "state", "parentId", "originalId"),
    *("trigger", "scheduleDate", "kind", "loopRun"),
]
FLOW_FILTER = "io.kestra.core.repositories.ExecutionRepositoryInterface$FlowFilter"


def get(call: Call) -> Response:
    """Answer an execution."""
    return json_response(call.kestra, lookup.execution(call))


def search(call: Call) -> Response:
    """Answer a page of executions."""
    page = queries.pageable(call, call.kestra.executions)
    return _page(call, call.kestra.executions.find(page, call.tenant, queries.filters(call)))


def of_flow(call: Call) -> Response:
    """Answer a page of the executions of a flow."""
    flow = (call.tenant, call.required("namespace"), call.required("flowId"))
    return _page(call, call.kestra.executions.findByFlowId(*flow, queries.page(call)))


def _page(call: Call, found: Any) -> Response:
    """Answer a page of executions, of which Kestra 2.0 tells no task runs."""
    if call.kestra.line == "1.3":
        return queries.page_response(call, found)
    told = [call.kestra.json.valueToTree(execution).retain(to_java(LIGHT)) for execution in found]
    return json_response(call.kestra, to_java({"results": told, "total": found.getTotal()}))


def latest(call: Call) -> Response:
    """Answer the last execution of each of the flows that a body names, of all flows where it names none."""
    wanted = list(call.read_list(FLOW_FILTER))
    if None in wanted:
        raise Problem(422, "Invalid entity: a list has a null in it")
    found = [
        {
            "id": execution.getId(),
            "flowId": execution.getFlowId(),
            "namespace": execution.getNamespace(),
            "startDate": execution.getState().getStartDate(),
            "status": execution.getState().getCurrent(),
        }
        for execution in call.kestra.executions.lastExecutions(call.tenant, to_java(wanted))
    ]
    return json_response(call.kestra, to_java(found))


def namespaces(call: Call) -> Response:
    """Answer the namespaces that have flows."""
    return json_response(call.kestra, call.kestra.flows.findDistinctNamespaceExecutable(call.tenant))


def flows(call: Call) -> Response:
    """Answer what one needs to know of the flows of a namespace to execute them."""
    found = call.kestra.flows.findByNamespaceExecutable(call.tenant, call.path["namespace"])
    return json_response(call.kestra, found)


def flow(call: Call) -> Response:
    """Answer what one needs to know of a flow to execute it."""
    found = call.kestra.flows.findByIdWithoutAcl(
        call.tenant, call.path["namespace"], call.path["id"], call.optional_number("revision")
    )
    return json_response(call.kestra, java("io.kestra.core.models.flows.FlowForExecution").of(found.orElseThrow()))


def export(call: Call) -> Response:
    """Answer the executions that filters find as CSV, with the names of the first one's values above."""
    found = call.kestra.executions.findAsync(call.tenant, queries.filters(call, old=False))
    map_type = java("java.util.Map").class_
    rows = [call.kestra.json.convertValue(execution, map_type) for execution in found.collectList().block()]
    text = io.StringIO()
    writer = csv.writer(text)
    names = list(rows[0].keySet()) if rows else []
    if names:
        writer.writerow(names)
    for row in rows:
        # Java's own way to write maps and lists.
        writer.writerow(["" if row.get(name) is None else str(row.get(name)) for name in names])
    headers = {"content-disposition": "attachment; filename=executions.csv", "content-type": "text/csv"}
    return Response(text.getvalue(), headers=headers)


def delete(call: Call) -> Response:
    """Delete an execution, and its logs, metrics and files unless told otherwise."""
    call.kestra.execution_service.delete(
        lookup.execution(call),
        call.flag("deleteLogs", default=True),
        call.flag("deleteMetrics", default=True),
        call.flag("deleteStorage", default=True),
    )
    return Response(status_code=204)


def evaluate(call: Call) -> Response:
    """Render an expression in the context of an execution, or of one of its task runs."""
    kestra = call.kestra
    execution = lookup.execution(call)
    flow = lookup.flow_of(call, execution)
    if "taskRunId" in call.path:
        task_run = execution.findTaskRunByTaskRunId(call.path["taskRunId"])
        task = flow.findTaskByTaskId(task_run.getTaskId())
        context = kestra.run_contexts.of(flow, task, execution, task_run, False, kestra.masking_renderer)
    else:
        context = kestra.run_contexts.of(flow, execution, False)
    try:
        return json_response(kestra, to_java({"result": context.render(call.text)}))
    except java("io.kestra.core.exceptions.IllegalVariableEvaluationException") as error:
        stack = java("org.apache.commons.lang3.exception.ExceptionUtils").getStackTrace(error)
        return json_response(kestra, to_java({"error": str(error.getMessage()), "stackTrace": stack}))


ROUTES = [
    route("executions", of_flow),
    route("executions/latest", latest, "POST", consumes=JSON, body_name="flowFilters"),
    route("executions/namespaces", namespaces),
    route("executions/namespaces/{namespace}/flows", flows),
    route("executions/flows/{namespace}/{id}", flow),
    route("executions/export/by-query/csv", export),
    route("executions/search", search),
    route("executions/{id}", get),
    route("executions/{id}", delete, "DELETE"),
    route("executions/{id}/eval", evaluate, "POST", consumes=TEXT),
    route("executions/{id}/eval/{taskRunId}", evaluate, "POST", consumes=TEXT),
]
