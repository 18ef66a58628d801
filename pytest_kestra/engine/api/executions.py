"""The execution endpoints."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import FORM, TEXT, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem, not_found
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
    return await call.run(lambda: _with_url(call, _find(call, execution.getId())))


def get(call: Call) -> Response:
    """Answer an execution."""
    return json_response(call.kestra, _find(call))


def search(call: Call) -> Response:
    """Answer a page of executions."""
    page = queries.pageable(call, call.kestra.executions)
    found = call.kestra.executions.find(page, call.tenant, queries.filters(call))
    return queries.page_response(call, found)


def delete(call: Call) -> Response:
    """Delete an execution, and its logs, metrics and files unless told otherwise."""
    call.kestra.execution_service.delete(
        _find(call),
        call.flag("deleteLogs", default=True),
        call.flag("deleteMetrics", default=True),
        call.flag("deleteStorage", default=True),
    )
    return Response(status_code=204)


def kill(call: Call) -> Response:
    """Ask for the end of an execution and of the subflows it runs; one that has ended stays as it is."""
    execution = _find(call)
    if not execution.getState().isTerminated():
        killed = java("io.kestra.core.models.executions.ExecutionKilledExecution")
        requested = java("io.kestra.core.models.executions.ExecutionKilled$State").REQUESTED
        message = (
            killed.builder()
            .state(requested)
            .tenantId(call.tenant)
            .executionId(execution.getId())
            .isOnKillCascade(call.flag("isOnKillCascade", default=True))
            .build()
        )
        call.kestra.kill_queue.emit(message)
    return Response(status_code=202)


def evaluate(call: Call) -> Response:
    """Render an expression in the context of an execution, or of one of its task runs."""
    kestra = call.kestra
    execution = _find(call)
    flow = kestra.flows.findByExecutionWithoutAcl(execution)
    if "taskRunId" in call.path:
        task_run = execution.findTaskRunByTaskRunId(call.path["taskRunId"])
        task = flow.findTaskByTaskId(task_run.getTaskId())
        context = kestra.run_contexts.of(flow, task, execution, task_run)
    else:
        context = kestra.run_contexts.of(flow, execution)
    try:
        return json_response(kestra, to_java({"result": context.render(call.text)}))
    except java("io.kestra.core.exceptions.IllegalVariableEvaluationException") as error:
        stack = java("org.apache.commons.lang3.exception.ExceptionUtils").getStackTrace(error)
        return json_response(kestra, to_java({"error": str(error.getMessage()), "stackTrace": stack}))


def _find(call: Call, execution_id: str | None = None) -> Any:
    found = call.kestra.executions.findById(call.tenant, execution_id or call.path["id"])
    if found.isEmpty():
        raise not_found()
    return found.get()


def _create(call: Call) -> tuple[Any, Any]:
    """Return the flow that is asked for, and a new execution of it with its inputs."""
    kestra = call.kestra
    flow = kestra.flow_service.getFlowIfExecutableOrThrow(
        call.tenant, call.path["namespace"], call.path["id"], call.optional_number("revision")
    )
    execution = _new(call, flow)
    inputs = _input_values(call, flow, execution)
    return flow, execution.withInputs(kestra.inputs.readExecutionInputs(flow, execution, inputs))


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


def _input_values(call: Call, flow: Any, execution: Any) -> Any:
    values = java("java.util.HashMap")()
    for name, value in call.fields:
        if isinstance(value, str):
            values.put(name, value)
            continue
        file_name, content = value
        # An older form of the request names the part "files" and the file after the input.
        by_file = name == "files" and any(str(item.getId()) == file_name for item in flow.getInputs() or ())
        input_id = file_name if by_file else name
        values.put(input_id, _stored(call, execution, input_id, file_name, content))
    return values


def _stored(call: Call, execution: Any, input_id: str, file_name: str, content: bytes) -> str:
    with tempfile.TemporaryDirectory(prefix="kestra-input-") as folder:
        path = Path(folder) / "content"
        path.write_bytes(content)
        file = java("java.io.File")(str(path))
        return str(call.kestra.storage.from_(execution, input_id, file_name, file).toString())


def _with_url(call: Call, execution: Any) -> Response:
    tree = call.kestra.json.valueToTree(execution)
    place = f"{execution.getNamespace()}/{execution.getFlowId()}/{execution.getId()}"
    tree.put("url", f"{call.url}/ui/{call.tenant}/executions/{place}")
    return json_response(call.kestra, tree)


ROUTES = [
    route("executions/search", search),
    route("executions/{id}", get),
    route("executions/{id}", delete, "DELETE"),
    route("executions/{id}/kill", kill, "DELETE"),
    route("executions/{id}/eval", evaluate, "POST", consumes=TEXT),
    route("executions/{id}/eval/{taskRunId}", evaluate, "POST", consumes=TEXT),
    route("executions/{namespace}/{id}", create, "POST", consumes=FORM),
]
