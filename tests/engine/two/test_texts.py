"""A text is found in the sources of flows, and replaced there."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.scheduling import deploy

FLOW = """\
id: {id}
namespace: {namespace}
description: Says Hello
labels: {labels}
inputs:
  - {{id: hello, type: STRING, defaults: hello}}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: "hello hello😀 hello"}}
"""
TASK = 8


@pytest.fixture
def flow(api: httpx.Client, namespace: str) -> dict[str, str]:
    """Store a flow and return its place."""
    return store(api, namespace, "says")


def store(api: httpx.Client, namespace: str, flow_id: str, labels: str = "{}") -> dict[str, str]:
    """Store a flow and return its place."""
    source = FLOW.format(id=flow_id, namespace=namespace, labels=labels)
    deploy(api, source)
    return {"namespace": namespace, "id": flow_id}


def source(api: httpx.Client, flow: dict[str, str]) -> str:
    """Return the source of a flow."""
    told = api.get(f"flows/{flow['namespace']}/{flow['id']}", params={"source": "true"}).json()
    return str(told["source"])


def replace(api: httpx.Client, action: str, **body: Any) -> Any:
    """Replace a text and return the answer."""
    return api.post(f"flows/source/replace/{action}", json=body).raise_for_status().json()


@pytest.mark.parametrize(
    ("params", "lines"),
    [
        ({"q": "hello"}, [3, 6, 6, 8, 8, 8]),
        ({"q": "Hello", "caseSensitive": "true"}, [3]),
        ({"q": "hell"}, [3, 6, 6, 8, 8, 8]),
        ({"q": "hell", "wholeWord": "true"}, []),
        ({"q": "H.l+o", "regex": "true", "caseSensitive": "true"}, [3]),
        ({"q": "hello", "scope": "INPUTS"}, [6, 6]),
        ({"q": "hello", "scope": "tasks"}, [8, 8, 8]),
        ({"q": "hello", "scope": "TRIGGERS"}, []),
    ],
)
def test_text_is_found(
    api: httpx.Client, flow: dict[str, str], namespace: str, params: dict[str, str], lines: list[int]
) -> None:
    body = api.get("flows/source", params={"namespace": namespace, **params}).json()

    found = [
        {**flow, "editable": True, "matches": [match["line"] for match in item["matches"]]} for item in body["results"]
    ]
    assert (body["total"], found) == (len(found), [{**flow, "editable": True, "matches": lines}] if lines else [])


def test_place_is_told(api: httpx.Client, flow: dict[str, str], namespace: str) -> None:
    (found,) = api.get("flows/source", params={"namespace": namespace, "q": "says hello"}).json()["results"]

    assert found["matches"] == [{"line": 3, "column": 13, "snippet": "description: [mark]Says Hello[/mark]"}]
    everything = api.get("flows/source", params={"namespace": namespace}).json()["results"]
    assert everything == [{**flow, "editable": True, "matches": []}]


def test_preview_stores_nothing(api: httpx.Client, flow: dict[str, str], namespace: str) -> None:
    before = source(api, flow)
    told = replace(api, "preview", query="s(ay)s", regex=True, replacement="$1ing", namespace=namespace)

    change = {"line": 3, "before": "description: Says Hello", "after": "description: aying Hello"}
    assert (told["totalMatches"], told["totalFlows"], told["editableFlowCount"]) == (2, 1, 1)
    assert told["flows"] == [
        {**flow, "editable": True, "matches": [{"line": 1, "before": "id: says", "after": "id: aying"}, change]}
    ]
    assert source(api, flow) == before


def test_text_is_replaced_in_a_section(api: httpx.Client, flow: dict[str, str]) -> None:
    before = source(api, flow)
    told = replace(api, "apply", query="hello", replacement="$1", scope="TASKS", flows=[flow])

    assert [(item["id"], item["revision"]) for item in told["updated"]] == [("says", 2)]
    assert told["skipped"] == []
    assert source(api, flow) == before.replace("hello hello😀 hello", "$1 $1😀 $1")


def test_text_is_replaced_once(api: httpx.Client, flow: dict[str, str]) -> None:
    line = source(api, flow).splitlines()[TASK - 1]
    # Java counts the face as two.
    last = line.index("hello", line.index("😀")) + 1
    told = replace(api, "line", query="hello", replacement="bye", line=TASK, column=last, **flow)

    assert told["updated"][0]["source"].splitlines()[TASK - 1] == line.replace("😀 hello", "😀 bye")


def test_flows_that_stay_as_they_are_tell_why(api: httpx.Client, flow: dict[str, str], namespace: str) -> None:
    locked = store(api, namespace, "locked", '{system.readOnly: "true"}')
    gone = {"namespace": namespace, "id": "gone"}

    def reasons(action: str, **body: Any) -> dict[str, str]:
        told = replace(api, action, **body)
        assert told["updated"] == []
        return {item["id"]: item["reason"] for item in told["skipped"]}

    every = {"says": "NO_CHANGE", "locked": "READ_ONLY", "gone": "NOT_FOUND"}
    assert reasons("apply", query="absent", replacement="x", flows=[flow, locked, gone]) == every
    told = replace(api, "apply", query="core.log.Log", replacement="core.log.None", flows=[flow])
    (skipped,) = told["skipped"]
    assert (skipped["reason"], "core.log.None" in skipped["message"]) == ("INVALID_FLOW", True)
    for place in ({"line": 99}, {"line": 3, "column": 99}, {"line": 3, "column": 12}, {"line": 1}):
        assert reasons("line", query="says", replacement="x", **flow, **place) == {"says": "NO_MATCH"}
    assert reasons("line", query="says", replacement="says", line=1, column=4, **flow) == {"says": "NO_CHANGE"}
    assert reasons("line", query="x", replacement="y", line=1, **locked) == {"locked": "READ_ONLY"}
    assert reasons("line", query="x", replacement="y", line=1, **gone) == {"gone": "NOT_FOUND"}
    (listed,) = api.get("flows/source", params={"q": "locked", "namespace": namespace}).json()["results"]
    assert not listed["editable"]


@pytest.mark.parametrize(
    ("action", "body", "status", "message"),
    [
        ("preview", {"query": " "}, 422, "Invalid entity: query: must not be blank"),
        ("preview", {"replacement": None}, 422, "Invalid entity: replacement: must not be null"),
        ("preview", {"query": "(", "regex": True}, 400, "Bad Request: Unclosed group"),
        (
            "preview",
            {"query": "(a+)+", "regex": True},
            400,
            "Bad Request: The regular expression is rejected as unsafe",
        ),
        ("preview", {"regex": True, "replacement": "$7"}, 400, "Bad Request: The replacement refers to"),
        ("preview", {"regex": "perhaps"}, 422, "Illegal argument: "),
        ("apply", {}, 422, "Invalid entity: flows: must not be empty"),
        ("apply", {"flows": [{}] * 1001}, 422, "Invalid entity: flows: size must be between 0 and 1000"),
        ("line", {"id": "a", "namespace": "b"}, 422, "Invalid entity: line: must be greater than or equal to 1"),
        ("line", {"line": 1, "column": -1}, 422, "Invalid entity: column: must be greater than or equal to 0"),
        ("line", {"line": 1}, 422, "Invalid entity: namespace: must not be blank"),
    ],
)
def test_wrong_body_is_refused(api: httpx.Client, action: str, body: dict[str, Any], status: int, message: str) -> None:
    answer = api.post(f"flows/source/replace/{action}", json={"query": "a", "replacement": "b", **body})

    assert answer.status_code == status
    assert answer.json()["message"].startswith(message)


def test_wrong_search_is_refused(api: httpx.Client) -> None:
    answer = api.get("flows/source", params={"q": "[", "regex": "true"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Bad Request: Unclosed character class near index 0")
