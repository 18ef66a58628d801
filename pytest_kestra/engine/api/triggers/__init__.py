"""The endpoints of triggers, backfills, dates and webhooks."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.triggers import backfills, dates, reading, webhooks

ROUTES: list[Route] = [
    *reading.ROUTES,
    *backfills.ROUTES,
    *dates.ROUTES,
    *webhooks.ROUTES,
]
