"""Expressions are rendered to be shown, and it is told which ones a flow can use."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.scheduling import YAML, deploy

FLOW = """\
id: says
namespace: {}
variables: {{greeting: Hello}}
inputs:
  - {{id: who, type: STRING, defaults: Ada}}
tasks:
  - {{id: say, type: io.kestra.plugin.core.debug.Return, format: "{{{{ vars.greeting }}}}"}}
  - {{id: last, type: io.kestra.plugin.core.debug.Return, format: x}}
"""
VARIABLE, INPUT, OUTPUT = "{{ vars.greeting }}!", "{{ inputs.who }}", "{{ outputs.say.value | upper }}"
SECRET, NOW = "{{ secret('KEY') }}", "{{ now() }}"


@pytest.fixture
def text(api: httpx.Client, namespace: str) -> str:
    """Store a flow and return its source."""
    source = FLOW.format(namespace)
    deploy(api, source)
    return source


def rendered(api: httpx.Client, *expressions: str, **context: str) -> Any:
    """Return what expressions give, by what they are."""
    answer = api.post("expressions/render", json={"expressions": expressions, **context})
    return answer.raise_for_status().json()["rendered"]


def test_what_is_not_known_stays_as_it_is(api: httpx.Client) -> None:
    assert rendered(api, "plain", "{{ 1 + 1 }}", VARIABLE, SECRET, NOW) == {
        "plain": "plain",
        "{{ 1 + 1 }}": "2",
        VARIABLE: VARIABLE,
        SECRET: "[secret: KEY]",
        NOW: NOW,
    }


def test_flow_has_variables(api: httpx.Client, text: str, namespace: str) -> None:
    known = {VARIABLE: "Hello!", INPUT: INPUT, OUTPUT: OUTPUT, "{{ flow.id }}": "says"}

    assert rendered(api, *known, namespace=namespace, flowId="says") == known
    other = text.replace("Hello", "Good morning").replace("id: says", "id: draft")
    assert rendered(api, VARIABLE, "{{ flow.id }}", flow=other, namespace=namespace, flowId="says") == {
        VARIABLE: "Good morning!",
        "{{ flow.id }}": "draft",
    }
    assert rendered(api, VARIABLE, namespace=namespace) == {VARIABLE: VARIABLE}


def test_execution_has_inputs_and_outputs(api: httpx.Client, text: str, namespace: str) -> None:
    files = {"who": (None, "Grace")}
    done = api.post(f"executions/{namespace}/says", params={"wait": "true"}, files=files).json()["id"]

    assert rendered(api, INPUT, OUTPUT, executionId=done) == {INPUT: "Grace", OUTPUT: "HELLO"}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"expressions": []}, 422, "Invalid entity: expressions: must not be empty"),
        ({"expressions": ["x"] * 501}, 422, "Invalid entity: expressions: size must be between 0 and 500"),
        ({"executionId": "none"}, 404, "Not Found: Unable to find execution 'none'"),
        ({"namespace": "no", "flowId": "one"}, 404, "Not Found: Unable to find flow 'no.one'"),
        ({"flow": "id: ["}, 422, "Invalid entity: "),
    ],
)
def test_wrong_request_is_refused(api: httpx.Client, body: dict[str, Any], status: int, message: str) -> None:
    answer = api.post("expressions/render", json={"expressions": ["x"], **body})

    assert answer.status_code == status
    assert answer.json()["message"].startswith(message)


def test_flow_tells_its_expressions(api: httpx.Client, text: str) -> None:
    def told(**params: str) -> Any:
        return api.post("flows/expressions", content=text, headers=YAML, params=params).raise_for_status().json()

    everything = told()
    assert (everything["inputs"], everything["variables"]) == (["inputs.who"], ["vars.greeting"])
    assert {"outputs.say.value", "outputs.last.value"} <= set(everything["taskOutputs"])
    assert "flow.id" in everything["executionContext"]
    assert told(taskId="last")["taskOutputs"] == ["outputs.say.value"]
    assert "taskOutputs" not in told(taskId="say")
