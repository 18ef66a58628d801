"""The flow endpoints that act on many flows at once: bulk, import, export, enable, disable, delete."""

from __future__ import annotations

from starlette.routing import Route

ROUTES: list[Route] = []
