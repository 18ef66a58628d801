"""The endpoints that describe the plugins and their properties."""

from __future__ import annotations

from starlette.routing import Route

ROUTES: list[Route] = []
