"""A request, read whole, and the functions that answer it away from the event loop."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, QueryParams, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api import halves, problems
from pytest_kestra.engine.api.protocol import RAW_HEADERS
from pytest_kestra.engine.events import Events
from pytest_kestra.engine.jvm import java
from pytest_kestra.engine.kestra import TENANT, Kestra

LOG = logging.getLogger(__name__)

API = "/api/v1"
ANY = "*/*"
FORM = "multipart/form-data"
JSON = "application/json"
TEXT = "text/plain"
YAML = "application/x-yaml"

# Names, with a text or with a file's name and content.
Fields = tuple[tuple[str, str | tuple[str, bytes]], ...]
Answer = Callable[["Call"], Response | Awaitable[Response]]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    """Hold what a request says: path parameters, query, headers, and its body as bytes or as form fields.

    `raw_headers` have their names as they were sent, `uri` is path and query as they were sent.
    """

    kestra: Kestra
    url: str
    events: Events
    threads: anyio.CapacityLimiter
    path: dict[str, Any]
    query: QueryParams
    headers: Headers = field(default_factory=Headers)
    raw_headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    fields: Fields = ()
    method: str = "GET"
    tenant: str = TENANT
    uri: str = ""
    body_name: str = "body"

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", errors="replace")

    def files(self, name: str) -> list[tuple[str, str]]:
        """Return the files of a form that have a name, each with its own name and its text."""
        files = [value for field, value in self.fields if field == name and not isinstance(value, str)]
        return [(file, content.decode("utf-8", errors="replace")) for file, content in files]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a query parameter that is true or false."""
        value = self.query.get(name)
        return default if value is None else value.lower() == "true"

    def number(self, name: str, default: int) -> int:
        """Return a query parameter that is a whole number of Java's `int`."""
        value = self.query.get(name)
        return default if value is None else _number(name, value)

    def required(self, name: str) -> str:
        """Return a query parameter that must be there."""
        value = self.query.get(name)
        if value is None:
            raise problems.missing(name)
        return value

    def items(self, name: str) -> list[str]:
        """Return a query parameter that is a list: given more than once, or with commas."""
        return [item for value in self.query.getlist(name) for item in value.split(",")]

    def numbers(self, name: str) -> list[int]:
        """Return a query parameter that is a list of whole numbers and must be there."""
        self.required(name)
        return [_number(name, item) for item in self.items(name)]

    def optional_number(self, name: str) -> Any:
        """Return a query parameter that is a whole number as Java's `Optional`, empty where it was not given."""
        optional = java("java.util.Optional")
        if name not in self.query:
            return optional.empty()
        return optional.of(java("java.lang.Integer")(self.number(name, 0)))

    def read(self, type_name: str) -> Any:
        """Return the body, which is JSON, as an object of a Java type; a Problem where it is none."""
        return self._read(java(type_name).class_)

    def read_list(self, type_name: str = "java.lang.String") -> Any:
        """Return the body, which is a JSON list, as a Java list of a type."""
        types = self.kestra.json.getTypeFactory()
        return self._read(types.constructCollectionType(java("java.util.List").class_, java(type_name).class_))

    def read_texts(self) -> list[dict[str, str]]:
        """Return the body, which is a JSON list of objects, as mappings with those of their values that are texts."""
        found = list(self.read_list("java.util.Map"))
        if None in found:
            raise problems.Problem(422, "Invalid json: the list has a null")
        return [{str(key): value for key, value in item.items() if isinstance(value, str)} for item in found]

    def texts(self, name: str) -> list[str]:
        """Return the list of texts that the body, a JSON object, has under a name; an empty one where it has none."""
        return self.read_part(name, "java.lang.String")

    def read_part(self, name: str, type_name: str) -> list[Any]:
        """Return the list, of a Java type, that the body has under a name; an empty one where it has none."""
        types = self.kestra.json.getTypeFactory()
        kind = types.constructCollectionType(java("java.util.List").class_, java(type_name).class_)
        return list(self.kestra.json.convertValue(self.read("java.util.Map").get(name), kind) or ())

    def _read(self, kind: Any) -> Any:
        value = self.kestra.json.readValue(self.text or "null", kind)
        if value is None:
            raise problems.missing(self.body_name, "Body")
        halves.refuse(self.kestra, self.text, value)
        return value

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a function that may block, away from the event loop."""
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self.threads)


def json_response(kestra: Kestra, value: Any, status: int = 200) -> Response:
    """Return a Java object as the real server writes it."""
    return Response(str(kestra.json.writeValueAsString(value)), status, media_type=JSON)


def content_type(request: Request) -> str:
    """Return the content type of a request without its parameters, empty where it has none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def route(
    path: str, answer: Answer, method: str = "GET", *, consumes: str | None = None, body_name: str = "body"
) -> Route:
    """Make a route of a function; `path` is below the tenant, or whole where it begins with a slash.

    The function may block, or be a coroutine. `consumes` is the content type that the body must have, or `*/*`; of
    `multipart/form-data` the fields are read, and there may be no body at all. Java's exceptions become Kestra's error
    bodies.
    """

    async def handle(request: Request) -> Response:
        try:
            call = await _read(request, consumes, body_name)
            answered: Response | Awaitable[Response]
            answered = answer(call) if inspect.iscoroutinefunction(answer) else await call.run(answer, call)
            return _without_charset(answered if isinstance(answered, Response) else await answered)
        except (problems.Problem, HTTPException, ClientDisconnect):
            raise
        except Exception as error:
            problem = problems.of(error)
            if problem.status >= 500:
                LOG.exception("A request failed")
            raise problem from error

    return Route(path if path.startswith("/") else f"{API}/{TENANT}/{path}", handle, methods=[method])


