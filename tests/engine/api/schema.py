"""Kestra's own description of its API, corrected where a real server answers otherwise, and answers checked by it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.templating.paths.finders import APICallPathFinder

from pytest_kestra.engine.api import app
from pytest_kestra.engine.api.calls import API
from pytest_kestra.engine.kestra import TENANT
from tests.conftest import CONTRACTS
from tests.engine.api.corrections import ANSWERS, SCHEMAS, UNDESCRIBED

EVENTS = "text/event-stream"
INDEX = re.compile(r"\[\d+\]")
# Kestra's error body, which the description has not.
ERROR = {
    "type": "object",
    "required": ["message", "logref", "path", "_links", "_embedded"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "logref": {"type": "string", "nullable": True},
        "path": {"type": "string", "nullable": True},
        "_links": {
            "type": "object",
            "required": ["self"],
            "properties": {
                "self": {
                    "type": "object",
                    "required": ["href", "templated"],
                    "properties": {"href": {"type": "string"}, "templated": {"type": "boolean"}},
                }
            },
        },
        "_embedded": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "errors": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["message", "path"],
                        "properties": {
                            "message": {"type": "string"},
                            "path": {"type": "string", "nullable": True},
                        },
                    },
                }
            },
        },
    },
}


@dataclass
class Exchange:
    """Hold a request and its answer, as far as the description speaks of them."""

    method: str
    path: str
    status_code: int
    content_type: str
    data: bytes
    # What openapi-core asks of requests and answers; the description says nothing of them.
    host_url: str = "http://kestra"
    body: bytes | None = None
    parameters: RequestParameters = field(default_factory=RequestParameters)
    headers: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: httpx.Response, data: bytes) -> Exchange:
        """Return what a server has answered; `data` is as much of the body as was read."""
        request, kind = answer.request, answer.headers.get("content-type", "")
        return cls(request.method.lower(), request.url.path, answer.status_code, kind, data)

    @classmethod
    def recorded(cls, recording: Mapping[str, Any]) -> Exchange:
        """Return what was recorded."""
        request, answer = recording["request"], recording["response"]
        kind, body = answer["content_type"] or "", answer["body"]
        text = json.dumps(body) if kind.startswith("application/json") else body or ""
        return cls(request["method"].lower(), request["path"], answer["status"], kind, text.encode())

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}: {self.status_code} {self.content_type}"

    def events(self) -> Iterator[Exchange]:
        """Yield an exchange for each event of a stream: the description tells what one looks like."""
        for event in self.data.decode().strip().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in event.splitlines())
            value = {**lines, "data": json.loads(lines["data"])}
            yield replace(self, data=json.dumps(value).encode())


class Description:
    """Check answers by the corrected description."""

    def __init__(self) -> None:
        text = (CONTRACTS / "kestra-1.3-openapi.yml").read_text(encoding="utf-8")
        self.document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
        self.operations = {
            operation["operationId"]: operation
            for item in self.document["paths"].values()
            for operation in item.values()
        }
        self.used: set[tuple[str, int]] = set()
        self._correct()
        decoders: dict[str, Callable[[bytes], Any]] = {EVENTS: _event, "text/csv": _rows}
        # It is as it is: whether it is a good description is not the question.
        config = Config(spec_validator_cls=None, extra_media_type_deserializers=decoders)
        self._openapi = OpenAPI.from_dict(self.document, config=config)
        self._finder = APICallPathFinder(self._openapi.spec)

    def served(self) -> set[str]:
        """Return the ids of the operations that the engine has a route for."""
        routes = {(method, _form(route.path)) for route in app.routes() for method in route.methods or ()}
        return {
            str(operation["operationId"])
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if (method.upper(), _form(path.replace("{tenant}", TENANT))) in routes
        }

    def operation(self, exchange: Exchange) -> str | None:
        """Return the id of the operation that a request asks for, if the description has it."""
        try:
            found = self._finder.find(exchange.method, exchange.host_url + exchange.path)
        except PathError:
            return None
        return str((found.operation / "operationId").read_value())

    def complaints(self, exchange: Exchange) -> list[str]:
        """Return what is wrong with an answer, one line for each place; nothing where it is as described."""
        name = self.operation(exchange)
        if name is None:
            # The tenant may be left out, which the description does not tell.
            exchange = replace(exchange, path=exchange.path.replace(API, f"{API}/{TENANT}", 1))
            name = self.operation(exchange)
        if name is None:
            return ["not described"]
        self.used.add((name, exchange.status_code))
        answers = list(exchange.events()) if exchange.content_type.startswith(EVENTS) else [exchange]
        found = [line for answer in answers for line in self._complaints(answer)]
        content = self.operations[name]["responses"].get(str(exchange.status_code), {}).get("content")
        if not found and not content and exchange.data:
            found.append(f"described without content: {exchange.data[:200]!r}")
        if ";" in exchange.content_type:
            found.append(f"{exchange.content_type} has a parameter")
        # Branches of `allOf`, and items of a list, tell the same more than once.
        return list(dict.fromkeys(found))

    def _complaints(self, exchange: Exchange) -> Iterator[str]:
        for error in self._openapi.response_validator.iter_errors(exchange, exchange):
            cause: BaseException | None = error
            while cause is not None:
                schema_errors = list(getattr(cause, "schema_errors", ()))
                for found in schema_errors:
                    yield f"{re.sub(INDEX, '[]', found.json_path)}: {found.message[:200]}"
                if cause.__cause__ is None and not schema_errors:
                    yield str(cause)[:300]
                cause = cause.__cause__

    def _correct(self) -> None:
        schemas = self.document["components"]["schemas"]
        for place, (value, _) in SCHEMAS.items():
            *parts, last = place.split("/")
            target: Any = schemas
            for part in parts:
                target = target[int(part) if isinstance(target, list) else part]
            assert target.get(last) != value, f"{place} is as it should be"
            target[last] = deepcopy(value)
        for (name, status), (content, _) in ANSWERS.items():
            answer: dict[str, Any] = {"description": ""}
            if content is not None:
                kind, schema = content
                answer["content"] = {kind: {"schema": deepcopy(schema)}}
            assert self.operations[name]["responses"].get(str(status)) != answer
            self.operations[name]["responses"][str(status)] = answer
        schemas["Error"] = ERROR
        reference = {"schema": {"$ref": "#/components/schemas/Error"}}
        for status, (_, names) in UNDESCRIBED.items():
            for name in names.split():
                self.operations[name]["responses"][str(status)] = {
                    "description": "",
                    **({} if status == 401 else {"content": {"application/json": reference}}),
                }


def _form(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _event(data: bytes, **_: str) -> Any:
    return json.loads(data)


def _rows(data: bytes, **_: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))
