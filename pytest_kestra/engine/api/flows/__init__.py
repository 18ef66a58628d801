"""The endpoints of flows, of their graphs and concurrency limits."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.flows import batches, editing, graphs, limits, lists, transfer, validation

ROUTES: list[Route] = [
    *editing.ROUTES,
    *lists.ROUTES,
    *batches.ROUTES,
    *validation.ROUTES,
    *graphs.ROUTES,
    *transfer.ROUTES,
    *limits.ROUTES,
]
