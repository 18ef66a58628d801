"""The execution endpoints."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import inputs, lookup, queries
from pytest_kestra.engine.api.calls import FORM, TEXT, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java, to_java


async def create(call: Call) -> Response:
    """Create an execution from a form of inputs; with `wait=true` answer when it has ended."""
    flow, execution = await call.run(_create, call)
    if not call.flag("wait"):
        await call.run(call.kestra.execution_queue.emit, execution)
        return await call.run(_with_url, call, execution)
    with call.events.end(execution.getId(), flow, call.kestra.execution_service) as end:
        await call.run(call.kestra.execution_queue.emit, execution)
        await end.get()
    return await call.run(lambda: _with_url(call, lookup.execution(call, execution.getId())))


def get(call: Call) -> Response:
    """Answer an execution."""
    return json_response(call.kestra, lookup.execution(call))


def search(call: Call) -> Response:
    """Answer a page of executions."""
    page = queries.pageable(call, call.kestra.executions)
    found = call.kestra.executions.find(page, call.tenant, queries.filters(call))
    return queries.page_response(call, found)


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


def _create(call: Call) -> tuple[Any, Any]:
    """Return the flow that is asked for, and a new execution of it with its inputs."""
    kestra = call.kestra
    flow = kestra.flow_service.getFlowIfExecutableOrThrow(
        call.tenant, call.path["namespace"], call.path["id"], call.optional_number("revision")
    )
    execution = _new(call, flow)
    given = inputs.values(call, flow.getInputs(), execution)
    return flow, execution.withInputs(kestra.inputs.readExecutionInputs(flow, execution, given))


def _new(call: Call, flow: Any) -> Any:
    optional = java("java.util.Optional")
    date = call.query.get("scheduleDate")
    when = optional.of(java("java.time.ZonedDateTime").parse(date)) if date else optional.empty()
    kind = call.query.get("kind")
    kinds = java("io.kestra.core.models.executions.ExecutionKind")
    execution_type = java("io.kestra.core.models.executions.Execution")
    return execution_type.newExecution(flow, None, _labels(call), when, kinds.valueOf(kind) if kind else None)


def _labels(call: Call) -> Any:
    label_type = java("io.kestra.core.models.Label")
    labels = java("java.util.ArrayList")()
    for item in call.query.getlist("labels"):
        key, separator, value = item.partition(":")
        if not separator:
            raise Problem(422, "Unprocessable Entity: Can't split the queryString parameter by ':'")
        if key.startswith(label_type.SYSTEM_PREFIX) and key != label_type.CORRELATION_ID:
            raise Problem(
                422,
                f"Illegal argument: System labels can only be set by Kestra itself, offending label: {key}={value}.",
            )
        labels.add(label_type(key, value))
    labels.add(label_type(label_type.FROM, "api"))
    return labels


def _with_url(call: Call, execution: Any) -> Response:
    tree = call.kestra.json.valueToTree(execution)
    place = f"{execution.getNamespace()}/{execution.getFlowId()}/{execution.getId()}"
    tree.put("url", f"{call.url}/ui/{call.tenant}/executions/{place}")
    return json_response(call.kestra, tree)


ROUTES = [
    route("executions/search", search),
    route("executions/{id}", get),
    route("executions/{id}", delete, "DELETE"),
    route("executions/{id}/eval", evaluate, "POST", consumes=TEXT),
    route("executions/{id}/eval/{taskRunId}", evaluate, "POST", consumes=TEXT),
    route("executions/{namespace}/{id}", create, "POST", consumes=FORM),
]
