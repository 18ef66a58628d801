from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_kestra.checks.verdicts import Validator
from pytest_kestra.client.client import Client
from pytest_kestra.flows.outline import Outline
from pytest_kestra.flows.source import FlowSource
from tests.unit.conftest import Asked, Stub

API = "/api/v1/main/flows/validate"
LOG = "io.kestra.plugin.core.log.Log"
FLOW = f"""\
id: f
namespace: a.b
concurrency: {{limit: 1}}
inputs:
  - {{id: size, type: INT}}
  - {{id: size, type: INT}}
tasks:
  - id: first
    type: {LOG}
    message: x
  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    timeout: PT1S
    tasks:
      - id: inner
        type: {LOG}
        mesage: x
        retry:
          type: constant
  - id: first
    type: {LOG}
triggers:
  - id: daily
    type: io.kestra.plugin.core.trigger.Schedule
    cron: x
  - id: daily
    type: io.kestra.plugin.core.trigger.Webhook
"""
READ = {"index": 0, "flow": "f", "namespace": "a.b"}
CHAIN = (
    'io.kestra.core.models.flows.FlowWithSource["tasks"]->java.util.ArrayList[1]->'
    'io.kestra.plugin.core.flow.Sequential["tasks"]->java.util.ArrayList[0]->io.kestra.plugin.core.log.Log["mesage"]'
)


def found(client: Client, text: str = FLOW) -> list[str]:
    return [
        str(finding).removeprefix("f.yaml:")
        for finding in Validator(client).findings(Outline(FlowSource(text, "f.yaml")))
    ]


@pytest.fixture
def says(stub: Stub) -> Callable[..., None]:
    """Return what makes the server say something of every flow."""

    def say(**entry: Any) -> None:
        stub.on("POST", API, json.dumps([READ | entry]))

    return say


def test_nothing_wrong(client: Client, says: Callable[..., None]) -> None:
    says(deprecationPaths=[], warnings=[], infos=[], outdated=True)

    assert found(client) == []


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        ("first.message: must not be null\n", "20: error: first.message: must not be null"),
        ("inner.inner.mesage: is odd\n", "17: error: inner.inner.mesage: is odd"),
        ("inner.inner.message: must not be null\n", "15: error: inner.inner.message: must not be null"),
        ("tasks[inner].tasks[inner].message: must not be null\n", "15: error: tasks[inner].tasks[inner].message: must"),
        ("tasks[1].tasks[0].retry.interval: must not be null\n", "18: error: tasks[1].tasks[0].retry.interval: must"),
        (
            "triggers[0]: invalid cron expression 'x': a, b\n",
            "23: error: triggers[0]: invalid cron expression 'x': a, b",
        ),
        ('namespace: must match "x"\n', "2: error: namespace: must match"),
        ('labels: must match "x"\n', "1: error: labels: must match"),
        (": Invalid Flow: Duplicate task id with name [first]\n", "20: error: Duplicate task id with name [first]"),
        (
            " Invalid Flow: Duplicate trigger id with name [daily]\n",
            "26: error: Duplicate trigger id with name [daily]",
        ),
        ("Invalid Flow: Duplicate input with name [size]\n", "6: error: Duplicate input with name [size]"),
        ("Invalid Flow: Recursive call to flow [a.b.f]\n", "1: error: Recursive call to flow [a.b.f]"),
        ("Invalid Flow: Input with id 'size' depends on a non-existent input 'y'.\n", "5: error: Input with id 'size'"),
    ],
)
def test_constraint_has_its_line(client: Client, says: Callable[..., None], constraints: str, expected: str) -> None:
    says(constraints=f"Validation error: {constraints}")

    (finding,) = found(client)
    assert finding.startswith(expected)


