"""The endpoints that draw flows and executions, and tell which flows depend on each other."""

from __future__ import annotations

from starlette.routing import Route

ROUTES: list[Route] = []
