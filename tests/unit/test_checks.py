from __future__ import annotations

import json

import pytest

from pytest_kestra.checks.checker import Checker, of_error
from pytest_kestra.checks.findings import Finding
from pytest_kestra.client.client import Client
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.source import FlowSource
from tests.unit.conftest import Stub

API = "/api/v1/main/flows"


def flow(name: str, more: str = "tasks: []\n", flow_id: str = "f") -> FlowSource:
    return FlowSource(f"id: {flow_id}\nnamespace: a.b\n{more}", name)


@pytest.fixture(autouse=True)
def server(stub: Stub) -> None:
    stub.on("POST", f"{API}/validate", '[{"index": 0, "flow": "f"}]')
    stub.on("GET", f"{API}/search", json.dumps({"results": [], "total": 0}))


def check(client: Client, *flows: FlowSource, neighbours: tuple[FlowSource, ...] = ()) -> list[str]:
    checker = Checker(client, flows, neighbours)
    return [str(finding) for source in flows for finding in checker.check(source)]


def test_nothing_is_wrong(client: Client) -> None:
    assert check(client, flow("a.yaml")) == []


def test_flow_in_two_files_is_told_of_the_later(client: Client) -> None:
    broken = FlowSource("id: [", "0.yaml")

    assert check(client, flow("a.yaml"), broken, flow("b.yaml"), flow("c.yaml", flow_id="g"))[1:] == [
        "b.yaml:1: error: the flow a.b.f is in a.yaml too."
    ]


def test_flow_in_the_file_beside(client: Client) -> None:
    assert check(client, flow("b.yaml"), neighbours=(flow("a.yaml"),)) == [
        "b.yaml:1: error: the flow a.b.f is in a.yaml too."
    ]


def test_keys_that_come_twice(client: Client) -> None:
    text = "tasks:\n  - {id: t, message: x, type: y,\n     message: z}\n  - {? [a] : b}\nlabels: {}\ntasks: []\n"

    assert check(client, flow("a.yaml", text)) == [
        "a.yaml:5: error: the key 'message' is in line 4 too, and Kestra stores no such flow.",
        "a.yaml:8: error: the key 'tasks' is in line 3 too, and Kestra stores no such flow.",
    ]


def test_what_cannot_be_read_is_all_that_is_told(client: Client, stub: Stub) -> None:
    texts = {"a.yaml": "id: [", "b.yaml": "id: x\ntasks: []", "c.yaml": "- a", "d.yaml": "id: x\nnamespace: [a]\n"}

    assert check(client, *(FlowSource(text, name) for name, text in texts.items())) == [
        "a.yaml:1: error: this is not YAML: expected the node content, but found '<stream end>'.",
        "b.yaml:1: error: the flow has no `namespace`.",
        "c.yaml:1: error: a flow is a YAML mapping with `id`, `namespace` and `tasks`; this is none.",
        "d.yaml:2: error: the `namespace` of a flow is a text.",
    ]
    assert stub.asked == []


@pytest.mark.parametrize("expression", ["{{ inputs.two-words }}", "{{ inputs['two-words'] }}"])
def test_dashes_are_told_once(client: Client, stub: Stub, expression: str) -> None:
    said = "Invalid Flow: Invalid input reference: use inputs[x], offending tasks: [t], Duplicate output with name [o]"
    stub.on("POST", f"{API}/validate", json.dumps([{"flow": "f", "constraints": f"Validation error: {said}"}]))
    text = f'inputs: [{{id: two-words, type: STRING}}]\ntasks: [{{id: t, type: a.B, message: "{expression}"}}]\n'

    findings = check(client, flow("a.yaml", text))

    assert len(findings) == 2
    assert "a dash means minus here" in findings[-1] or "Invalid input reference" in findings[-1]


def test_findings_are_sorted_and_come_once(client: Client, stub: Stub) -> None:
    said = "Validation error: tasks: is odd\ntasks: is odd\nid: is odd\n"
    stub.on("POST", f"{API}/validate", json.dumps([{"flow": "f", "constraints": said}]))

    assert check(client, flow("a.yaml")) == ["a.yaml:1: error: id: is odd", "a.yaml:3: error: tasks: is odd"]


def test_finding_of_an_error() -> None:
    assert of_error(FlowError("a.yaml:3: wrong: x"), "a.yaml") == Finding("a.yaml", 3, "error", "wrong: x")
    assert of_error(FlowError("a.yaml: wrong"), "a.yaml") == Finding("a.yaml", 0, "error", "wrong")
    assert of_error(FlowError("whatever"), "a.yaml") == Finding("a.yaml", 0, "error", "whatever")