def test_every_constraint_is_told(client: Client, says: Callable[..., None]) -> None:
    says(
        constraints="Validation error: first.message: must not be null\n\n: Invalid Flow: Duplicate task id with name "
        "[first, x], Duplicate input with name [size]\n"
    )

    assert [finding.partition(": ")[2] for finding in found(client)] == [
        "error: first.message: must not be null",
        "error: Duplicate task id with name [first, x]",
        "error: Duplicate input with name [size]",
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Illegal flowwithsource source: YAML parsing error: Cannot deserialize value of type `java.lang.Boolean` "
            'from String "maybe": only "true" or "false" recognized\n at [Source: UNKNOWN] (through reference chain: '
            f"{CHAIN}) (at line -1)",
            '17: error: `mesage` takes true or false, not "maybe".',
        ),
        (
            'Cannot deserialize value of type `a.Concurrency$Behavior` from String "NO": not one of the values '
            'accepted for Enum class: [QUEUE, FAIL]\n (through reference chain: a.FlowWithSource["concurrency"])',
            '3: error: `concurrency` takes QUEUE, FAIL, not "NO".',
        ),
        (
            "Cannot deserialize value of type `java.util.ArrayList<a.Task>` from Object value (token `X`)\n (through "
            'reference chain: a.FlowWithSource["tasks"])',
            "7: error: `tasks` takes a list, not a mapping.",
        ),
        (
            "Cannot deserialize value of type `a.Odd` from Integer value (token `X`)",
            "1: error: This takes Odd, not a whole number.",
        ),
        (
            "Illegal Flow source: YAML parsing error: found duplicate\n at [Source: (X); line: 6] (at line 6)",
            "6: error: YAML parsing error: found duplicate",
        ),
        (
            "Cannot construct instance of `java.util.LinkedHashMap` (although at least one Creator exists): no "
            'String-argument constructor/factory method\n (through reference chain: a.FlowWithSource["variables"])',
            "1: error: `variables` takes a mapping, not a text.",
        ),
        (
            'Cannot coerce empty String ("") to element of `java.util.ArrayList` (but could)\n (through reference '
            'chain: a.FlowWithSource["inputs"])',
            "4: error: `inputs` takes a list, not an empty text.",
        ),
        ("Templates are disabled", "1: error: Templates are disabled"),
    ],
)
def test_what_cannot_be_read(client: Client, stub: Stub, message: str, expected: str) -> None:
    stub.on("POST", API, json.dumps([{"index": 0, "constraints": f"Validation error: {message}"}]))
    stub.on("POST", f"{API}/task", "{}")

    assert found(client)[0].startswith(expected)


def test_types_and_properties_of_all_parts(client: Client, stub: Stub) -> None:
    def part(asked: Asked) -> tuple[int, str]:
        wrong = None
        if "mesage" in asked.body:
            known = '(2 known properties: "id", "message")'
            wrong = f'Unrecognized field "mesage" (class {LOG}), not marked as ignorable {known}'
        elif "Webhook" in asked.body:
            wrong = "Invalid type: io.kestra.plugin.core.trigger.Webhook"
        return 200, json.dumps({"constraints": wrong or "message: must not be null"})

    stub.on("POST", API, json.dumps([{"index": 0, "constraints": "Validation error: Invalid type: INT"}]))
    stub.answers["POST", f"{API}/task"] = part
    plugins = [
        {"tasks": [{"cls": LOG}], "triggers": [{"cls": "io.kestra.plugin.core.trigger.Webhooks"}]},
        {"tasks": None},
    ]
    stub.on("GET", "/api/v1/plugins", json.dumps(plugins))

    assert found(client) == [
        "5: error: Kestra does not know the type INT.",
        "6: error: Kestra does not know the type INT.",
        f"17: error: {LOG} has no property 'mesage'; did you mean 'message'? It has: id, message.",
        "27: error: Kestra does not know the type io.kestra.plugin.core.trigger.Webhook; did you mean "
        "io.kestra.plugin.core.trigger.Webhooks? If not, name the plugin that has it in the fixture kestra_plugins, or "
        "with --plugin.",
    ]
    sections = [asked.path.partition("?")[2] for asked in stub.asked if asked.path.startswith(f"{API}/task")]
    assert sections == ["section=TASKS"] * 3 + ["section=TRIGGERS"] * 2


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Invalid type: io.kestra.plugin.gcp.Query",
            "1: error: Kestra does not know the type io.kestra.plugin.gcp.Query. Check",
        ),
        ("Invalid type: whatever", "1: error: Kestra does not know the type whatever."),
        ('Unrecognized field "limit" (class io.kestra.core.models.flows.Concurrency)', "3: error: Unrecognized field"),
        ('Unrecognized field "nowhere" (class a.B)', "1: error: Unrecognized field"),
        ("Invalid type: <null>", "1: error: this has no `type`, or none that Kestra can read."),
    ],
)
def test_types_that_are_not_there(client: Client, stub: Stub, message: str, expected: str) -> None:
    stub.on("POST", API, json.dumps([{"index": 0, "constraints": message}]))
    stub.on("POST", f"{API}/task", "{}")
    stub.on("GET", "/api/v1/plugins", "[]")

    (finding,) = found(client)
    assert finding.startswith(expected)


