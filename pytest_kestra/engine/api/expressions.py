"""The endpoints that render an expression as an execution would."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import changes
from pytest_kestra.engine.api.calls import TEXT, Call, json_response, route
from pytest_kestra.engine.jvm import java, to_java


def evaluate(call: Call) -> Response:
    """Render an expression in the context of an execution, or of one of its task runs; secrets stay hidden."""
    try:
        return json_response(call.kestra, to_java({"result": _context(call).render(call.text)}))
    except java("io.kestra.core.exceptions.IllegalVariableEvaluationException") as error:
        stack = java("org.apache.commons.lang3.exception.ExceptionUtils").getStackTrace(error)
        return json_response(call.kestra, to_java({"error": str(error.getMessage()), "stackTrace": stack}))


def _context(call: Call) -> Any:
    """Return a context that decrypts no inputs and whose renderer masks what the function `secret` gives."""
    kestra, execution = call.kestra, changes.find(call)
    flow = kestra.flows.findByExecution(execution)
    if "taskRunId" not in call.path:
        return kestra.run_contexts.of(flow, execution, False)
    renderer = kestra.bean("io.kestra.core.runners.SecureVariableRendererFactory").createOrGet()
    task_run = execution.findTaskRunByTaskRunId(call.path["taskRunId"])
    task = flow.findTaskByTaskId(task_run.getTaskId())
    return kestra.run_contexts.of(flow, task, execution, task_run, False, renderer)


ROUTES = [
    route("executions/{id}/eval", evaluate, "POST", consumes=TEXT, body_name="expression"),
    route("executions/{id}/eval/{taskRunId}", evaluate, "POST", consumes=TEXT, body_name="expression"),
]
