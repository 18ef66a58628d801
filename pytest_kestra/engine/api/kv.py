"""The endpoints of the key-value store."""

from __future__ import annotations

from starlette.routing import Route

ROUTES: list[Route] = []
