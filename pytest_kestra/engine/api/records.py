"""The endpoints of what an execution tells: logs and metrics."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.api.problems import not_convertible
from pytest_kestra.engine.jvm import java


def logs(call: Call) -> Response:
    """Answer the logs of an execution, of one task, task run or attempt, from a level up."""
    return json_response(call.kestra, _find_logs(call))


def logs_download(call: Call) -> Response:
    """Answer the logs of an execution as text."""
    entry_type = java("io.kestra.core.models.executions.LogEntry")
    lines = [str(entry_type.toPrettyString(entry)) for entry in _find_logs(call)]
    return Response("\n".join(lines), media_type="text/plain")


def logs_delete(call: Call) -> Response:
    """Delete the logs of an execution, of one task, task run or attempt, from a level up."""
    attempt = java("java.lang.Integer")(call.number("attempt", 0)) if "attempt" in call.query else None
    chosen = (call.query.get("taskId"), call.query.get("taskRunId"), lowest_level(call), attempt)
    call.kestra.logs.deleteByQuery(call.tenant, call.path["id"], *chosen)
    return Response(status_code=204)


def logs_search(call: Call) -> Response:
    """Answer a page of logs."""
    page = queries.pageable(call, call.kestra.logs)
    return queries.page_response(call, call.kestra.logs.find(page, call.tenant, queries.filters(call)))


def metrics(call: Call) -> Response:
    """Answer a page of the metrics of an execution, of one task or task run."""
    java("io.kestra.runner.h2.LateEmits").settle()
    page = queries.pageable(call, call.kestra.metrics)
    repository, execution_id = call.kestra.metrics, call.path["id"]
    if task_run := call.query.get("taskRunId"):
        found = repository.findByExecutionIdAndTaskRunId(call.tenant, execution_id, task_run, page)
    elif task := call.query.get("taskId"):
        found = repository.findByExecutionIdAndTaskId(call.tenant, execution_id, task, page)
    else:
        found = repository.findByExecutionId(call.tenant, execution_id, page)
    return queries.page_response(call, found)


def _find_logs(call: Call) -> Any:
    java("io.kestra.runner.h2.LateEmits").settle()
    repository, execution_id, level = call.kestra.logs, call.path["id"], lowest_level(call)
    if task_run := call.query.get("taskRunId"):
        if "attempt" in call.query:
            attempt = java("java.lang.Integer")(call.number("attempt", 0))
            return repository.findByExecutionIdAndTaskRunIdAndAttempt(
                call.tenant, execution_id, task_run, level, attempt
            )
        return repository.findByExecutionIdAndTaskRunId(call.tenant, execution_id, task_run, level)
    if task := call.query.get("taskId"):
        return repository.findByExecutionIdAndTaskId(call.tenant, execution_id, task, level)
    return repository.findByExecutionId(call.tenant, execution_id, level)


def lowest_level(call: Call) -> Any:
    """Return the level, a Java value, that `minLevel` names: the lowest that is asked for."""
    name = call.query.get("minLevel", "TRACE")
    level = java("org.slf4j.event.Level")
    try:
        return level.valueOf(name)
    except java("java.lang.IllegalArgumentException") as error:
        raise not_convertible("minLevel", name, error.getMessage()) from error


ROUTES = [
    route("logs/search", logs_search),
    route("logs/{id}", logs),
    route("logs/{id}", logs_delete, "DELETE"),
    route("logs/{id}/download", logs_download),
    route("metrics/{id}", metrics),
]
