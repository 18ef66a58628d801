"""What a caller does wrong is told as the caller's mistake, whatever it is."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import polling2
import pytest

from pytest_kestra import Server

API = "/api/v1/main"
YAML = {"content-type": "application/x-yaml"}
TEXT = {"content-type": "text/plain"}

FLOWS = """
id: plain
namespace: {namespace}
tasks: [{{id: log, type: io.kestra.plugin.core.log.Log, message: hello}}]
---
id: waits
namespace: {namespace}
tasks: [{{id: gate, type: io.kestra.plugin.core.flow.Pause}}]
"""
Raw = Callable[..., tuple[int, Any]]


@pytest.fixture
def raw(kestra_server: Server) -> Raw:
    """Return what sends a path as it is, which no client of today does."""
    address = kestra_server.address
    credentials = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()

    def send(path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(urlsplit(address.url).netloc, timeout=600)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, API + path, body, {"authorization": f"Basic {credentials}", **headers})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    return send


@pytest.fixture
def flows(api: httpx.Client, namespace: str) -> str:
    for text in FLOWS.format(namespace=namespace).split("---"):
        api.post("flows", content=text, headers=YAML).raise_for_status()
    return namespace


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/flows/search?q=%", 200),
        ("/flows/search?q=%zz", 200),
        ("/flows/search?q=%00", 200),
        ("/flows/search?q=%ff", 200),
        ("/flows/search?q=%ed%a0%80", 200),
        ("/flows/%ff/%00", 404),
        ("/executions/%c3%28", 404),
        ("/flows/search?page=2147483647&size=2147483647", 422),
        ("/secrets?page=3740&size=532535254", 422),
        ("/flows/search?size=99999999999", 422),
        ("/flows/search?sort=nothing:asc", 422),
        ("/executions/search?sort=a;drop:desc", 422),
        ("/executions/search?filters[nothing][EQUALS]=x", 422),
        ("/executions/search?filters[flowId][LIKE]=x", 422),
        ("/executions/search?filters[labels][REGEX]=x", 422),
        ("/executions/search?filters[startDate][EQUALS]=soon", 422),
        ("/executions/search?startDate=2026-02-32T00:00:00Z", 422),
        ("/namespaces/a%0d%0ab/files/export", 200),
        ("/namespaces/%E2%80%AE/files/export", 200),
    ],
)
def test_odd_paths_and_queries(raw: Raw, path: str, status: int) -> None:
    if path.endswith("export"):
        with pytest.raises(ValueError):  # an archive is no JSON
            raw(path)
        return
    answered, body = raw(path)

    assert answered == status, body
    assert ("message" in body) == (status >= 400)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"no form at all", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nno header\r\n", "multipart/form-data; boundary=x", 400),
        (b"", "multipart/form-data", 400),
        (b"{}", "application/json", 415),
    ],
)
def test_odd_forms(raw: Raw, flows: str, body: bytes, kind: str, status: int) -> None:
    answered, told = raw(f"/executions/{flows}/plain", "POST", body, content_type=kind)

    assert answered == status, told
    assert told["message"]


def test_texts_that_are_too_long(api: httpx.Client, flows: str) -> None:
    answer = api.put(f"namespaces/{flows}/kv/{'x' * 5000}", content='"a"', headers=TEXT)

    assert answer.status_code == 422
    assert "Value too long" in answer.json()["message"]


@pytest.mark.parametrize("text", ["null", "", "[1, 2]", "id: \x00", "a: &a [*a]"])
def test_what_is_no_flow(api: httpx.Client, flows: str, text: str) -> None:
    for method, path in (("POST", "flows"), ("PUT", f"flows/{flows}/plain")):
        answer = api.request(method, path, content=text, headers=YAML)
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("body", ['[{"id": {}, "namespace": true}]', '{"id": 1}', "[1]", "nothing", ""])
@pytest.mark.parametrize("path", ["flows/disable/by-ids", "flows/export/by-ids", "executions/kill/by-ids"])
def test_what_is_no_list_of_ids(api: httpx.Client, path: str, body: str) -> None:
    method = "DELETE" if "kill" in path else "POST"
    answer = api.request(method, path, content=body, headers={"content-type": "application/json"})

    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["message"]


def test_task_run_that_an_execution_has_not(api: httpx.Client, flows: str) -> None:
    execution = api.post(f"executions/{flows}/plain", params={"wait": "true"}).json()
    answer = api.post(f"executions/{execution['id']}/eval/nothing", content="{{ 1 }}", headers=TEXT)

    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Internal server error: Can't find taskrun with taskrunId 'nothing'")


@pytest.mark.parametrize("labels", ['[{"value": "b"}]', "[null]", '[{"key": "Upper", "value": "b"}]', '[{"key": "a"}]'])
def test_labels_that_are_none(api: httpx.Client, flows: str, labels: str) -> None:
    execution_id = api.post(f"executions/{flows}/plain", params={"wait": "true"}).json()["id"]
    headers = {"content-type": "application/json"}
    answer = api.post(f"executions/{execution_id}/labels", content=labels, headers=headers)

    assert answer.status_code == 422, answer.text
    assert answer.json()["message"].startswith("Invalid entity: ")


def test_file_that_no_input_takes_is_dropped(api: httpx.Client, flows: str) -> None:
    part = {"upload": ("a.txt", b"1")}
    done = api.post(f"executions/{flows}/plain", params={"wait": "true"}, files=part).json()
    again = api.post(f"executions/{done['id']}/replay-with-inputs", files=part)
    execution_id = api.post(f"executions/{flows}/waits", files=part).json()["id"]

    assert done["state"]["current"] == "SUCCESS"
    assert again.status_code == 200
    path = f"executions/{execution_id}"
    polling2.poll(lambda: api.get(path).json()["state"]["current"] == "PAUSED", step=0.02, timeout=600)
    assert api.post(f"executions/{execution_id}/resume/validate", files=part).status_code == 200
    assert api.post(f"executions/{execution_id}/resume", files=part).status_code == 204


HALF = "\\ud800"


def test_halves_of_characters_are_refused(api: httpx.Client, http: httpx.Client, flows: str) -> None:
    """Kestra would store a part of them, and end at the first execution that has one."""
    source = f"""
