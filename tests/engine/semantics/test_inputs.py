"""Inputs of every type mean on the embedded engine what they mean to Kestra."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import httpx
import polling2
import pytest

from pytest_kestra import Client
from tests.engine.lines import is_two
from tests.engine.replay import YAML

BEFORE_TWO = pytest.mark.kestra_requires(version="<2")
FLOW = """\
id: typed
namespace: {namespace}
inputs:
{inputs}
tasks:
  - {{id: show, type: io.kestra.plugin.core.debug.Return, format: "{format}"}}
"""


class Typed:
    """Run flows with some inputs."""

    def __init__(self, api: httpx.Client, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.path = f"executions/{namespace}/typed"

    def deploy(self, *inputs: str, shown: str = "x") -> Typed:
        lines = "\n".join(f"  - {{{text}}}" for text in inputs)
        source = FLOW.format(namespace=self.namespace, inputs=lines, format=shown)
        self.api.post("flows", content=source, headers=YAML).raise_for_status()
        return self

    def post(self, **values: Any) -> httpx.Response:
        files = {name: value if isinstance(value, tuple) else (None, value) for name, value in values.items()}
        return self.api.post(self.path, params={"wait": "true"}, files=files or None)

    def run(self, **values: Any) -> Any:
        made = self.post(**values).raise_for_status().json()
        assert made["state"]["current"] == "SUCCESS"
        return made

    def inputs(self, **values: Any) -> Any:
        return self.run(**values)["inputs"]

    def shown(self, **values: Any) -> Any:
        return self.run(**values)["taskRunList"][0]["outputs"]["value"]

    def refused(self, **values: Any) -> str:
        answer = self.post(**values)
        assert answer.status_code == 422, answer.text
        return str(answer.json()["message"])

    def validated(self, **values: Any) -> dict[str, Any]:
        files = {name: (None, value) for name, value in values.items()}
        found = self.api.post(f"{self.path}/validate", files=files or None).raise_for_status().json()["inputs"]
        return {item["input"]["id"]: item for item in found}


@pytest.fixture
def typed(api: httpx.Client, namespace: str) -> Typed:
    return Typed(api, namespace)


@pytest.mark.parametrize(
    ("definition", "text", "value"),
    [
        ("type: STRING", "a b", "a b"),
        ("type: INT", "-3", -3),
        ("type: FLOAT", "2.5", 2.5),
        ("type: BOOL", "true", True),
        pytest.param("type: BOOLEAN", "TRUE", True, marks=BEFORE_TWO),
        ("type: DATETIME", "2026-03-04T05:06:07Z", "2026-03-04T05:06:07.000000Z"),
        ("type: DATE", "2026-03-04", "2026-03-04"),
        ("type: TIME", "05:06:07", "05:06:07"),
        ("type: DURATION", "PT1H30M", 5400.0),
        ("type: JSON", '{"a": [1, null]}', {"a": [1, None]}),
        ("type: YAML", "a: [1, x]", {"a": [1, "x"]}),
        ("type: ARRAY, itemType: INT", "[1, 2]", [1, 2]),
        ("type: ARRAY, itemType: DATE", '["2026-01-02"]', ["2026-01-02"]),
        ("type: SELECT, values: [a, b]", "b", "b"),
        ("type: SELECT, values: [a, b], allowCustomValue: true", "c", "c"),
        pytest.param("type: ENUM, values: [a, b]", "a", "a", marks=BEFORE_TWO),
        ("type: MULTISELECT, values: [a, b, c]", '["a", "c"]', ["a", "c"]),
        ("type: URI", "https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("type: EMAIL", "someone@example.com", "someone@example.com"),
    ],
)
def test_value_has_its_type(typed: Typed, definition: str, text: str, value: Any) -> None:
    assert typed.deploy(f"id: given, {definition}").inputs(given=text) == {"given": value}


@pytest.mark.parametrize(
    ("definition", "text", "reason"),
    [
        ("type: STRING, validator: '[a-z]+'", "A1", "it must match the pattern `[a-z]+`"),
        ("type: INT", "2.5", 'For input string: "2.5"'),
        ("type: INT, min: 3", "2", "it must be more than `3`"),
        ("type: INT, max: 3", "4", "it must be less than `3`"),
        ("type: FLOAT", "x", 'For input string: "x"'),
        ("type: FLOAT, min: 1.5", "1", "it must be more than `1.5`"),
        ("type: DATETIME", "2026-03-04", "Text '2026-03-04' could not be parsed"),
        ("type: DATETIME, before: '2026-01-01T00:00:00Z'", "2026-03-04T00:00:00Z", "it must be before"),
        ("type: DATE", "4.3.2026", "Text '4.3.2026' could not be parsed"),
        ("type: DATE, after: '2026-01-01'", "2025-03-04", "it must be after"),
        ("type: TIME", "noon", "Text 'noon' could not be parsed"),
        ("type: TIME, after: '10:00:00'", "09:00:00", "it must be after"),
        ("type: DURATION", "1h", "Text cannot be parsed to a Duration"),
        ("type: DURATION, max: PT1H", "PT2H", "It must be less than"),
        ("type: JSON", "{", "Unexpected end-of-input"),
        ("type: ARRAY, itemType: INT", '["a"]', "Unable to parse array element as `INT` on `a`"),
        ("type: SELECT, values: [a, b]", "c", "it must match the values `[a, b]`"),
        pytest.param("type: ENUM, values: [a, b]", "c", "it must match the values `[a, b]`", marks=BEFORE_TWO),
        ("type: MULTISELECT, values: [a, b]", '["a", "c"]', "value `c` doesn't match the values `[a, b]`"),
        ("type: URI", "nowhere", "Invalid URI format."),
        ("type: EMAIL", "nobody", "The input must be a valid email"),
    ],
)
def test_wrong_value_is_refused_with_the_reason(
    typed: Typed, kestra_client: Client, definition: str, text: str, reason: str
) -> None:
    typed.deploy(f"id: given, {definition}")
    if is_two(kestra_client) and reason.startswith(("For input string", "Text ")):
        reason = f"Cannot convert value '{text}' to "

    assert reason in typed.refused(given=text)
    found = typed.validated(given=text)["given"]
    assert (found["value"], found["enabled"], found["isDefault"]) == (text, True, False)
    assert reason in found["errors"][0]["message"]


def test_defaults_prefill_and_required(typed: Typed) -> None:
    typed.deploy(
        'id: rendered, type: STRING, defaults: "{{ 1 + 1 }}-{{ flow.id }}"',
        "id: chosen, type: SELECT, values: [a, b], autoSelectFirst: true",
        "id: filled, type: STRING, prefill: p, required: false",
        "id: optional, type: INT, required: false",
    )
    assert typed.inputs() == {"rendered": "2-typed", "chosen": "a", "filled": None, "optional": None}
    assert typed.inputs(optional="", rendered="r") == {"rendered": "r", "chosen": "a", "filled": None, "optional": None}
    found = typed.validated(rendered="r")
    assert {name: item["isDefault"] for name, item in found.items()} == {
        "rendered": False,
        "chosen": True,
        "filled": False,
        "optional": False,
    }


def test_missing_input_is_named(typed: Typed) -> None:
    typed.deploy("id: wanted, type: INT")

    assert typed.refused() == "Invalid entity: Missing required input:wanted"
    assert typed.validated()["wanted"]["errors"] == [{"message": "Missing required input:wanted"}]


def test_file_is_stored_with_the_execution(typed: Typed) -> None:
    typed.deploy("id: data, type: FILE", "id: more, type: FILE, required: false", shown="{{ read(inputs.data) }}")
    made = typed.run(data=("täble.csv", "ä,b\n".encode()))

    assert made["taskRunList"][0]["outputs"]["value"] == "ä,b\n"
    assert made["inputs"]["more"] is None
    content = typed.api.get(f"executions/{made['id']}/file", params={"path": made["inputs"]["data"]})
    assert content.content == "ä,b\n".encode()
    # A URI is taken as it is, though Kestra lets no task read another execution's file.
    again = typed.post(data=made["inputs"]["data"]).json()
    assert (again["inputs"]["data"], again["state"]["current"]) == (made["inputs"]["data"], "FAILED")


def test_file_in_the_older_form(typed: Typed) -> None:
    typed.deploy("id: data, type: FILE", shown="{{ read(inputs.data) }}")

    assert typed.shown(files=("data", b"old")) == "old"
    assert typed.refused(files=("other", b"old")) == "Invalid entity: Missing required input:data"


def test_validation_stores_no_file(typed: Typed) -> None:
    typed.deploy("id: data, type: FILE")
    found = typed.api.post(f"{typed.path}/validate", files={"data": ("a.csv", b"a")}).json()["inputs"][0]

    assert found["errors"] == []
    assert found["value"].endswith("/inputs/data/a.csv")


def test_secret_is_not_shown_but_known_to_tasks(typed: Typed) -> None:
    typed.deploy("id: word, type: SECRET", shown="{{ inputs.word == 'hush' }}")
    made = typed.run(word="hush")

    assert made["taskRunList"][0]["outputs"]["value"] == "true"
    assert made["inputs"]["word"]["type"] == "io.kestra.datatype:aes_encrypted"
    assert "hush" not in json.dumps(made)


def test_input_depends_on_another(typed: Typed) -> None:
    typed.deploy(
        "id: kind, type: SELECT, values: [car, boat]",
        "id: sail, type: STRING, dependsOn: {inputs: [kind], condition: \"{{ inputs.kind == 'boat' }}\"}",
        "id: color, type: SELECT, expression: \"{{ inputs.kind == 'car' ? ['red'] : ['blue'] }}\", "
        "dependsOn: {inputs: [kind]}",
    )
    assert typed.inputs(kind="car", color="red") == {"kind": "car", "color": "red"}
    assert typed.inputs(kind="boat", color="blue", sail="s") == {"kind": "boat", "color": "blue", "sail": "s"}
    assert "it must match the values `[blue]`" in typed.refused(kind="boat", color="red", sail="s")
    assert typed.refused(kind="boat", color="blue") == "Invalid entity: Missing required input:sail"
    assert {name: item["enabled"] for name, item in typed.validated(kind="car").items()} == {
        "kind": True,
        "sail": False,
        "color": True,
    }


def test_nested_inputs_and_unknown_ones(typed: Typed) -> None:
    typed.deploy("id: a.b, type: INT", "id: a.c, type: STRING", shown="{{ inputs.a.b + 1 }}{{ inputs.a.c }}")
    made = typed.run(**{"a.b": "1", "a.c": "x", "other": "y"})

    assert made["inputs"] == {"a": {"b": 1, "c": "x"}}
    assert made["taskRunList"][0]["outputs"]["value"] == "2x"


def test_last_of_two_values_counts(typed: Typed) -> None:
    typed.deploy("id: given, type: INT")
    made = typed.api.post(typed.path, files=[("given", (None, "1")), ("given", (None, "2"))]).json()

    assert made["inputs"] == {"given": 2}


def test_inputs_of_an_older_revision(typed: Typed) -> None:
    typed.deploy("id: old, type: INT")
    source = FLOW.format(namespace=typed.namespace, inputs="  - {id: new, type: STRING}", format="x")
    typed.api.put(f"flows/{typed.namespace}/typed", content=source, headers=YAML).raise_for_status()

    assert typed.inputs(new="x") == {"new": "x"}
    made = typed.api.post(typed.path, params={"revision": "1"}, files={"old": (None, "1")}).json()
    assert (made["flowRevision"], made["inputs"]) == (1, {"old": 1})


def test_scheduled_execution_starts_by_itself(typed: Typed) -> None:
    typed.deploy("id: given, type: INT, defaults: 1")

    def state(execution_id: str) -> str:
        return str(typed.api.get(f"executions/{execution_id}").json()["state"]["current"])

    now = dt.datetime.now(dt.timezone.utc)
    soon, late = (
        typed.api.post(typed.path, params={"scheduleDate": (now + wait).isoformat()}).raise_for_status().json()["id"]
        for wait in (dt.timedelta(seconds=10), dt.timedelta(days=2))
    )
    assert state(soon) == "CREATED"
    polling2.poll(lambda: state(soon) == "SUCCESS", step=0.1, timeout=600)
    ended = typed.api.get(f"executions/{soon}").json()
    assert ended["state"]["histories"][1]["date"] >= ended["scheduleDate"]
    assert state(late) == "CREATED"
    typed.api.delete(f"executions/{late}").raise_for_status()
