"""The next dates of a schedule, computed by Kestra's own triggers and conditions, without waiting for them.

The route is not Kestra's, so it stands outside of Kestra's API.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from starlette.responses import JSONResponse, Response

from pytest_kestra.engine.api.calls import Call, route
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java

PATH = "/pytest-kestra/dates/{namespace}/{flowId}/{triggerId}"
SCHEDULE = "io.kestra.plugin.core.trigger.Schedule"
ON_DATES = "io.kestra.plugin.core.trigger.ScheduleOnDates"
# How far a date is looked for that the conditions let through: Kestra's Schedule gives up after ten years, too.
YEARS = 10
# How many dates the conditions may refuse in one request: a schedule of every second has 315 million in ten years.
REFUSALS = 10_000
# And how long it may take: a client waits for an answer for a minute, also on a machine that is busy with other work.
SEARCH_S = 20.0


def dates(call: Call) -> Response:
    """Answer the next `count` dates after `after` on which a trigger of a flow's `revision` fires, and its time zone.

    They are fewer where the trigger has no more. `searched` says until when dates were looked at where the conditions
    have refused too many for one request, or it took too long; else it is null.
    """
    flow, trigger = _definition(call)
    context = call.kestra.conditions.conditionContext(call.kestra.run_contexts.of(flow, trigger), flow, None)
    after = java("java.time.ZonedDateTime").parse(call.required("after"))
    zone = java("java.time.ZoneId").of(trigger.getTimezone())
    check = call.kestra.date_check(trigger, context)
    found: list[str] = []
    count, refused, searched = call.number("count", 1), 0, None
    until = time.monotonic() + SEARCH_S
    for date in (_scheduled if _is(trigger, SCHEDULE) else _on_dates)(trigger, context, after):
        if len(found) >= count or (check and date.getYear() > after.getYear() + YEARS):
            break
        if check is None or _holds(check, date):
            found.append(_text(date, zone))
        elif (refused := refused + 1) == REFUSALS or time.monotonic() > until:
            searched = _text(date, zone)
            break
    return JSONResponse({"dates": found, "zone": str(zone), "searched": searched})


def _definition(call: Call) -> tuple[Any, Any]:
    """Return a flow with Kestra's defaults for plugins, as the scheduler has it, and its trigger."""
    place = (call.path["namespace"], call.path["flowId"])
    flow = call.kestra.flows.findByIdWithSource(call.tenant, *place, call.optional_number("revision")).orElse(None)
    if flow is not None:
        flow = call.kestra.flow_as_it_runs(flow)
        for trigger in flow.getTriggers() or ():
            if trigger.getId() == call.path["triggerId"] and (_is(trigger, SCHEDULE) or _is(trigger, ON_DATES)):
                return flow, trigger
    # Not 404, by which a client knows that a server does not have this route.
    raise Problem(422, f"The server has no schedule {call.path['triggerId']!r} in a flow {'.'.join(place)} any more")


def _is(trigger: Any, kind: str) -> bool:
    return isinstance(trigger, java(kind))


def _text(date: Any, zone: Any) -> str:
    return str(date.withZoneSameInstant(zone).toOffsetDateTime())


def _scheduled(trigger: Any, context: Any, after: Any) -> Iterator[Any]:
    """Return the dates of a cron expression, whatever the conditions."""
    # With its conditions Kestra would search for years at a stretch, with a maximal delay leave out what has passed.
    plain = java(SCHEDULE).builder().id(trigger.getId()).type(trigger.getType()).cron(trigger.getCron())
    plain = plain.withSeconds(trigger.getWithSeconds()).timezone(trigger.getTimezone()).build()
    optional, state = java("java.util.Optional"), java("io.kestra.core.models.triggers.TriggerContext")
    date = after
    while (date := plain.nextEvaluationDate(context, optional.of(state.builder().date(date).build()))) is not None:
        yield date


def _on_dates(trigger: Any, context: Any, after: Any) -> Iterator[Any]:
    """Return the dates of a list, rendered."""
    seconds = java("java.time.temporal.ChronoUnit").SECONDS
    for date in sorted(
        context.getRunContext().render(trigger.getDates()).asList(java("java.time.ZonedDateTime").class_)
    ):
        if date.isAfter(after):
            yield date.truncatedTo(seconds)


def _holds(check: Callable[[Any], bool], date: Any) -> bool:
    try:
        return check(date)
    except java("java.lang.Exception") as error:
        raise Problem(422, f"Its conditions cannot be evaluated for {date}: {error.getMessage()}") from error


ROUTES = [route(PATH, dates)]
