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
    executions,
    expressions,
    flows,
    icons,
    namespaces,
    plugins,
    problems,
    server,
    suites,
    triggers,
    unserved,
)
from pytest_kestra.engine.api.calls import API
from pytest_kestra.engine.api.paths import Paths
from pytest_kestra.engine.events import Events
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import TENANT, Kestra

# How many requests may wait for Kestra's database at a time.
THREADS = 100

# Each names its own routes; those of the first are not the same on all lines.
BY_LINE = (executions, triggers, flows, plugins, icons, expressions)
PARTS = (namespaces, suites, server)


def routes(line: str = "1.3") -> list[Route]:
    """Return the routes of a line's API, the more literal a path the earlier, as Kestra's web server chooses them."""
    found = [route for part in BY_LINE for route in part.routes(line)]
    found += [route for part in PARTS for route in part.ROUTES]
    return sorted(found, key=lambda route: (len(route.param_convertors), -len(route.path)))


# What Kestra answers to everybody: a webhook's key is its own secret.
OPEN = re.compile(rf"/health$|{API}/configs$|{API}/basicAuthValidationErrors$|{API}/({TENANT}/)?executions/webhook/")


class Guard:
    """Let in who has the credentials, and give every path its tenant."""

    def __init__(self, app: ASGIApp, paths: Paths, user: str, password: str) -> None:
        self.app = app
        self.paths = paths
        self.expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 without the right credentials, 400 for another tenant than `main`."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not OPEN.match(scope["path"]) and not hmac.compare_digest(given, self.expected):
            await Response(status_code=401)(scope, receive, send)
            return
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):  # which Micronaut does not look at
            path = path[:-1]
        try:
            scope = {**scope, "path": self.paths.complete(path)}
        except problems.Problem as problem:
            await problems.response(Request(scope), problem)(scope, receive, send)
            return
        await self.app(scope, receive, send)


Handler = Callable[[Request, Exception], Awaitable[Response]]


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, problems.Problem)
    return problems.response(request, error)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        return problems.response(request, _not_served(request))
    reason = problems.REASONS.get(error.status_code, "Error")
    return problems.response(request, problems.Problem(error.status_code, f"{reason}: {error.detail}"))


def _not_served(request: Request) -> problems.Problem:
    path, as_sent = request.scope["path"], request.scope["raw_path"].decode("latin-1")
    if found := unserved.find(request.method, path, request.app.state.kestra.line):
        return problems.Problem(
            501,
            f"Not Implemented: the embedded engine of pytest-kestra does not serve {request.method} {as_sent}: "
            f"{found.why}. "
            "A complete Kestra server does: run the official container and give its address with --kestra-server.",
        )
    methods = request.app.state.paths.methods(path)
    if not methods:
        return problems.not_found()
    # In the order of Java's set, as Kestra's web server names them.
    allowed = java("java.util.HashSet")(to_java(sorted(methods)))
    message = f"Method [{request.method}] not allowed for URI [{as_sent}]. Allowed methods: {allowed}"
    return problems.Problem(405, f"Method Not Allowed: {message}")


def app(kestra: Kestra, *, url: str, user: str, password: str, stop: Callable[[], None]) -> Any:
    """Return the ASGI application that serves `kestra` at `url` to who has the credentials."""
    server.ready(kestra, url)
    handlers: dict[Any, Handler] = {problems.Problem: _problem, HTTPException: _no_route}
    served = routes(kestra.line)
    application = Starlette(routes=served, exception_handlers=handlers)
    application.state.paths = Paths(served, unserved.routes(kestra.line))
    application.state.threads = anyio.CapacityLimiter(THREADS)
    application.state.kestra = kestra
    application.state.url = url
    application.state.events = Events()
    application.state.stop = stop
    return Guard(application, application.state.paths, user, password)
