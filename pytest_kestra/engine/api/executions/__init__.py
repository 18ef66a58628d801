"""The endpoints of executions, of their logs, metrics and files."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.calls import at, below
from pytest_kestra.engine.api.executions import (
    apart,
    bulk,
    creation,
    fields,
    follow,
    lifecycle,
    outputs,
    reading,
    records,
)

ACTIONS = "executions/{id}/"
# What Kestra 2.0 has put below a path of its own, and what it no longer has.
MOVED = {
    *("pause", "resume", "resume/validate", "resume-from-breakpoint", "restart", "replay", "replay-with-inputs"),
    *("force-run", "unqueue", "change-status", "state", "labels", "kill", "eval", "eval/{taskRunId}"),
}
GONE = {"executions/trigger/{namespace}/{id}"}


ROUTES: list[Route] = [
    *reading.ROUTES,
    *creation.ROUTES,
    *lifecycle.ROUTES,
    *bulk.ROUTES,
    *follow.ROUTES,
    *outputs.ROUTES,
    *records.ROUTES,
]


def routes(line: str) -> list[Route]:
    """Return the routes of a line."""
    if line == "1.3":
        return ROUTES
    return [_moved(made) for made in ROUTES if below(made) not in GONE] + apart.ROUTES + fields.ROUTES


def _moved(made: Route) -> Route:
    action = below(made).removeprefix(ACTIONS)
    return at(made, f"{ACTIONS}actions/{action}") if action in MOVED else made
