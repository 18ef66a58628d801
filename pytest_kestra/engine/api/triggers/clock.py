"""The scheduler's clock, which a test moves for its own namespaces; the routes are not Kestra's, and 1.3 has none."""

from __future__ import annotations

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call, route
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java

# `test` is how the names of its namespaces end.
PATH = "/pytest-kestra/clock/{test}"
STARTED = "/pytest-kestra/clock"
CLOCK = "io.kestra.runner.h2.MovedClock"
SCHEDULER = "io.kestra.runner.h2.MovedScheduler"


def move(call: Call) -> Response:
    """Let the clock of a test be so many seconds from everybody's; `back` says that it goes back to there."""
    try:
        offset = java("java.time.Duration").ofMillis(round(float(call.required("offset")) * 1000))
    except (ValueError, OverflowError):
        raise Problem(422, "`offset` is a number of seconds") from None
    # Schedules of flows that were deployed before begin at the time before.
    java("io.kestra.runner.h2.KnownFlows").settle()
    clock = java("io.kestra.core.scheduler.SchedulerClock").getClock()
    call.kestra.bean(SCHEDULER).move(clock, call.path["test"], offset, call.flag("back"))
    return Response(status_code=204)


def forget(call: Call) -> Response:
    """Let a test have everybody's time again."""
    java(CLOCK).forget(call.path["test"])
    return Response(status_code=204)


def started(call: Call) -> Response:
    """Answer when the executions that the scheduler has started are there."""
    call.kestra.bean(SCHEDULER).settle()
    return Response(status_code=204)


ROUTES = [route(PATH, move, "PUT"), route(PATH, forget, "DELETE"), route(STARTED, started)]
