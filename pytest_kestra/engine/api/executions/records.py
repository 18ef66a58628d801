"""The endpoints of what an execution tells: logs and metrics."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import parameters, queries
from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.api.problems import Problem, not_convertible
from pytest_kestra.engine.jvm import java, to_java

DATE = "java.time.ZonedDateTime"
# Kestra makes an entry for each month of a period, wanted or not: a thousand years are enough.
LONGEST_DAYS = 366_000


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
    chosen = (call.query.get("taskId"), call.query.get("taskRunId"), lowest_level(call), _attempt(call))
    call.kestra.logs.deleteByQuery(call.tenant, call.path["id"], *chosen)
    return Response(status_code=200)


def logs_delete_of_flow(call: Call) -> Response:
    """Delete the logs of a flow's executions, or of one of its triggers."""
    settle()
    chosen = (call.path["namespace"], call.path["flow_id"], call.query.get("triggerId"))
    call.kestra.logs.deleteByQuery(call.tenant, *chosen)
    return Response(status_code=200)


def logs_search(call: Call) -> Response:
    """Answer a page of logs."""
    settle()
    page = queries.pageable(call, call.kestra.logs)
    return queries.page_response(call, call.kestra.logs.find(page, call.tenant, queries.filters(call)))


def metrics(call: Call) -> Response:
    """Answer a page of the metrics of an execution, of one task or task run."""
    settle()
    page = queries.pageable(call, call.kestra.metrics)
    repository, execution_id = call.kestra.metrics, call.path["id"]
    if task := call.query.get("taskId"):
        found = repository.findByExecutionIdAndTaskId(call.tenant, execution_id, task, page)
    elif task_run := call.query.get("taskRunId"):
        found = repository.findByExecutionIdAndTaskRunId(call.tenant, execution_id, task_run, page)
    else:
        found = repository.findByExecutionId(call.tenant, execution_id, page)
    return queries.page_response(call, found)


def metric_names(call: Call) -> Response:
    """Answer the names of the metrics of a flow, or of one of its tasks."""
    settle()
    flow = (call.tenant, call.path["namespace"], call.path["flow_id"])
    task = call.path.get("task_id")
    repository = call.kestra.metrics
    found = repository.flowMetrics(*flow) if task is None else repository.taskMetrics(*flow, task)
    return json_response(call.kestra, found)


def tasks_with_metrics(call: Call) -> Response:
    """Answer the ids of a flow's tasks that have metrics."""
    settle()
    path = call.path
    return json_response(
        call.kestra, call.kestra.metrics.tasksWithMetrics(call.tenant, path["namespace"], path["flow_id"])
    )


def metric_aggregates(call: Call) -> Response:
    """Answer a metric of a flow, or of one of its tasks, summed up by minute, hour, day, week or month."""
    settle()
    path = call.path
    start, end = parameters.date(call, "startDate"), parameters.date(call, "endDate")
    java("io.kestra.core.utils.DateUtils").validateTimeline(java(DATE) @ start, java(DATE) @ end)
    now = java(DATE).now()
    # Kestra leaves out a day that begins where the period ends: the last one has to begin before.
    month_ago = now.minusDays(30).minusNanos(1)
    start, end = start or month_ago, end or now
    if java("java.time.temporal.ChronoUnit").DAYS.between(start, end) > LONGEST_DAYS:
        raise Problem(422, f"Illegal argument: The period from {start} to {end} is too long")
    found = call.kestra.metrics.aggregateByFlowId(
        call.tenant,
        *(path["namespace"], path["flow_id"], path.get("task_id"), path["metric"]),
        *(start, end),
        call.query.get("aggregation", "sum"),
    )
    return json_response(call.kestra, found)


def _attempt(call: Call) -> Any:
    return java("java.lang.Integer")(call.number("attempt", 0)) if "attempt" in call.query else None


def settle() -> None:
    """Wait until what executions have told so far is in its tables."""
    java("io.kestra.runner.h2.LateEmits").settle()


def _find_logs(call: Call) -> Any:
    settle()
    task = call.query.get("taskId")
    return call.kestra.bean("io.kestra.core.services.ExecutionLogService").getExecutionLogs(
        *(call.tenant, call.path["id"], lowest_level(call), call.query.get("taskRunId")),
        *(None if task is None else to_java([task]), _attempt(call), True),
    )


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
    route("logs/{namespace}/{flow_id}", logs_delete_of_flow, "DELETE"),
    route("metrics/{id}", metrics),
    route("metrics/aggregates/{namespace}/{flow_id}/{metric}", metric_aggregates),
    route("metrics/aggregates/{namespace}/{flow_id}/{task_id}/{metric}", metric_aggregates),
    route("metrics/names/{namespace}/{flow_id}", metric_names),
    route("metrics/names/{namespace}/{flow_id}/{task_id}", metric_names),
    route("metrics/tasks/{namespace}/{flow_id}", tasks_with_metrics),
]
