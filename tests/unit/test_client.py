from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest

from pytest_kestra import connection
from pytest_kestra.address import Address
from pytest_kestra.client.client import Client
from pytest_kestra.client.executions import Field
from pytest_kestra.errors import ApiError, KestraError, NotFoundError, ServerError, UnauthorizedError
from tests.unit.conftest import Asked, Stub

API = "/api/v1/main"
FLOW = {"id": "f", "namespace": "a.b", "revision": 3, "source": "id: f", "tasks": []}
EXECUTION = {
    "id": "e1",
    "namespace": "a.b",
    "flowId": "f",
    "state": {"current": "SUCCESS", "histories": [{"state": "CREATED", "date": "2026-01-01T00:00:00Z"}]},
}


def test_sends_user_and_password(client: Client, stub: Stub) -> None:
    stub.on("GET", f"{API}/flows/a.b/f", json.dumps(FLOW))

    assert client.flows.get("a.b", "f", revision=3).revision == 3
    assert stub.asked[0].headers["Authorization"].startswith("Basic ")
    assert stub.asked[0].path.endswith("?source=true&revision=3")


def test_sends_a_token_instead_and_the_tenant(stub: Stub) -> None:
    stub.on("GET", "/api/v1/team%20a/flows/a.b/f", json.dumps(FLOW))
    with Client(Address(stub.url, "ada", "s3cret", token="t0ken", tenant="team a")) as client:
        client.flows.get("a.b", "f")

    assert stub.asked[0].headers["Authorization"] == "Bearer t0ken"


def test_update_asks_for_the_flow_first(client: Client, stub: Stub) -> None:
    stub.on("PUT", f"{API}/flows/a.b/f", json.dumps(FLOW))

    with pytest.raises(NotFoundError):
        client.flows.update("a.b", "f", "id: f")
    assert [asked.method for asked in stub.asked] == ["GET"]


def test_creates_with_yaml(client: Client, stub: Stub) -> None:
    stub.on("POST", f"{API}/flows", json.dumps(FLOW))

    assert client.flows.create("id: f # ü").id == "f"
    assert stub.asked[0].headers["Content-Type"] == "application/x-yaml"
    assert stub.asked[0].body == "id: f # ü"


def test_validate_returns_what_is_wrong(client: Client, stub: Stub, recorded: Callable[[str], Any]) -> None:
    stub.on("POST", f"{API}/flows/validate", json.dumps(recorded("020")["response"]["body"]))

    assert client.flows.validate("…") == ["Validation error: only.message: must not be null\n"]


@pytest.mark.parametrize("before", ["---\n", "# one\n\n# two\n--- \n"])
def test_lines_of_what_is_checked_are_those_of_the_file(client: Client, stub: Stub, before: str) -> None:
    stub.on("POST", f"{API}/flows/validate", "[{}]")
    client.flows.validate(f"{before}id: f\nnamespace: a.b\n")

    sent = stub.asked[0].body
    assert "---" not in sent
    assert sent.splitlines().index("id: f") == before.count("\n")


def test_search_reads_all_pages(client: Client, stub: Stub) -> None:
    def page(asked: Asked) -> tuple[int, str]:
        number = int(httpx.URL(asked.path).params["page"])
        results = [{**FLOW, "id": f"f{number}-{i}"} for i in range(100 if number == 1 else 20)]
        return 200, json.dumps({"results": results, "total": 120})

    stub.answers["GET", f"{API}/flows/search"] = page

    found = client.flows.search("a.b")

    assert (len(found), found[-1].id) == (120, "f2-19")


def test_search_ends_where_the_total_is_wrong(client: Client, stub: Stub) -> None:
    stub.on("GET", f"{API}/metrics/e1", json.dumps({"results": [], "total": 7}))

    assert client.executions.metrics("e1") == []


