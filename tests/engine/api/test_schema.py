"""Answers are as Kestra's own description of its API tells: the recorded ones, and those of the embedded engine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

pytest.importorskip("openapi_core")

from tests.conftest import CONTRACTS
from tests.engine.api.corrections import ANSWERS, ELSEWHERE, UNDESCRIBED
from tests.engine.api.schema import Description, Exchange
from tests.engine.api.tour import Tour

RECORDINGS = sorted((CONTRACTS / "recorded-1.3.19").glob("*.json"))
# Told to everybody, whatever the request says.
NEVER_REFUSED = {"getConfiguration", "getBasicAuthConfigErrors"}
# No trigger of the open-source server listens below its key.
NEVER_ANSWERED = {f"triggerExecutionBy{method}WebhookWithPath" for method in ("Get", "Put", "Post")}

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="Kestra's description of its API is not beside this checkout")


@pytest.fixture(scope="module")
def description() -> Description:
    return Description()


def recorded() -> Iterator[tuple[str, Exchange]]:
    """Yield the name and the exchange of each recording that the description has a word for."""
    for file in RECORDINGS:
        if file.name[:3] not in ELSEWHERE:
            yield file.stem, Exchange.recorded(json.loads(file.read_text(encoding="utf-8")))


def test_description_is_right_about_a_real_server(description: Description) -> None:
    found = [f"{name}: {line}" for name, exchange in recorded() for line in description.complaints(exchange)]

    assert not found


@pytest.mark.parametrize("number", ELSEWHERE)
def test_description_does_not_tell_everything(description: Description, number: str) -> None:
    (file,) = (CONTRACTS / "recorded-1.3.19").glob(f"{number}-*.json")
    exchange = Exchange.recorded(json.loads(file.read_text(encoding="utf-8")))

    assert description.complaints(exchange) == ["not described"]


def test_engine_answers_as_described(description: Description, own_engine: httpx.Client) -> None:
    wrong: list[str] = []
    statuses: dict[str | None, set[int]] = {}

    def seen(answer: httpx.Response, data: bytes) -> None:
        exchange = Exchange.of(answer, data)
        wrong.extend(f"{exchange}: {line}" for line in description.complaints(exchange))
        statuses.setdefault(description.operation(exchange), set()).add(exchange.status_code)

    Tour(own_engine, seen).run()

    assert not wrong
    succeeded = {name for name, found in statuses.items() if any(status < 400 for status in found)}
    refused = {name for name, found in statuses.items() if any(status >= 400 for status in found)}
    assert description.served() - succeeded == NEVER_ANSWERED
    assert description.served() - refused == NEVER_REFUSED
    assert not _unused(description)


def _unused(description: Description) -> list[str]:
    """Return the corrections of statuses that no answer needs, be it recorded or from here."""
    for _, exchange in recorded():
        description.complaints(exchange)
    listed = [*ANSWERS, *((name, status) for status, (_, names) in UNDESCRIBED.items() for name in names.split())]
    return [f"{name} {status}" for name, status in listed if (name, status) not in description.used]


def test_what_is_wrong_is_told(description: Description) -> None:
    def complaints(path: str, status: int, kind: str, body: object, method: str = "get") -> list[str]:
        return description.complaints(Exchange(method, path, status, kind, json.dumps(body).encode()))

    flows = "/api/v1/main/flows"
    found = complaints(f"{flows}/search", 200, "application/json", {"results": [{"id": 1}], "total": "many"})
    assert "$.total: 'many' is not of type 'integer'" in found
    assert "$.results[].id: 1 is not of type 'string'" in found
    assert complaints(f"{flows}/search", 418, "application/json", {}) == ["Unknown response http status: 418"]
    assert any("text/html" in line for line in complaints(f"{flows}/search", 200, "text/html", ""))
    assert complaints(f"{flows}/a/b", 404, "application/json", {"message": "Not Found"}) == [
        "$: 'logref' is a required property",
        "$: 'path' is a required property",
        "$: '_links' is a required property",
        "$: '_embedded' is a required property",
    ]
    assert complaints(f"{flows}/a/b", 204, "", "x", "delete") == ["described without content: b'\"x\"'"]
    text = complaints("/api/v1/main/logs/x/download", 200, "text/plain; charset=utf-8", "x")
    assert text == ["text/plain; charset=utf-8 has a parameter"]
