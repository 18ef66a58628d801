"""What Kestra's own description of its API says about an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

import jsonschema
import referencing
import regex
import yaml
from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing.jsonschema import DRAFT4

from tests.conftest import CONTRACTS

HERE = "urn:kestra"
DESCRIPTION = "kestra-{}-openapi.yml"
JSON = "application/json"
# Kestra's body of an error, which its description has nowhere.
LINK = {"type": "object", "required": ["self"], "properties": {"self": {"type": "object", "required": ["href"]}}}
DETAIL = {
    "type": "object",
    "required": ["message", "logref", "path", "_links", "_embedded"],
    "properties": {"message": {"type": "string"}, "path": {"type": "string", "nullable": True}},
}
ERROR = {
    "type": "object",
    "required": ["message", "logref", "path", "_links", "_embedded"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "logref": {"enum": [None], "nullable": True},
        "path": {"enum": [None], "nullable": True},
        "_links": LINK,
        "_embedded": {"type": "object", "properties": {"errors": {"type": "array", "items": DETAIL}}},
    },
}


class Schema:
    """Check answers against the description of the API of a line of Kestra."""

    def __init__(self, line: str = "1.3") -> None:
        self.file = CONTRACTS / DESCRIPTION.format(line)

    @cached_property
    def _description(self) -> Any:
        return yaml.load(self.file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

    @cached_property
    def _registry(self) -> Any:
        resource = DRAFT4.create_resource(self._description)
        return referencing.Registry().with_resource(HERE, resource)

    def violations(self, method: str, path: str, status: int, kind: str, body: Any) -> Iterator[str]:
        """Yield each place of the description that an answer is not as told by, once.

        `kind` is the content type, empty where there is no body; `body` is a JSON value or a text.
        """
        found = self._operation(method, path)
        if found is None:
            if status not in (404, 405):
                yield f"{method} {path} operation"
            elif kind:
                yield from self._wrong("error", ERROR, body)
            return
        name, pointer = found
        operation = self._at(pointer)
        described = operation["responses"].get(str(status))
        if described is None and status < 400:
            yield f"{name} status {status}"
        elif not (described or {}).get("content"):
            if status >= 400 and kind:
                yield from self._wrong("error", ERROR, body)
        elif kind not in described["content"]:
            if kind or status < 400:
                yield f"{name} content {kind or 'none'}"
        elif kind == JSON:
            reference = f"{HERE}#{pointer}/responses/{status}/content/application~1json/schema"
            yield from self._wrong(name, {"$ref": reference}, body)

    def violations_of(self, name: str, body: Any) -> Iterator[str]:
        """Yield each place of a named schema of the description that a body is not as told by, once."""
        return self._wrong(name, {"$ref": f"{HERE}#/components/schemas/{name}"}, body)

    def open_source(self) -> set[tuple[str, str]]:
        """Return method and path of all routes that are not of the Enterprise Edition alone."""
        return {
            (method.upper(), path.replace("{tenant}", "main"))
            for path, item in self._description["paths"].items()
            for method, operation in item.items()
            if operation.get("x-kestra", {}).get("edition") != "ee"
        }

    def _wrong(self, name: str, schema: Any, body: Any) -> Iterator[str]:
        validator = VALIDATOR(schema, registry=self._registry, format_checker=oas30_format_checker)
        yield from dict.fromkeys(
            self._place(name, schema, list(error.absolute_schema_path)) + _missing(error)
            for error in validator.iter_errors(body)
        )

    def _place(self, name: str, schema: Any, path: list[Any]) -> str:
        """Return where in the description a path ends: below which schema, at which property, and the keyword."""
        trail = ""
        *steps, keyword = path
        property_next = False
        for step in steps:
            if not property_next:
                name, trail, schema = self._followed(name, trail, schema)
            schema = schema[step]
            if property_next:
                trail += f".{step}"
            elif step in ("items", "additionalProperties"):
                trail += "[]"
            property_next = step == "properties" and not property_next
        name, trail, _ = self._followed(name, trail, schema)
        return f"{name}{trail} {keyword}"

    def _followed(self, name: str, trail: str, schema: Any) -> tuple[str, str, Any]:
        """Return a schema with its name and the trail below it, or those of the one it refers to."""
        while "$ref" in schema:
            pointer = schema["$ref"].partition("#")[2]
            schema = self._at(pointer)
            if pointer.startswith("/components/"):
                name, trail = pointer.rpartition("/")[2], ""
        return name, trail, schema

    def _at(self, pointer: str) -> Any:
        found = self._description
        for part in pointer.split("/")[1:]:
            found = found[unquote(part).replace("~1", "/").replace("~0", "~")]
        return found

    def _operation(self, method: str, path: str) -> tuple[str, str] | None:
        """Return the name of an operation, and where it is described; the most literal path is the one."""
        if not path.startswith("/api/v1/main/") and path.split("/")[3:4] in (["executions"], ["flows"]):
            path = path.replace("/api/v1/", "/api/v1/main/", 1)
        templates = [
            template
            for template, item in self._description["paths"].items()
            if method.lower() in item and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path)
        ]
        if not templates:
            return None
        template = min(templates, key=lambda template: template.count("{"))
        pointer = f"/paths/{quote(template.replace('~', '~0').replace('/', '~1'))}/{method.lower()}"
        return self._at(pointer)["operationId"], pointer


def _missing(error: ValidationError) -> str:
    """Return the property that an error is about, where it is about a missing one."""
    return f" {error.message.split(chr(39))[1]}" if error.validator == "required" else ""


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    # Java's patterns have classes such as \p{Ll}, which Python's have not.
    if validator.is_type(instance, "string") and not regex.search(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


VALIDATOR = jsonschema.validators.extend(OAS30Validator, {"pattern": _pattern})