def test_execution_is_created_from_a_form(client: Client, stub: Stub) -> None:
    stub.on("POST", f"{API}/executions/a.b/f", json.dumps(EXECUTION))

    fields: list[tuple[str, Field]] = [("name", "Ada"), ("file", ("x.csv", b"1,2"))]
    client.executions.create("a.b", "f", fields, labels={"a": "b:c"}, revision=2, wait=True, timeout=5)

    asked = stub.asked[0]
    assert dict(httpx.URL(asked.path).params) == {"labels": "a:b:c", "wait": "true", "revision": "2"}
    assert 'name="name"\r\n\r\nAda' in asked.body
    assert 'name="file"; filename="x.csv"' in asked.body


def test_logs_are_in_the_order_of_their_time(client: Client, stub: Stub) -> None:
    entries = [
        {"level": "INFO", "message": text, "timestamp": f"2026-01-01T00:00:0{second}Z"}
        for text, second in (("second", 2), ("first", 1))
    ]
    stub.on("GET", f"{API}/logs/e1", json.dumps(entries))

    assert [entry.message for entry in client.executions.logs("e1")] == ["first", "second"]


@pytest.mark.parametrize(("status", "kind"), [(401, UnauthorizedError), (404, NotFoundError), (422, ApiError)])
def test_refusal_has_status_message_and_details(client: Client, stub: Stub, status: int, kind: type[ApiError]) -> None:
    body = {"message": "Invalid entity", "_embedded": {"errors": [{"message": "bad", "path": "tasks[0]"}]}}
    stub.on("GET", f"{API}/executions/e1", json.dumps(body), status)

    with pytest.raises(kind) as raised:
        client.executions.get("e1")

    assert (raised.value.status, raised.value.message) == (status, "Invalid entity")
    assert raised.value.details == (("bad", "tasks[0]"),)
    assert str(raised.value) == f"Invalid entity (status {status} for GET {API}/executions/e1)"


def test_refusal_without_a_body(client: Client, stub: Stub) -> None:
    stub.on("GET", f"{API}/executions/e1", "", 401)
    with pytest.raises(UnauthorizedError, match="did not accept the credentials; set PYTEST_KESTRA_USER"):
        client.executions.get("e1")
    stub.on("GET", f"{API}/executions/e1", "[]", 500)
    with pytest.raises(ApiError, match=r"^\[\] \(status 500"):
        client.executions.get("e1")


def test_errors_of_a_real_server(client: Client, stub: Stub, recorded: Callable[[str], Any]) -> None:
    answer = recorded("004")["response"]
    stub.on("POST", f"{API}/flows", json.dumps(answer["body"]), answer["status"])

    with pytest.raises(ApiError) as raised:
        client.flows.create("…")

    assert raised.value.message == "Invalid entity: Invalid type: io.kestra.plugin.core.log.Nothing"
    assert raised.value.details[0][1] == 'io.kestra.core.models.flows.FlowWithSource["tasks"]->java.util.ArrayList[0]'


def test_server_that_has_gone(stub: Stub) -> None:
    with Client(Address("http://127.0.0.1:9", "ada", "s3cret")) as client, pytest.raises(ServerError) as raised:
        client.executions.get("e1")

    assert str(raised.value).startswith("The Kestra server at http://127.0.0.1:9 no longer answers: ")
    assert "s3cret" not in str(raised.value)


def test_any_other_request(client: Client, stub: Stub) -> None:
    stub.on("DELETE", f"{API}/kv/a%2Fb", "true")

    assert client.request("DELETE", "kv", "a/b").json() is True


def test_address_hides_its_secrets() -> None:
    assert "s3cret" not in repr(Address("http://x", "ada", "s3cret", "t0ken"))
    assert "t0ken" not in repr(Address("http://x", "ada", "s3cret", "t0ken"))


def test_page_of_a_proxy_is_not_kestra(client: Client, stub: Stub) -> None:
    stub.on("GET", f"{API}/executions/e1", "<html>Please log in</html>")
    with pytest.raises(
        ServerError, match=r"is not Kestra, or a proxy stands before it: GET /api/v1/main/executions/e1"
    ):
        client.executions.get("e1")


