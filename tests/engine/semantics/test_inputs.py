"""What executions are created with: inputs of every type, labels, revisions, checks, on the embedded engine."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.engine.running import WORD, came, created, current, ran, run_of, state, tasks, value
from tests.engine.scheduling import deploy, executions, update

# For each type: how an input is declared beside its type, a value and how it comes back, and a value that is none.
TYPES: dict[str, tuple[str, str, Any, str | None]] = {
    "STRING": ("validator: '[a-z]+'", "abc", "abc", "ABC"),
    "INT": ("min: 1, max: 9", "7", 7, "12"),
    "FLOAT": ("min: 0.5", "1.25", 1.25, "0.1"),
    "BOOL": ("", "true", True, None),
    "BOOLEAN": ("", "false", False, None),
    "DATETIME": ("", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z", "tomorrow"),
    "DATE": ("after: '2026-01-01'", "2026-01-02", "2026-01-02", "2020-01-01"),
    "TIME": ("", "10:11:12", "10:11:12", "noon"),
    "DURATION": ("max: PT2H", "PT1H", 3600.0, "PT3H"),
    "JSON": ("", '{"a": [1, 2]}', {"a": [1, 2]}, "{"),
    "YAML": ("", "a: [1, 2]", {"a": [1, 2]}, "a: ["),
    "ARRAY": ("itemType: INT", "[1, 2]", [1, 2], "[1, x]"),
    "SELECT": ("values: [red, blue]", "red", "red", "green"),
    "MULTISELECT": ("values: [red, blue]", '["red"]', ["red"], '["green"]'),
    "ENUM": ("values: [red, blue]", "red", "red", "green"),
    "URI": ("", "https://example.com/a", "https://example.com/a", "nothing"),
    "EMAIL": ("", "ada@example.com", "ada@example.com", "ada"),
}
TYPED = """\
id: typed
namespace: {namespace}
inputs:
  - {{id: given, type: {type}{more}}}
tasks:
  - {{id: show, type: io.kestra.plugin.core.debug.Return, format: "{{{{ inputs.given }}}}"}}
