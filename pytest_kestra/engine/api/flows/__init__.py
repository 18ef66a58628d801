"""The endpoints of flows, of their graphs and concurrency limits."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.calls import below
from pytest_kestra.engine.api.flows import (
    batches,
    editing,
    expressions,
    graphs,
    limits,
    lists,
    replacements,
    texts,
    transfer,
    validation,
)

# What Kestra 2.0 no longer has, or has otherwise.
GONE = {"flows/{namespace}/{id}/{taskId}", "flows/source"}
NEW = [*expressions.ROUTES, *texts.ROUTES, *replacements.ROUTES]

ROUTES: list[Route] = [
    *editing.ROUTES,
    *lists.ROUTES,
    *batches.ROUTES,
    *validation.ROUTES,
    *graphs.ROUTES,
    *transfer.ROUTES,
    *limits.ROUTES,
]


def routes(line: str) -> list[Route]:
    """Return the routes of a line."""
    if line == "1.3":
        return ROUTES
    return [made for made in ROUTES if below(made) not in GONE] + NEW