def below(made: Route) -> str:
    """Return the path of a route below the tenant."""
    return made.path.removeprefix(f"{API}/{TENANT}/")


def at(made: Route, path: str) -> Route:
    """Return a route that answers as another one at a path below the tenant."""
    return Route(f"{API}/{TENANT}/{path}", made.endpoint, methods=list(made.methods or ()))


def _without_charset(response: Response) -> Response:
    """Return an answer whose content type is as Kestra tells it: Starlette adds a charset to texts."""
    kind = response.headers.get("content-type", "")
    if kind.startswith("text/"):
        response.headers["content-type"] = kind.partition(";")[0]
    return response


async def _read(request: Request, consumes: str | None, body_name: str) -> Call:
    kind = content_type(request)
    body = b""
    fields: Fields = ()
    if consumes == FORM:
        fields = await _fields(request, kind)
    elif consumes is not None:
        if consumes not in (kind, ANY):
            raise _refused(kind, consumes, body_name)
        body = await request.body()
    state = request.app.state
    return Call(
        kestra=state.kestra,
        url=state.url,
        events=state.events,
        threads=state.threads,
        path=request.path_params,
        query=request.query_params,
        headers=request.headers,
        raw_headers=tuple(request.scope["state"][RAW_HEADERS]),
        body=body,
        fields=fields,
        method=request.method,
        uri=_uri(request),
        body_name=body_name,
    )


def _uri(request: Request) -> str:
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _refused(kind: str, consumes: str, body_name: str) -> problems.Problem:
    if not kind:
        return problems.missing(body_name, "Body")
    return problems.unsupported(kind, consumes)


async def _fields(request: Request, kind: str) -> Fields:
    if not kind:
        return ()
    if kind != FORM:
        raise problems.unsupported(kind, FORM)
    body = await request.body()
    try:
        form: FormData = await request.form(max_files=10_000, max_fields=10_000, max_part_size=1 << 30)
    except HTTPException as error:
        raise problems.Problem(400, f"Bad Request: {error.detail}") from error
    # The reader of forms takes one that was cut off for one that has ended.
    boundary = parse_options_header(request.headers["content-type"])[1][b"boundary"]
    if body and b"--" + boundary + b"--" not in body:
        raise problems.Problem(400, "Bad Request: The form has no end.")
    return tuple([(name, await _field(value)) for name, value in form.multi_items()])


async def _field(value: str | UploadFile) -> str | tuple[str, bytes]:
    return value if isinstance(value, str) else (value.filename or "file", await value.read())


def _number(name: str, value: str) -> int:
    try:
        number = int(value)
    except ValueError:
        number = 1 << 31
    if not -(1 << 31) <= number < 1 << 31:
        raise problems.not_convertible(name, value, f'For input string: "{value}"')
    return number
