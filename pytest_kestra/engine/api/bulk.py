"""The execution endpoints that act on many executions at once."""

from __future__ import annotations

from starlette.routing import Route

ROUTES: list[Route] = []
