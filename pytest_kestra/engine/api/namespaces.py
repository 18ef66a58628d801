"""The endpoints of namespaces and the names of their secrets."""

from __future__ import annotations

from starlette.routing import Route

ROUTES: list[Route] = []
