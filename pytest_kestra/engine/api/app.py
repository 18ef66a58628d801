"""The routes, who may use them, and what is answered where there is none."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_kestra.engine.api import (
    backfills,
    bulk,
    creation,
    executions,
    files,
    flows,
    follow,
    graphs,
    kv,
    lifecycle,
    limits,
    namespaces,
    outputs,
    plugins,
    problems,
    records,
    server,
    transfer,
    triggers,
    webhooks,
)
from pytest_kestra.engine.api.calls import API
from pytest_kestra.engine.events import Events
from pytest_kestra.engine.kestra import TENANT, Kestra

# How many requests may wait for Kestra's database at a time.
THREADS = 100
# What Kestra's server has under a tenant; a path without a tenant starts with one of these.
RESOURCES = frozenset(
    {
        *("ai", "apps", "assets", "blueprints", "concurrency-limit", "dashboards", "executions", "flows", "groups"),
        *("invitations", "kv", "logs", "metrics", "misc", "namespaces", "outputs", "roles", "secrets", "stats"),
        *("taskruns", "templates", "test-suites", "tests", "triggers", "users"),
    }
)
GLOBAL = frozenset(
    {"basicAuth", "basicAuthValidationErrors", "configs", "cluster", "instance", "license-info", "plugins", "usages"}
)


# Each names its own routes.
MODULES = (
    *(executions, creation, lifecycle, bulk, follow, outputs, records),
    *(flows, graphs, transfer, limits, plugins),
    *(triggers, backfills, webhooks),
    *(namespaces, kv, files, server),
)


def routes() -> list[Route]:
    """Return the routes of the API, the more literal a path the earlier, as Kestra's web server chooses them."""
    found = [route for module in MODULES for route in module.ROUTES]
    return sorted(found, key=lambda route: (len(route.param_convertors), -len(route.path)))


# What Kestra answers to everybody: a webhook's key is its own secret.
OPEN = re.compile(rf"/health$|{API}/configs$|{API}/({TENANT}/)?executions/webhook/")


class Guard:
    """Let in who has the credentials, and give every path its tenant."""

    def __init__(self, app: ASGIApp, user: str, password: str) -> None:
        self.app = app
        self.expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 without the right credentials, 400 for another tenant than `main`."""
        if scope["type"] != "http" or OPEN.match(scope["path"]):
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, self.expected):
            await Response(status_code=401)(scope, receive, send)
            return
        first = scope["path"].removeprefix(f"{API}/").partition("/")[0] if scope["path"].startswith(f"{API}/") else ""
        if first in RESOURCES:
            scope = {**scope, "path": scope["path"].replace(API, f"{API}/{TENANT}", 1)}
        elif first not in GLOBAL and first not in ("", TENANT):
            problem = problems.Problem(400, "Bad Request: Tenant must be 'main' for OSS version")
            await problems.response(Request(scope), problem)(scope, receive, send)
            return
        await self.app(scope, receive, send)


Handler = Callable[[Request, Exception], Awaitable[Response]]


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, problems.Problem)
    return problems.response(request, error)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problems.response(request, _unserved(request))
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        message = f"Method Not Allowed: Method [{request.method}] not allowed for URI [{request.url.path}]."
        return problems.response(request, problems.Problem(405, f"{message} Allowed methods: [{allowed}]"))
    reason = problems.REASONS.get(error.status_code, "Error")
    return problems.response(request, problems.Problem(error.status_code, f"{reason}: {error.detail}"))


def _unserved(request: Request) -> problems.Problem:
    parts = request.url.path.removeprefix(f"{API}/").split("/")
    known = (
        parts[0] in GLOBAL or (parts[0] == TENANT and len(parts) > 1 and parts[1] in RESOURCES) or parts[0] in RESOURCES
    )
    if not request.url.path.startswith(f"{API}/") or not known:
        return problems.not_found()
    return problems.Problem(
        501,
        f"Not Implemented: the embedded engine of pytest-kestra does not serve {request.method} {request.url.path}. "
        "A complete Kestra server does: run the official container and give its address with --kestra-server.",
    )


def app(kestra: Kestra, *, url: str, user: str, password: str, stop: Callable[[], None]) -> Any:
    """Return the ASGI application that serves `kestra` at `url` to who has the credentials."""
    handlers: dict[Any, Handler] = {problems.Problem: _problem, HTTPException: _no_route}
    application = Starlette(routes=routes(), exception_handlers=handlers)
    application.state.threads = anyio.CapacityLimiter(THREADS)
    application.state.kestra = kestra
    application.state.url = url
    application.state.events = Events()
    application.state.stop = stop
    return Guard(application, user, password)
