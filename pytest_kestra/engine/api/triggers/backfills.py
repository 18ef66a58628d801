"""The endpoints that pause, go on with and end backfills."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem, not_found
from pytest_kestra.engine.api.triggers import states
from pytest_kestra.engine.api.triggers.bulk import count_response

# What is done to the backfill of the trigger with a uid; it returns the trigger's state, or none where it has none.
Action = Callable[[Call, str], Any]

ACTIONS: dict[str, Action] = {
    "pause": partial(states.pause_backfill, paused=True),
    "unpause": partial(states.pause_backfill, paused=False),
    "delete": states.end_backfill,
}


def one(action: Action, call: Call) -> Response:
    """Act on the backfill of the trigger that a body names."""
    found = action(call, call.read(states.TYPE).uid())
    if found is None:
        raise not_found()
    return json_response(call.kestra, found)


def named(action: Action, call: Call) -> Response:
    """Act on the backfills of the triggers that a body names."""
    return _all(action, call, states.named(call))


def matching(action: Action, call: Call) -> Response:
    """Act on the backfills of the triggers that a query finds."""
    return _all(action, call, states.matching(call))


def _all(action: Action, call: Call, triggers: list[Any]) -> Response:
    """Count as Kestra does: what is not there counts, only what has no backfill does not."""
    count = 0
    for trigger in triggers:
        try:
            action(call, trigger.uid())
        except Problem:
            continue
        count += 1
    return count_response(call, count)


ROUTES = [
    made
    for name, action in ACTIONS.items()
    for made in (
        route(
            f"triggers/backfill/{name}",
            partial(one, action),
            "POST" if name == "delete" else "PUT",
            consumes=JSON,
            body_name="trigger",
        ),
        route(
            f"triggers/backfill/{name}/by-triggers", partial(named, action), "POST", consumes=JSON, body_name="triggers"
        ),
        route(f"triggers/backfill/{name}/by-query", partial(matching, action), "POST"),
    )
]
