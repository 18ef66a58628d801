"""A request, read whole, and the functions that answer it away from the event loop."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
from starlette.datastructures import FormData, QueryParams, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from pytest_kestra.engine.api import problems
from pytest_kestra.engine.kestra import TENANT, Kestra

LOG = logging.getLogger(__name__)

# Names, with a text or with a file's name and content.
Fields = tuple[tuple[str, str | tuple[str, bytes]], ...]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Call:
    """Hold what a request says: path parameters, query, and its body as text or as form fields."""

    kestra: Kestra
    url: str
    path: dict[str, Any]
    query: QueryParams
    text: str = ""
    fields: Fields = ()
    tenant: str = TENANT

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a query parameter that is true or false."""
        value = self.query.get(name)
        return default if value is None else value.lower() == "true"

    def number(self, name: str, default: int) -> int:
        """Return a query parameter that is a whole number."""
        value = self.query.get(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise problems.not_convertible(name, value, f'For input string: "{value}"') from None


def json_response(kestra: Kestra, value: Any, status: int = 200) -> Response:
    """Return a Java object as the real server writes it."""
    return Response(str(kestra.json.writeValueAsString(value)), status, media_type="application/json")


def endpoint(answer: Callable[[Call], Response], *, consumes: str | None = None, body_name: str = "body") -> Endpoint:
    """Make a request handler of a function that may block.

    `consumes` is the content type that the body must have: `application/x-yaml` and `text/plain` are read as text,
    `multipart/form-data` as fields. Java's exceptions become Kestra's error bodies.
    """

    async def handle(request: Request) -> Response:
        call = await _read(request, consumes, body_name)
        return await anyio.to_thread.run_sync(_answer, answer, call, limiter=request.app.state.threads)

    return handle


async def _read(request: Request, consumes: str | None, body_name: str) -> Call:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    text = ""
    fields: Fields = ()
    if consumes == "multipart/form-data":
        fields = await _fields(request, kind)
    elif consumes is not None:
        if kind != consumes:
            raise problems.Problem(422, f"Invalid route params: Required Body [{body_name}] not specified")
        text = (await request.body()).decode("utf-8", errors="replace")
    state = request.app.state
    return Call(state.kestra, state.url, request.path_params, request.query_params, text, fields)


async def _fields(request: Request, kind: str) -> Fields:
    if not kind:
        return ()
    if kind != "multipart/form-data":
        raise problems.Problem(
            415,
            f"Unsupported Media Type: Content Type [{kind}] not allowed. Allowed types: [multipart/form-data]",
        )
    form: FormData = await request.form(max_files=10_000, max_fields=10_000, max_part_size=1 << 30)
    return tuple([(name, await _field(value)) for name, value in form.multi_items()])


async def _field(value: str | UploadFile) -> str | tuple[str, bytes]:
    return value if isinstance(value, str) else (value.filename or "file", await value.read())


def _answer(answer: Callable[[Call], Response], call: Call) -> Response:
    from pytest_kestra.engine.jvm import java

    try:
        return answer(call)
    except java("java.lang.Throwable") as error:
        problem = problems.from_java(error)
        if problem.status >= 500:
            LOG.exception("A request failed")
        raise problem from error
    except problems.Problem:
        raise
    except Exception as error:
        LOG.exception("A request failed")
        raise problems.Problem(500, f"Internal server error: {error}") from error
