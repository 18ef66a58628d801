"""The endpoints that change what an execution does: pause, resume, restart, replay, and their like."""

from __future__ import annotations

from starlette.routing import Route

ROUTES: list[Route] = []
