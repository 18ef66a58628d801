"""The endpoints of outputs, which Kestra 2.0 tells apart from their executions."""

from __future__ import annotations

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.api.executions import lookup
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import to_java

SERVICES = "io.kestra.core.services"


def of_execution(call: Call) -> Response:
    """Answer the outputs of an execution's flow."""
    service = call.kestra.bean(f"{SERVICES}.ExecutionOutputService")
    return json_response(call.kestra, service.getOutputs(lookup.execution(call)))


def of_task_run(call: Call) -> Response:
    """Answer the outputs of a task run."""
    found = lookup.execution(call).findTaskRunByTaskRunIdIfPresent(call.path["taskRunId"])
    if found.isEmpty():
        raise not_found()
    return json_response(call.kestra, call.kestra.bean(f"{SERVICES}.TaskOutputService").getOutputs(found.get()))


def of_task_runs(call: Call) -> Response:
    """Answer which task runs of an execution have outputs."""
    execution = lookup.execution(call)
    repository = call.kestra.bean("io.kestra.core.repositories.TaskOutputRepositoryInterface")
    found = [
        {
            "taskId": run.getTaskId(),
            "taskRunId": run.getId(),
            "value": run.getValue(),
            "iteration": run.getIteration(),
            "inline": output.value() is not None,
        }
        for output in repository.findByExecution(execution)
        # The rounds of a LoopUntil leave outputs whose task runs have gone.
        for run in execution.findTaskRunByTaskRunIdIfPresent(output.taskRunId()).stream().toList()
    ]
    return json_response(call.kestra, to_java(found))


ROUTES = [
    route("outputs/executions/{id}", of_execution),
    route("outputs/tasks/{id}", of_task_runs),
    route("outputs/tasks/{id}/{taskRunId}", of_task_run),
]
