"""The endpoints of flows, of their graphs and concurrency limits."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.calls import below
from pytest_kestra.engine.api.flows import batches, editing, graphs, limits, lists, transfer, validation

# What Kestra 2.0 no longer has.
GONE = {"flows/{namespace}/{id}/{taskId}"}

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
    return ROUTES if line == "1.3" else [made for made in ROUTES if below(made) not in GONE]
