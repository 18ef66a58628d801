"""The endpoints of executions, of their logs, metrics and files."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.executions import bulk, creation, follow, lifecycle, outputs, reading, records

ROUTES: list[Route] = [
    *reading.ROUTES,
    *creation.ROUTES,
    *lifecycle.ROUTES,
    *bulk.ROUTES,
    *follow.ROUTES,
    *outputs.ROUTES,
    *records.ROUTES,
]
