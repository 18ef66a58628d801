"""Answers are as Kestra's own description of its API tells, wherever the real server's are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("openapi_schema_validator")

from tests.engine.conformance import NUMBERS, Exchange
from tests.engine.schema import JSON, Schema

# Where the description is wrong about the real server, each with its reason.
DEVIATIONS = {
    "AbstractFlow.labels oneOf": "both alternatives are objects, but the server writes a list of keys and values",
    "AbstractFlow.variables additionalProperties": "any names are allowed, and the description allows none",
    "Flow.labels oneOf": "as AbstractFlow.labels, which it repeats",
    "Flow.variables additionalProperties": "as AbstractFlow.variables, which it repeats",
    "FlowWithSource.labels oneOf": "as AbstractFlow.labels, which it repeats",
    "FlowWithSource.variables additionalProperties": "as AbstractFlow.variables, which it repeats",
    "PluginDefault.values additionalProperties": "any names are allowed, and the description allows none",
    "Property_Object_ type": "stands for the Java class of a property, but its value is written, of whatever type",
    "Backfill.inputs[] type": "a value is of the type of its input, and the description tells an object",
    "KVController.KvDetail.value type": "a value of the store is of any type, and the description tells an object",
    "PluginSchema.properties[] type": "`required` and `type` of a JSON schema are no objects",
    "PluginSchema.outputs[] type": "`required` and `type` of a JSON schema are no objects",
    "validateNewExecutionInputs type": "tells a list, but one object is written",
    "downloadFileFromExecution status 301": "a file of another execution is there, which the description leaves out",
    "GET /health operation": "Micronaut serves it, on the management port",
}
# Where it is wrong about what only the engine was seen to answer.
UNSEEN = {
    "ApiSecretMetaEE required tags": "told of the Enterprise server; the open-source one writes the key only",
}


@pytest.fixture(scope="module")
def schema(recorded: Callable[[str], Any]) -> Schema:
    recorded("001")
    return Schema()


def test_answers_of_the_real_server(schema: Schema, recorded: Callable[[str], Any]) -> None:
    found: dict[str, list[str]] = {}
    for number in NUMBERS:
        exchange = recorded(number)
        request, answer = exchange["request"], exchange["response"]
        kind = (answer["content_type"] or "").partition(";")[0]
        for place in schema.violations(request["method"], request["path"], answer["status"], kind, answer["body"]):
            found.setdefault(place, []).append(number)

    assert {place: numbers for place, numbers in found.items() if place not in DEVIATIONS} == {}
    assert [place for place in DEVIATIONS if place not in found] == []


def test_answers_of_the_engine(schema: Schema, exchanges: list[Exchange]) -> None:
    found = [(exchange.number, place) for exchange in exchanges for place in _violations(schema, exchange)]
    listed = DEVIATIONS | UNSEEN

    assert [(number, place) for number, place in found if place not in listed] == []
    assert UNSEEN.keys() <= {place for _, place in found}
    assert len(exchanges) == len(NUMBERS)


def _violations(schema: Schema, exchange: Exchange) -> Iterator[str]:
    answer = exchange.answer
    kind = answer.headers.get("content-type", "").partition(";")[0]
    body = answer.json() if kind == JSON else answer.text
    return schema.violations(answer.request.method, answer.request.url.path, answer.status_code, kind, body)


GOOD = {"message": "Not Found", "logref": None, "path": None, "_links": {"self": {"href": "/"}}, "_embedded": {}}
NUMBERED = ("Namespace.id type", "NamespaceLight.id type")
MISSING = ("error required path", "error required _links", "error required _embedded")


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "body", "places"),
    [
        (
            "GET",
            "/api/v1/main/namespaces/a",
            200,
            JSON,
            {"id": 1, "deleted": False},
            ["Namespace.id type", "NamespaceLight.id type"],
        ),
        ("GET", "/api/v1/main/flows/a/b", 404, JSON, GOOD, []),
        ("GET", "/api/v1/main/flows/a/b", 404, JSON, {**GOOD, "message": ""}, ["error.message minLength"]),
        ("GET", "/api/v1/main/flows/a/b", 500, JSON, {"message": "x", "logref": None}, MISSING),
        ("GET", "/api/v1/main/flows/a/b", 418, JSON, {**GOOD, "more": 1}, ["error additionalProperties"]),
        ("GET", "/api/v1/main/nothing", 404, JSON, {**GOOD, "path": "x"}, ["error.path enum"]),
        ("GET", "/api/v1/main/nothing", 200, "", None, ["GET /api/v1/main/nothing operation"]),
        ("GET", "/api/v1/main/flows/a/b", 204, "", None, ["getFlow status 204"]),
        ("GET", "/api/v1/main/flows/a/b", 200, "text/plain", "", ["getFlow content text/plain"]),
        ("GET", "/api/v1/main/flows/a/b", 200, "", None, ["getFlow content none"]),
        ("DELETE", "/api/v1/main/flows/a/b", 204, "", None, []),
        ("GET", "/api/v1/flows/search", 200, JSON, {"results": []}, ["PagedResults_Flow_ required total"]),
    ],
)
def test_what_the_check_finds(
    schema: Schema, method: str, path: str, status: int, kind: str, body: Any, places: Sequence[str]
) -> None:
    found = set(schema.violations(method, path, status, kind, body))

    assert found == set(places)