def test_task_without_a_type(client: Client, stub: Stub) -> None:
    stub.on("POST", API, json.dumps([{"index": 0, "constraints": "Validation error: Invalid type: <null>"}]))
    stub.on("POST", f"{API}/task", '{"constraints": "Invalid type: <null>"}')
    text = f"id: f\nnamespace: a.b\ntasks:\n  - id: a\n  - id: s\n    type: {LOG}\n    tasks:\n      - id: b\n"

    message = "error: this has no `type`, or none that Kestra can read."
    assert found(client, text) == [f"4: {message}", f"8: {message}"]


def test_warnings(client: Client, says: Callable[..., None]) -> None:
    says(
        warnings=[
            "The subflow 'x' not found in namespace 'a.b'.",
            "The task 'seq' cannot use the 'timeout' property as it's only relevant for runnable tasks.",
            "We recommend adding the preconditions property to the Flow trigger 'daily'.",
            "Something else.",
        ],
        infos=[f"{LOG} is replaced by x.Log", f"{LOG} is replaced by x.Log"],
    )

    assert found(client) == [
        "13: warning: The task 'seq' cannot use the 'timeout' property as it's only relevant for runnable tasks.",
        "23: warning: We recommend adding the preconditions property to the Flow trigger 'daily'.",
        "1: warning: Something else.",
        f"9: warning: the type {LOG} is replaced by x.Log.",
        f"16: warning: the type {LOG} is replaced by x.Log.",
        f"21: warning: the type {LOG} is replaced by x.Log.",
    ]


OLD = """\
id: f
namespace: a.b
taskDefaults: []
listeners: []
inputs:
  - {name: x, type: BOOLEAN}
tasks:
  - id: seq
    type: a.Sequential
    tasks:
      - {id: each, type: a.Each}
      - id: sub
        type: a.Sub
        outputs: {}
        delay: 1
  - {id: z, type: a.New}
  - {id: unknown, type: a.Gone}
"""


def test_deprecations(client: Client, says: Callable[..., None], stub: Stub) -> None:
    paths = [
        "taskDefaults",
        "listeners",
        "inputs[0]",
        "inputs[0].name",
        "tasks[0]",
        "tasks[1].outputs",
        "tasks[1].delay",
    ]
    says(deprecationPaths=[*paths, "tasks[1].outputs", "tasks[2]", "tasks[7]", "nothing", "tasks[x]"])
    schemas = {
        "a.Sequential": {},
        "a.New": {},
        "a.Each": {
            "$deprecated": "true",
            "title": "Loop (deprecated).",
            "description": "Deprecated; use `a.b.For`.\nMore.",
        },
        "a.Sub": {
            "properties": {
                "outputs": {
                    "$deprecated": True,
                    "description": "Get it.This property is deprecated, see [docs](x://y).",
                },
                "delay": {"$deprecated": True, "description": "**Deprecated**: use [`pause`](https://x/y) instead."},
            }
        },
    }
    for name, schema in schemas.items():
        stub.on("GET", f"/api/v1/plugins/{name}", json.dumps({"schema": {"properties": schema}}))

    assert found(client, OLD) == [
        "3: warning: `taskDefaults` is deprecated: use `pluginDefaults` instead.",
        "4: warning: `listeners` is deprecated: use `afterExecution`, or a flow with a Flow trigger, instead.",
        "6: warning: the type BOOLEAN is deprecated: use BOOL instead.",
        "6: warning: `name` is deprecated: use `id` instead.",
        "11: warning: the type a.Each is deprecated: use `a.b.For`.",
        "14: warning: `outputs` is deprecated.",
        "15: warning: `delay` is deprecated: use `pause` instead.",
        "17: warning: the type a.Gone is deprecated.",
    ]
    schema_paths = [asked.path for asked in stub.asked if "plugins" in asked.path]
    assert len(schema_paths) == len(set(schema_paths))