"""
WHOLE = """\
id: whole
namespace: {namespace}
inputs:
{inputs}
tasks:
  - {{id: show, type: io.kestra.plugin.core.debug.Return, format: '{format}'}}
{more}
"""


def whole(namespace: str, inputs: str, show: str = "x", more: str = "") -> str:
    """Return a flow with some inputs, which shows an expression."""
    return WHOLE.format(namespace=namespace, inputs=inputs, format=show, more=more)


@pytest.mark.parametrize("name", TYPES)
def test_input_of_every_type(api: httpx.Client, namespace: str, name: str) -> None:
    more, given, expected, wrong = TYPES[name]
    deploy(api, TYPED.format(namespace=namespace, type=name, more=f", {more}" if more else ""))

    assert ran(api, namespace, "typed", {"given": given})["inputs"] == {"given": expected}
    missing = api.post(f"executions/{namespace}/typed")
    assert (missing.status_code, missing.json()["message"]) == (422, "Invalid entity: Missing required input:given")
    if wrong is not None:
        answer = api.post(f"executions/{namespace}/typed", files=[("given", (None, wrong))])
        assert answer.status_code == 422, answer.text
        assert answer.json()["message"].startswith("Invalid entity: ")
    # What was refused was not created.
    assert len(executions(api, namespace, "typed")) == 1


@pytest.mark.parametrize("name", [name for name in TYPES if name not in ("ENUM", "BOOLEAN")])
def test_default_of_every_type(api: httpx.Client, namespace: str, name: str) -> None:
    more, given, expected, _ = TYPES[name]
    more = ", ".join(filter(None, [more, f"defaults: {json.dumps(given)}"]))
    deploy(api, TYPED.format(namespace=namespace, type=name, more=f", {more}"))

    assert ran(api, namespace, "typed")["inputs"] == {"given": expected}


def test_secret_input_is_kept_encrypted_and_read_in_clear(api: httpx.Client, namespace: str) -> None:
    deploy(api, TYPED.format(namespace=namespace, type="SECRET", more=""))
    ended = ran(api, namespace, "typed", {"given": "hush"})

    assert ended["inputs"]["given"]["type"] == "io.kestra.datatype:aes_encrypted"
    assert "hush" not in ended["inputs"]["given"]["value"]
    assert value(ended, "show") in ("hush", "******")


def test_file_input_is_stored_and_read(api: httpx.Client, namespace: str) -> None:
    source = TYPED.format(namespace=namespace, type="FILE", more="")
    deploy(api, source.replace("inputs.given", "read(inputs.given)"))
    url = f"executions/{namespace}/typed"

    for part in (("given", ("some.txt", b"content of the file")), ("files", ("given", b"content of the file"))):
        answer = api.post(url, params={"wait": "true"}, files=[part])
        assert value(answer.json(), "show") == "content of the file"
        uri = answer.json()["inputs"]["given"]
        assert uri.startswith(f"kestra:///{namespace.replace('.', '/')}/typed/executions/")
        found = api.get(f"executions/{answer.json()['id']}/file", params={"path": uri})
        assert found.content == b"content of the file"


def test_file_input_of_any_bytes(api: httpx.Client, namespace: str) -> None:
    deploy(api, TYPED.format(namespace=namespace, type="FILE", more=""))
    content = bytes(range(256)) * 4096
    answer = api.post(f"executions/{namespace}/typed", files=[("given", ("ä.bin", content))], params={"wait": "true"})

    path = {"path": answer.json()["inputs"]["given"]}
    assert api.get(f"executions/{answer.json()['id']}/file", params=path).content == content
    # Kestra makes a URI of the name.
    for name in ("a b.bin", ".."):
        answer = api.post(f"executions/{namespace}/typed", files=[("given", (name, content))])
        assert (answer.status_code, answer.json()["message"][:17]) == (422, "Illegal argument:")


def test_optional_input_is_null_and_an_unknown_one_is_dropped(api: httpx.Client, namespace: str) -> None:
    inputs = "  - {id: one, type: STRING, required: false}\n  - {id: two, type: STRING}"
    deploy(api, whole(namespace, inputs, "{{ inputs.one ?? inputs.two }}"))
    ended = ran(api, namespace, "whole", {"two": "2", "three": "3"})

    assert ended["inputs"] == {"one": None, "two": "2"}
    assert value(ended, "show") == "2"


def test_default_is_rendered_and_depends_on_others(api: httpx.Client, namespace: str) -> None:
    inputs = (
        "  - {id: name, type: STRING}\n"
        "  - {id: greeting, type: STRING, defaults: 'hello {{ inputs.name }}', dependsOn: {inputs: [name]}}\n"
        "  - id: reason\n    type: STRING\n"
        "    dependsOn: {inputs: [name], condition: \"{{ inputs.name == 'Eve' }}\"}"
    )
    deploy(api, whole(namespace, inputs, "{{ inputs.greeting }}"))

    assert value(ran(api, namespace, "whole", {"name": "Ada"}), "show") == "hello Ada"
    # Only Eve has to give a reason.
    assert api.post(f"executions/{namespace}/whole", files=[("name", (None, "Eve"))]).status_code == 422
    assert ran(api, namespace, "whole", {"name": "Eve", "reason": "none"})["inputs"]["reason"] == "none"


def test_nested_inputs(api: httpx.Client, namespace: str) -> None:
    inputs = "  - {id: db.host, type: STRING}\n  - {id: db.port, type: INT, defaults: 5432}"
    deploy(api, whole(namespace, inputs, "{{ inputs.db.host }}:{{ inputs.db.port }}"))
    ended = ran(api, namespace, "whole", {"db.host": "localhost"})

    assert ended["inputs"] == {"db": {"host": "localhost", "port": 5432}}
    assert value(ended, "show") == "localhost:5432"


def test_inputs_are_checked_without_an_execution(api: httpx.Client, namespace: str) -> None:
    inputs = "  - {id: count, type: INT, max: 9}\n  - {id: word, type: STRING, defaults: one}\n  - {id: f, type: FILE}"
    check = 'checks:\n  - {condition: "{{ inputs.count < 5 }}", message: too many, behavior: CREATE_EXECUTION}'
    deploy(api, whole(namespace, inputs, more=check))
    files: list[tuple[str, Any]] = [("count", (None, "8")), ("f", ("some.txt", b"content"))]
    body = api.post(f"executions/{namespace}/whole/validate", files=files).json()

    assert (body["id"], body["namespace"]) == ("whole", namespace)
    found = {item["input"]["id"]: item for item in body["inputs"]}
    assert {name: item["errors"] for name, item in found.items()} == {"count": [], "word": [], "f": []}
    assert {name: item["isDefault"] for name, item in found.items()} == {"count": False, "word": True, "f": False}
    assert (found["count"]["value"], found["word"]["value"], found["count"]["enabled"]) == (8, "one", True)
    assert body["checks"] == [{"message": "too many", "style": "INFO", "behavior": "CREATE_EXECUTION"}]

    body = api.post(f"executions/{namespace}/whole/validate", files=[("count", (None, "12"))]).json()
    errors = {item["input"]["id"]: [error["message"] for error in item["errors"]] for item in body["inputs"]}
    assert errors["count"] == ["Invalid value for input `count`. Cause: it must be less than `9`"]
    assert errors["f"] == ["Missing required input:f"]
    assert executions(api, namespace, "whole") == []


def test_check_of_a_flow_refuses_or_fails_an_execution(api: httpx.Client, namespace: str) -> None:
    checks = (
        "checks:\n"
        '  - {condition: "{{ inputs.count < 5 }}", message: too many, behavior: BLOCK_EXECUTION}\n'
        '  - {condition: "{{ inputs.count > 1 }}", message: too few, behavior: FAIL_EXECUTION}'
    )
    deploy(api, whole(namespace, "  - {id: count, type: INT}", more=checks))

    blocked = api.post(f"executions/{namespace}/whole", files=[("count", (None, "7"))])
    assert blocked.status_code == 422
    assert blocked.json()["message"] == (
        "Illegal argument: Flow execution blocked: one or more condition checks evaluated to false.\n"
        "Failed checks: too many"
    )
    failed = created(api, namespace, "whole", {"count": "1"}, wait="true")
    assert (failed["state"]["current"], tasks(failed)) == ("FAILED", [])
    assert came(api, failed["id"])["state"]["current"] == "FAILED"
    assert ran(api, namespace, "whole", {"count": "3"})["state"]["current"] == "SUCCESS"


def test_labels_of_flow_and_call(api: httpx.Client, namespace: str) -> None:
    source = WORD.format(namespace=namespace)
    deploy(api, f"{source}labels:\n  team: red\n  env: test\n")
    params: Any = [
        ("wait", "true"),
        ("labels", "team:blue"),
        ("labels", "url:http://localhost:1"),
        ("labels", "a: b c "),
    ]
    ended = api.post(f"executions/{namespace}/word", params=params).json()

    labels = {label["key"]: label["value"] for label in ended["labels"]}
    assert labels.pop("system.correlationId") == ended["id"]
    assert labels == {"team": "blue", "env": "test", "url": "http://localhost:1", "a": "b c", "system.from": "api"}

    params = [("labels", "system.from:ui"), ("labels", "system.correlationId:x")]
    started = api.post(f"executions/{namespace}/word", params=params).json()
    assert {label["key"]: label["value"] for label in started["labels"]} == {
        "team": "red",
        "env": "test",
        "system.from": "ui",
        "system.correlationId": "x",
    }


def test_revision_and_kind(api: httpx.Client, namespace: str) -> None:
    source = WORD.format(namespace=namespace)
    deploy(api, source)
    update(api, namespace, "word", source.replace("second {{", "changed {{"))

    assert value(ran(api, namespace, "word", revision="1"), "second") == "second one"
    assert value(ran(api, namespace, "word"), "second") == "changed one"
    hidden = ran(api, namespace, "word", kind="test")
    assert hidden["kind"] == "TEST"
    # Runs of tests are found only by who asks for them.
    assert hidden["id"] not in [found["id"] for found in executions(api, namespace, "word")]
    params = {"filters[namespace][EQUALS]": namespace, "filters[kind][EQUALS]": "TEST"}
    assert [found["id"] for found in api.get("executions/search", params=params).json()["results"]] == [hidden["id"]]


def test_wait_answers_what_a_later_get_does(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    ended = ran(api, namespace, "word")
    url = ended.pop("url")

    assert url.endswith(f"/ui/main/executions/{namespace}/word/{ended['id']}")
    assert current(api, ended["id"]) == ended
    assert run_of(ended, "second")["state"]["current"] == "SUCCESS"


def test_old_route_creates_as_well(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    files = [("word", (None, "old"))]
    answer = api.post(f"executions/trigger/{namespace}/word", files=files, params={"wait": "true"})

    assert value(answer.json(), "first") == "old"
    assert state(api, answer.json()["id"]) == "SUCCESS"
