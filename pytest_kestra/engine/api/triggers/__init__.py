"""The endpoints of triggers, backfills and webhooks."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.triggers import backfills, reading, webhooks

ROUTES: list[Route] = [
    *reading.ROUTES,
    *backfills.ROUTES,
    *webhooks.ROUTES,
]
