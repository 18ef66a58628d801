"""The addresses that webhooks call answer as a real server did."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pytest_kestra.address import Address
from pytest_kestra.connection import http_client
from tests.engine.replay import Replay, shape
from tests.engine.scheduling import deploy, executions, until

FLOW = """\
id: hooked
namespace: {namespace}
labels: {{team: blue}}
inputs:
  - {{id: name, type: STRING, defaults: nobody}}
tasks:
  - {{id: show, type: io.kestra.plugin.core.debug.Return, format: "{{{{ {expression} }}}}"}}
outputs:
  - {{id: said, type: STRING, value: "{{{{ outputs.show.value }}}}"}}
triggers:
  - id: hook
    type: io.kestra.plugin.core.trigger.Webhook
    key: some-key
    {more}
"""
WAITS = "wait: true"
RETURNS = "wait: true\n    returnOutputs: true"


@pytest.fixture
def anybody(http: httpx.Client) -> Iterator[httpx.Client]:
    """Return a client without credentials, for whole paths."""
    with http_client(Address(str(http.base_url)), timeout=httpx.Timeout(600)) as anybody:
        yield anybody


class Hook:
    """Store a flow with a webhook, and call it."""

    def __init__(self, api: httpx.Client, anybody: httpx.Client, namespace: str) -> None:
        self.api = api
        self.anybody = anybody
        self.namespace = namespace
        self.path = f"/api/v1/main/executions/webhook/{namespace}/hooked/some-key"

    def deploy(self, more: str = "", expression: str = "inputs.name") -> None:
        deploy(self.api, FLOW.format(namespace=self.namespace, more=more, expression=expression))

    def call(self, path: str = "", method: str = "POST", **options: Any) -> httpx.Response:
        return self.anybody.request(method, self.path + path, **options)

    def said(self, **options: Any) -> str:
        """Return what the flow made of a call."""
        return str(self.call(**options).raise_for_status().json()["said"])


@pytest.fixture
def hook(api: httpx.Client, anybody: httpx.Client, namespace: str) -> Hook:
    return Hook(api, anybody, namespace)


def small(body: Any) -> Any:
    """Return an answer with the names of its trigger's headers in small letters."""
    headers = body["trigger"]["variables"]["headers"]
    body["trigger"]["variables"]["headers"] = {name.lower(): values for name, values in headers.items()}
    return shape(body)


def test_webhooks_answer_as_recorded(replay: Replay, anybody: httpx.Client) -> None:
    replay.deploy("hooked")
    outside = Replay(anybody, replay.recorded, replay.namespace)
    answers = [outside.send(number) for number in ("125", "126")]
    for number in ("127", "128"):
        outside.same(number)
    started = answers[0][1].json()["id"]
    until(lambda: "endDate" in replay.http.get(f"/api/v1/main/executions/{started}").json()["state"])
    replay.alias("129", started)
    # The recording's client wrote the names of some headers otherwise.
    for expected, answer in (*answers, replay.send("129")):
        assert answer.status_code == expected["status"] == 200
        assert small(answer.json()) == small(expected["body"])


def test_anybody_may_call_with_or_without_the_tenant(hook: Hook) -> None:
    hook.deploy()
    for path in (hook.path, hook.path.replace("/main", "")):
        for method in ("GET", "POST", "PUT"):
            answer = hook.anybody.request(method, path)
            assert answer.status_code == 200
            assert answer.json()["tenantId"] == "main"
            assert answer.json()["url"].endswith(f"/ui/main/executions/{hook.namespace}/hooked/{answer.json()['id']}")
    assert len(executions(hook.api, hook.namespace, "hooked")) == 6


def test_labels_of_the_flow_are_kept(hook: Hook) -> None:
    hook.deploy()
    labels = {label["key"]: label["value"] for label in hook.call().json()["labels"]}

    assert (labels["team"], labels["system.from"]) == ("blue", "trigger")


@pytest.mark.parametrize("path", ["/more", "/", "/more/and/more"])
def test_path_below_the_key(hook: Hook, path: str) -> None:
    hook.deploy()
    for method in ("GET", "POST", "PUT"):
        assert hook.call(path, method).status_code in (404, 501)
    assert executions(hook.api, hook.namespace, "hooked") == []


def test_other_methods_are_refused(hook: Hook) -> None:
    hook.deploy()
    assert hook.call(method="DELETE").status_code == 405


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"json": {"a": {"b": 1}}}, '{"a":{"b":1}}'),
        ({"json": [1, "x"]}, '[1,"x"]'),
        # Text and numbers are no object and no list: they stay what was sent.
        ({"content": "3"}, "3"),
        ({"content": '"x"'}, '"x"'),
        ({"content": "{broken"}, "{broken"),
        ({"content": "grün".encode()}, "grün"),
        ({"content": "grün".encode("latin-1"), "headers": {"content-type": "text/plain; charset=ISO-8859-1"}}, "grün"),
        ({"content": "x", "headers": {"content-type": "text/plain; charset=nothing"}}, "x"),
        ({"data": {"a": "1"}}, "a=1"),
        ({}, "nothing"),
    ],
)
def test_body(hook: Hook, options: dict[str, Any], said: str) -> None:
    hook.deploy(RETURNS, "trigger.body ?? 'nothing'")
    assert hook.said(**options) == said


