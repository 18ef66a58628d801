from __future__ import annotations

import json

import pytest

from pytest_kestra.checks import references
from pytest_kestra.checks.library import Library
from pytest_kestra.client.client import Client
from pytest_kestra.flows.outline import Outline
from pytest_kestra.flows.source import FlowSource
from tests.unit.conftest import Stub

API = "/api/v1/main/flows"
CHILD = """\
id: charge
namespace: company.team
inputs:
  - {id: order, type: STRING}
  - {id: amount, type: INT, defaults: 1}
  - {id: note, type: STRING, required: false}
  - {id: asked, type: STRING, dependsOn: {inputs: [order]}}
  - {id: to.city, type: STRING}
  - {id: form, type: FORM, inputs: [{id: code, type: STRING}]}
  - {id: speed, type: SELECT, values: [slow, fast], autoSelectFirst: true}
  - nonsense
tasks: []
"""
SUBFLOW = "io.kestra.plugin.core.flow.Subflow"
GIVEN = "{order: 1, to: {city: x}, form.code: y}"


def sub(given: str = "", name: str = "charge", kind: str = SUBFLOW) -> str:
    task = f"  - id: call\n    type: {kind}\n    namespace: company.team\n    flowId: {name}\n"
    return f"id: orders\nnamespace: company.team\ntasks:\n{task}{given}"


def found(client: Client, text: str, *others: str) -> list[str]:
    sources = [FlowSource(text, "orders.yaml"), *(FlowSource(other, "other.yaml") for other in others)]
    library = Library(sources, client)
    return [str(finding) for finding in references.findings(Outline(sources[0]), library)]


@pytest.fixture(autouse=True)
def empty(stub: Stub) -> None:
    stub.on("GET", f"{API}/search", json.dumps({"results": [], "total": 0}))


@pytest.mark.parametrize("kind", [SUBFLOW, "io.kestra.core.tasks.flows.Flow", "io.kestra.plugin.core.flow.ForEachItem"])
def test_unknown_flow_of_a_task(client: Client, kind: str) -> None:
    assert found(client, sub(name="chrge", kind=kind), CHILD) == [
        "orders.yaml:7: error: the flow company.team.chrge is neither among the flows that are checked nor on the "
        "server; did you mean company.team.charge?"
    ]


def test_server_is_asked_once_for_a_flow(client: Client, stub: Stub) -> None:
    text = sub(name="remote") + sub(name="remote").partition("tasks:\n")[2].replace("call", "again")
    first = {"id": "kinds", "type": "MULTISELECT", "values": ["a", "b"], "autoSelectFirst": True}
    inputs = [{"id": "key", "type": "STRING"}, {"id": "kind", "type": "SELECT", "autoSelectFirst": False}, first]
    record = {"id": "remote", "namespace": "company.team", "revision": 1, "inputs": inputs}
    stub.on("GET", f"{API}/company.team/remote", json.dumps(record))

    findings = found(client, text)

    assert [finding[:30] for finding in findings] == [
        "orders.yaml:7: error: the flow",
        "orders.yaml:11: error: the flo",
    ]
    assert findings[0].endswith("the flow company.team.remote needs the input 'key', 'kind', which call does not give.")
    assert len(stub.asked) == 1


def test_nearest_flow_of_the_server(client: Client, stub: Stub) -> None:
    record = {"id": "remote", "namespace": "company.team", "revision": 1}
    stub.on("GET", f"{API}/search", json.dumps({"results": [record], "total": 1}))

    assert found(client, sub(name="remot"))[0].endswith("did you mean company.team.remote?")


def test_nearest_flow_of_another_namespace(client: Client) -> None:
    text = sub().replace("    namespace: company.team", "    namespace: company.taem")

    assert found(client, text, CHILD)[0].endswith("did you mean company.team.charge?")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ["7: error: the flow company.team.charge needs the input 'order', 'to.city', 'form.code', which call"]),
        (f"    inputs: {GIVEN}\n", []),
        (
            "    inputs: {to.city: 1, form: {}}\n",
            ["8: error: the flow company.team.charge needs the input 'order', which"],
        ),
        (
            f"    inputs: {GIVEN[:-1]},\n      ordr: 1}}\n",
            ["9: warning: the flow company.team.charge has no input 'ordr'; did you mean 'order'? It has: order,"],
        ),
        ("    inputs: '{{ inputs }}'\n", []),
        ("    inputs: {'{{ key }}': 1}\n", []),
    ],
)
def test_inputs_of_a_flow(client: Client, given: str, expected: list[str]) -> None:
    findings = found(client, sub(given), CHILD)

    assert len(findings) == len(expected)
    for finding, start in zip(findings, expected, strict=True):
        assert finding.startswith(f"orders.yaml:{start}")


@pytest.mark.parametrize("more", ["required: False", "required: no", "autoSelectFirst: yes", "defaults: x"])
def test_input_that_is_not_needed(client: Client, more: str) -> None:
    child = f"id: charge\nnamespace: company.team\ninputs: [{{id: order, type: STRING, {more}}}]\ntasks: []\n"

    assert found(client, sub(), child) == []


@pytest.mark.parametrize("disabled", ["true", "True", "yes"])
def test_disabled_flow(client: Client, disabled: str) -> None:
    child = f"id: charge\nnamespace: company.team\ndisabled: {disabled}\ntasks: []\n"

    assert found(client, sub(), child) == ["orders.yaml:7: warning: the flow company.team.charge is disabled."]


@pytest.mark.parametrize(
    "text",
    [
        sub(name="'{{ inputs.name }}'"),
        sub().replace("    namespace: company.team\n", ""),
        sub() + f"pluginDefaults: [{{type: {SUBFLOW}, values: {{inputs: {{order: 1}}}}}}]\n",
        sub(name="orders"),
    ],
)
def test_says_nothing_where_it_cannot_know(client: Client, text: str) -> None:
    assert found(client, text, CHILD) == []


def test_flows_that_cannot_be_read_are_left_out(client: Client) -> None:
    wrong = ["id: [", "id: no_namespace", "id: c\nnamespace: d\ninputs: x"]

    assert len(found(client, sub(), *wrong)) == 1


def test_flow_with_values_that_python_cannot_have(client: Client) -> None:
    assert found(client, sub(), "id: charge\nnamespace: company.team\nlabels: {day: 2020-99-99, of: !ours x}\n") == []


def test_first_of_two_flows_counts(client: Client) -> None:
    assert found(client, sub(f"    inputs: {GIVEN}\n"), CHILD, "id: charge\nnamespace: company.team\n") == []


def test_flows_of_a_trigger(client: Client) -> None:
    text = """\
id: after
namespace: company.team
tasks: []
triggers:
  - id: both
    type: io.kestra.plugin.core.trigger.Flow
    preconditions:
      flows:
        - {namespace: company.team, flowId: charge}
        - {namespace: company.team, flowId: chrge}
    conditions:
      - type: io.kestra.plugin.core.condition.ExecutionFlow
        namespace: company.team
        flowId: nothing_like_it
  - {id: other, type: io.kestra.plugin.core.trigger.Webhook, flowId: none, namespace: company.team}
"""

    assert found(client, text, CHILD) == [
        "orders.yaml:10: warning: the flow company.team.chrge is neither among the flows that are checked nor on the "
        "server; did you mean company.team.charge?",
        "orders.yaml:14: warning: the flow company.team.nothing_like_it is neither among the flows that are checked "
        "nor on the server.",
    ]
