"""Webhooks are called as somebody outside would, and give the execution that they have started."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from pytest_kestra import FlowError, Kestra, KestraError, NotFoundError, Trigger, WaitTimeout
from tests.engine.lines import is_two

CORE = "io.kestra.plugin.core."
SHOW = {"id": "show", "type": f"{CORE}debug.Return", "format": "{{ trigger.body ?? 'nothing' }}"}
BROKEN = {"id": "show", "type": f"{CORE}debug.Return", "format": "{{ nothing.there }}"}
SLEEP = {"id": "show", "type": f"{CORE}flow.Sleep", "duration": "PT1M"}
RETURNS: dict[str, Any] = {"wait": True, "returnOutputs": True}


def flow(task: dict[str, Any] = SHOW, *, of_flow: Any = None, **trigger: Any) -> str:
    hook = {"id": "hook", "type": f"{CORE}trigger.Webhook", "key": "k-1", **trigger}
    outputs = [{"id": "said", "type": "STRING", "value": "{{ outputs.show.value ?? 'nothing' }}"}]
    made = {"id": "hooked", "namespace": "company.team", **(of_flow or {}), "tasks": [task], "outputs": outputs}
    return yaml.safe_dump({**made, "triggers": [hook]}, sort_keys=False)


@pytest.fixture
def plain(kestra: Kestra) -> Trigger:
    return kestra.deploy(flow()).trigger("hook")


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_body_headers_and_query(kestra: Kestra, plain: Trigger, method: str) -> None:
    body = {"id": "A-1", "lines": [1, 2]}
    started = plain.webhook(body, headers={"X-Event": "new"}, params={"dry": "yes", "n": [1, 2]}, method=method)

    assert kestra.started == [started.id]
    assert started.trigger is not None
    variables = started.trigger["variables"]
    assert variables["body"] == body
    assert variables["parameters"] == {"dry": ["yes"], "n": ["1", "2"]}
    headers = {name.lower(): values for name, values in variables["headers"].items()}
    assert headers["x-event"] == ["new"]
    # Nobody outside has the credentials of the test's client.
    assert "authorization" not in headers
    assert json.loads(started.wait().outputs["said"]) == body


@pytest.mark.parametrize(("body", "said"), [("plain text", "plain text"), (b"bytes", "bytes"), (None, "nothing")])
def test_other_bodies(plain: Trigger, body: Any, said: str) -> None:
    assert plain.webhook(body).wait().outputs == {"said": said}


def test_key(kestra: Kestra, plain: Trigger) -> None:
    with pytest.raises(NotFoundError, match=r"^Not Found: Webhook not found \(status 404 for POST "):
        plain.webhook(key="other")

    computed = kestra.deploy(flow(key="{{ 'k-' ~ flow.id }}", of_flow={"id": "computed"})).trigger("hook")
    with pytest.raises(KestraError, match=r"is an expression, .*: give its value as key=…\.$"):
        computed.webhook()
    assert computed.webhook(key="k-computed").wait().state == "SUCCESS"


@pytest.mark.parametrize(
    "more",
    [
        {"wait": True},
        RETURNS,
        {**RETURNS, "responseContentType": "text/plain"},
        {**RETURNS, "responseCode": 202},
        {"wait": True, "responseCode": 404},
    ],
)
def test_that_waits_for_the_end(kestra: Kestra, more: dict[str, Any]) -> None:
    ended = kestra.deploy(flow(**more)).trigger("hook").webhook("Ada")

    assert (ended.state, ended.outputs) == ("SUCCESS", {"said": "Ada"})
    assert ended.task("show").outputs == {"value": "Ada"}
    assert kestra.started == [ended.id]


@pytest.mark.parametrize("more", [{"wait": True}, RETURNS, {**RETURNS, "responseCode": 409}])
def test_that_waits_for_a_failure(kestra: Kestra, more: dict[str, Any]) -> None:
    failed = kestra.deploy(flow(BROKEN, **more)).trigger("hook").webhook()

    assert (failed.state, failed.task("show").state) == ("FAILED", "FAILED")


def test_each_call_gives_its_own_execution(kestra: Kestra) -> None:
    hook = kestra.deploy(flow(**RETURNS)).trigger("hook")

    assert [hook.webhook(name).outputs["said"] for name in ("Ada", "Bob")] == ["Ada", "Bob"]
    assert hook.webhook("Cyd", headers={"x-request-id": "mine"}).outputs == {"said": "Cyd"}


def test_that_waits_too_long(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow(SLEEP, wait=True))
    with pytest.raises(WaitTimeout, match=r"^hooked was still \w+"):
        deployed.trigger("hook").webhook(timeout=5)

    assert kestra.started == [execution.id for execution in deployed.executions()]


@pytest.mark.parametrize("wrong", ["condition", "inputs"])
def test_that_starts_nothing(kestra: Kestra, wrong: str) -> None:
    two, go = is_two(kestra.client), "{{ trigger.body.go == 'yes' }}"
    more: dict[str, Any] = {"inputs": {"name": "{{ trigger.body.nothing }}"}}
    if wrong == "condition":
        conditions = [{"type": f"{CORE}condition.Expression", "expression": go}]
        more = {"when": go} if two else {"conditions": conditions}
    deployed = kestra.deploy(flow(of_flow={"inputs": [{"id": "name", "type": "STRING", "required": False}]}, **more))
    told = "its `conditions` were not met, or its `inputs` could not be rendered"
    if two:
        told = "its `when` does not hold" if wrong == "condition" else "its `inputs` could not be rendered"
    with pytest.raises(KestraError, match=rf"^<text>:\d+: the webhook 'hook' has started no execution: {told}\.$"):
        deployed.trigger("hook").webhook({"go": "no"})
    assert deployed.executions() == []


def test_that_is_disabled(kestra: Kestra) -> None:
    for source in (flow(disabled=True), flow(of_flow={"disabled": True})):
        line = source.splitlines().index(next(line for line in source.splitlines() if "disabled" in line)) + 1
        deployed = kestra.deploy(source)
        with pytest.raises(
            FlowError, match=rf"^<text>:{line}: the webhook 'hook' is disabled, so it should start nothing"
        ):
            deployed.trigger("hook").webhook()
        assert deployed.executions() == []


def test_whose_flow_was_disabled_meanwhile(kestra: Kestra, plain: Trigger) -> None:
    kestra.flow("hooked").update(flow(of_flow={"disabled": True}))
    with pytest.raises(
        FlowError, match=r"^<text>:\d+: the webhook 'hook' starts nothing: .*Cannot execute disabled flow"
    ):
        plain.webhook()