def test_headers_and_parameters(hook: Hook) -> None:
    hook.deploy(RETURNS, "[trigger.headers['X-Event'], trigger.parameters.q, trigger.parameters.flag]")
    headers = [("X-Event", "one"), ("X-Event", "two"), ("x-event", "three")]

    assert hook.said(path="?q=1&q=a%20b&flag", headers=headers) == '[["one","two","three"],["1","a b"],[null]]'


def test_wait_answers_when_the_execution_has_ended(hook: Hook) -> None:
    hook.deploy(WAITS)
    answer = hook.call().raise_for_status().json()

    assert answer["state"]["current"] == "SUCCESS"
    assert answer["outputs"] == {"said": "nobody"}
    assert hook.api.get(f"executions/{answer['id']}").json()["state"] == answer["state"]


def test_many_wait_at_once(hook: Hook) -> None:
    hook.deploy(WAITS)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = [answer.json() for answer in pool.map(lambda _: hook.call(), range(40))]

    assert {answer["state"]["current"] for answer in answers} == {"SUCCESS"}
    assert len({answer["id"] for answer in answers}) == 40


@pytest.mark.parametrize(
    ("more", "status", "kind", "text"),
    [
        ("", 200, "application/json", '{"said":"nobody"}'),
        ("responseContentType: text/plain", 200, "text/plain", '{"said":"nobody"}'),
        ("responseContentType: application/json", 200, "application/json", '{"said":"nobody"}'),
        ("responseCode: 202", 202, "application/json", '{"said":"nobody"}'),
        ("responseCode: \"{{ execution.state == 'SUCCESS' ? 201 : 500 }}\"", 201, "application/json", None),
    ],
)
def test_outputs_are_returned(hook: Hook, more: str, status: int, kind: str, text: str | None) -> None:
    hook.deploy(f"{RETURNS}\n    {more}".rstrip())
    answer = hook.call()

    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, kind)
    assert text in (None, answer.text)


def test_response_code_that_is_none(hook: Hook) -> None:
    hook.deploy(f"{WAITS}\n    responseCode: 7")
    answer = hook.call()

    assert (answer.status_code, answer.json()["message"]) == (422, "Illegal argument: Invalid HTTP status code: 7")


def test_execution_that_fails(hook: Hook) -> None:
    hook.deploy(WAITS, "nothing.there")
    answer = hook.call()

    assert answer.status_code == 500
    assert answer.json()["state"]["current"] == "FAILED"


def test_outputs_that_are_none(hook: Hook) -> None:
    hook.deploy(RETURNS, "nothing.there")
    answer = hook.call()

    assert (answer.status_code, answer.content) == (500, b"")


def test_inputs_of_the_trigger(hook: Hook) -> None:
    hook.deploy(f"{RETURNS}\n    inputs: {{name: '{{{{ trigger.body.who }}}}'}}")

    assert hook.said(json={"who": "Ada"}) == "Ada"
    # What cannot be rendered starts nothing.
    refused = hook.call(json={})
    assert (refused.status_code, refused.content) == (409, b"")
    assert len(executions(hook.api, hook.namespace, "hooked")) == 1


def test_conditions(hook: Hook) -> None:
    condition = "{type: io.kestra.plugin.core.condition.Expression, expression: \"{{ trigger.body.go == 'yes' }}\"}"
    hook.deploy(f"{WAITS}\n    conditions: [{condition}]")

    assert hook.call(json={"go": "yes"}).status_code == 200
    for body in ({"go": "no"}, {}):
        refused = hook.call(json=body)
        assert (refused.status_code, refused.content) == (409, b"")
    assert len(executions(hook.api, hook.namespace, "hooked")) == 1


def test_key_may_be_an_expression(api: httpx.Client, anybody: httpx.Client, hook: Hook) -> None:
    two = """
  - {{id: broken, type: io.kestra.plugin.core.trigger.Webhook, key: "{{{{ nothing.there }}}}"}}
  - {{id: computed, type: io.kestra.plugin.core.trigger.Webhook, key: " {{{{ 'other' ~ '-' ~ flow.id }}}} "}}
"""
    deploy(api, (FLOW.rstrip() + two).format(namespace=hook.namespace, more="", expression="inputs.name"))
    path = hook.path.replace("some-key", "other-hooked")

    assert anybody.post(path).json()["trigger"]["id"] == "computed"
    assert hook.call().json()["trigger"]["id"] == "hook"
    assert anybody.post(hook.path.replace("some-key", "nothing.there")).status_code == 404


@pytest.mark.parametrize("kind", ["disabled: true\n", ""])
def test_flows_that_cannot_run(hook: Hook, kind: str) -> None:
    source = FLOW.format(namespace=hook.namespace, more="", expression="inputs.name")
    if kind:
        deploy(hook.api, kind + source)
        answer = hook.call()
        assert (answer.status_code, answer.json()["message"]) == (409, "Illegal state: Cannot execute disabled flow")
    else:
        deploy(hook.api, source.partition("triggers:")[0])
        answer = hook.call()
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found: Webhook not found")


def test_disabled_trigger_still_answers(hook: Hook) -> None:
    # So does Kestra 1.3; see kestra issue 18505, which was solved in 2.0.
    hook.deploy("disabled: true")
    assert hook.call().status_code == 200


def test_address_that_is_none(hook: Hook) -> None:
    hook.deploy()
    # A URL that Java refuses.
    with httpx.Client(base_url=hook.anybody.base_url) as raw:
        answer = raw.request("GET", hook.path + "?q=%zz")
    assert answer.status_code == 422