def test_page_of_a_proxy_is_no_reason(client: Client, stub: Stub) -> None:
    stub.headers["content-type"] = "text/html"
    stub.on("GET", f"{API}/executions/e1", "<html>\r\n<head><title>504 Gateway Time-out</title></head></html>", 504)
    with pytest.raises(ApiError, match=rf"^Gateway Timeout \(status 504 for GET {API}/executions/e1\)$"):
        client.executions.get("e1")


@pytest.mark.parametrize("value", ["s3cret\n", "s3cret ", "s3cretü"])
def test_header_that_http_does_not_take(client: Client, value: str) -> None:
    with pytest.raises(KestraError, match=r"^POST /.*/webhook/.* cannot be sent: a header ") as raised:
        client.triggers.webhook("a.b", "f", "key", headers={"X-Token": value})

    assert not isinstance(raised.value, ServerError)
    assert "s3cret" not in str(raised.value)


def test_body_without_a_form(client: Client) -> None:
    with pytest.raises(KestraError, match=r"^The body of the webhook has no form in JSON: .*datetime"):
        client.triggers.webhook("a.b", "f", "key", {"day": datetime(2026, 1, 31, tzinfo=timezone.utc)})


def test_server_that_hangs_no_longer_answers(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()

    def hang(_: Asked) -> tuple[int, str]:
        hangs.wait(60)
        return 200, "{}"

    stub.answers["GET", f"{API}/executions/e1"] = hang
    monkeypatch.setattr(connection, "TIMEOUT", httpx.Timeout(0.05))
    with Client(Address(stub.url)) as client:
        with pytest.raises(ServerError, match=r"no longer answers: no answer came in time"):
            client.executions.get("e1")
        with pytest.raises(httpx.ReadTimeout):
            client.request("GET", "executions", "e1", timeout=0.05)
    hangs.set()


def test_address_knows_how_to_show_itself() -> None:
    both = Address("http://localhost:1", "ada", "s3cret", "t0ken")

    assert (both.auth, both.headers) == (None, {"Authorization": "Bearer t0ken"})
    assert both.secrets == ["s3cret", "t0ken"]
    assert (Address("http://x").auth, Address("http://x").headers, Address("http://x").secrets) == (None, {}, [])
    assert both.is_direct
    assert not Address("http://kestra.company").is_direct
    assert Address("http://172.17.0.2", direct=True).is_direct


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (422, NotFoundError), (500, ApiError)])
def test_file_that_is_not_there(stub: Stub, client: Client, status: int, kind: type[ApiError]) -> None:
    stub.on("GET", "/api/v1/main/executions/e1/file", '{"message": "no"}', status)
    with pytest.raises(kind) as raised:
        client.executions.file("e1", "kestra:///x")

    assert type(raised.value) is kind
    assert str(raised.value).startswith("There is no file kestra:///x of the execution e1") == (kind is NotFoundError)


def test_file_of_a_server_that_is_gone() -> None:
    with Client(Address("http://127.0.0.1:9")) as client, pytest.raises(ServerError, match="no longer answers"):
        client.executions.file("e1", "kestra:///x")


def test_client_can_move_to_another_server(stub: Stub) -> None:
    with Client(Address("http://127.0.0.1:9", "ada", "old")) as client:
        flows = client.flows
        client.move(Address(stub.url, "ada", "new"))

        assert client.address.url == stub.url
        with pytest.raises(NotFoundError):
            flows.get("a.b", "gone")
    given = stub.asked[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(given) == b"ada:new"


def test_server_is_asked_once_for_the_version_that_nobody_has_told(stub: Stub) -> None:
    stub.on("GET", "/api/v1/configs", json.dumps({"version": "2.0.0"}))
    with Client(Address(stub.url)) as client:
        assert client.address.is_two
        assert client.address.version == "2.0.0"
    assert [asked.path for asked in stub.asked] == ["/api/v1/configs"]


def test_version_of_what_is_not_kestra_is_not_known(stub: Stub) -> None:
    with Client(Address(stub.url)) as client:
        assert client.address.line is None
        assert not client.address.is_two
    with Client(Address("http://127.0.0.1:9")) as client:
        assert client.address.version is None
