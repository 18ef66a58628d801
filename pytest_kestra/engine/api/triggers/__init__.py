"""The endpoints of triggers, backfills, dates and webhooks."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.triggers import backfills, clock, dates, reading, two_zero, webhooks


def routes(line: str) -> list[Route]:
    """Return the routes of a line."""
    own = [*reading.ROUTES, *backfills.ROUTES] if line == "1.3" else [*two_zero.ROUTES, *clock.ROUTES]
    return [*own, *dates.ROUTES, *webhooks.ROUTES]