id: takes
namespace: {flows}
inputs: [{{id: data, type: JSON, required: false}}]
triggers: [{{id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: open}}]
tasks: [{{id: log, type: io.kestra.plugin.core.log.Log, message: hello}}]
"""
    api.post("flows", content=source, headers=YAML).raise_for_status()
    execution_id = api.post(f"executions/{flows}/takes", params={"wait": "true"}).json()["id"]
    broken = source.replace("takes", "broken")
    as_json = {"content-type": "application/json"}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "flows", {"content": f'{broken}description: "x{HALF}y"', "headers": YAML}),
        ("POST", "flows", {"content": f'{broken}description: "\\U0000D800"', "headers": YAML}),
        ("POST", "flows", {"content": broken.replace("hello", f'"{HALF}"'), "headers": YAML}),
        ("POST", "flows/bulk?delete=false", {"content": broken.replace("hello", f'"{HALF}"'), "headers": YAML}),
        (
            "POST",
            f"executions/{execution_id}/labels",
            {"content": f'[{{"key": "a", "value": "{HALF}"}}]', "headers": as_json},
        ),
        ("POST", f"executions/{flows}/takes", {"files": {"data": (None, f'["{HALF}"]')}}),
        ("POST", f"executions/webhook/{flows}/takes/open", {"content": f'["{HALF}"]', "headers": as_json}),
    ]
    for method, path, options in requests:
        answer = api.request(method, path, **options)
        assert answer.status_code == 422, (path, answer.text)
    file = {"fileUpload": ("a.yml", f'{broken}description: "{HALF}"')}
    assert api.post("flows/import", files=file).json() == ["a.yml(flow number: 0)"]
    upload = {"fileContent": ("broken.yml", f'{broken}description: "{HALF}"')}
    path = f"namespaces/{flows}/files"
    assert api.post(path, params={"path": "/_flows/broken.yml"}, files=upload).status_code == 422

    assert {flow["id"] for flow in api.get(f"flows/{flows}").json()} == {"plain", "waits", "takes"}
    done = api.post(f"executions/{flows}/takes", params={"wait": "true"}).json()
    assert done["state"]["current"] == "SUCCESS"


def test_whole_characters_are_taken(api: httpx.Client, flows: str) -> None:
    emoji = "\\ud83d\\ude00"
    # In the other text it is no character but what is written there.
    tasks = f"""
tasks:
  - {{id: log, type: io.kestra.plugin.core.log.Log, message: "{emoji}"}}
  - {{id: raw, type: io.kestra.plugin.core.log.Log, message: '{HALF}'}}
"""
    answer = api.post("flows", content=f"id: emoji\nnamespace: {flows}{tasks}", headers=YAML)

    assert answer.status_code == 200, answer.text
    done = api.post(f"executions/{flows}/emoji", params={"wait": "true"}).json()
    assert done["state"]["current"] == "SUCCESS"
    value = f'"{emoji}"'
    assert api.put(f"namespaces/{flows}/kv/k", content=value, headers=TEXT).status_code == 200
    assert api.get(f"namespaces/{flows}/kv/k").json()["value"] == "\U0001f600"


def test_message_that_ends_in_half_a_character(api: httpx.Client, flows: str) -> None:
    path = f"namespaces/{flows}/kv/k"

    assert api.put(path, content="3\U0010b53c".encode(), headers=TEXT).status_code == 200
    assert api.get(path).json()["value"] == "3\U0010b53c"
