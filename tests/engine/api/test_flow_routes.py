"""Flows are stored, read, listed, checked and changed in many ways as an open-source server does it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.replay import Replay, shape

YAML = {"content-type": "application/x-yaml"}
PLAIN = {"content-type": "text/plain"}
LOG = "io.kestra.plugin.core.log.Log"


def source(namespace: str, name: str = "one", *lines: str) -> str:
    task = f"  - {{id: say, type: {LOG}, message: hello}}"
    return "\n".join([f"id: {name}", f"namespace: {namespace}", "tasks:", task, *lines, ""])


def told(namespace: str, name: str = "one", **more: Any) -> dict[str, Any]:
    task = {"id": "say", "type": LOG, "message": "hello"}
    return {"id": name, "namespace": namespace, "tasks": [task], **more}


def store(api: httpx.Client, text: str) -> dict[str, Any]:
    stored: dict[str, Any] = api.post("flows", content=text, headers=YAML).raise_for_status().json()
    return stored


def names(api: httpx.Client, namespace: str) -> list[str]:
    return sorted(flow["id"] for flow in api.get(f"flows/{namespace}").raise_for_status().json())


def message(answer: httpx.Response, status: int = 422) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["message"])


def test_recorded_lists(replay: Replay) -> None:
    replay.deploy("hello_world", "one_return", "logs_only", "disabled")
    body = replay.same("017")
    assert ([flow["id"] for flow in body["results"]], body["total"]) == (["logs_only", "one_return"], 4)
    expected, answer = replay.send("016")
    # It searches all namespaces, and other tests have flows of that name.
    found = answer.json()
    found["results"] = [flow for flow in found["results"] if flow["namespace"] == replay.namespace]
    assert (answer.status_code, shape(found)) == (expected["status"], shape(expected["body"]))


def test_recorded_bulk_and_deletion(replay: Replay) -> None:
    stored = replay.same("023")
    assert [flow["id"] for flow in stored] == ["bulk_a", "bulk_b"]
    replay.send("026")
    for number in ("027", "028"):
        replay.same(number)


def test_bulk_deletes_the_others_of_a_namespace(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace, "old"))
    text = source(namespace, "one") + "---\n" + source(f"{namespace}.child", "two")
    params = {"namespace": namespace}
    wrong = api.post("flows/bulk", content=text, headers=YAML, params=params)
    assert message(wrong).startswith(f"Invalid entity: flow.namespace: main_{namespace}.child_two_")
    answer = api.post("flows/bulk", content=text, headers=YAML, params={**params, "allowNamespaceChild": "true"})

    assert [flow["id"] for flow in answer.json()] == ["old", "one", "two"]
    assert names(api, namespace) == ["one"]
    assert api.delete(f"flows/{namespace}.child/two").status_code == 204


def test_bulk_without_a_namespace_takes_all_flows(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace))
    text = source(namespace, "one", "description: new")
    answer = api.post("flows/bulk", content=text, headers=YAML, params={"delete": "false"})
    assert [(flow["id"], flow["revision"]) for flow in answer.json()] == [("one", 2)]
    assert api.post("flows/bulk", content="", headers=YAML, params={"delete": "false"}).json() == []
    twice = api.post("flows/bulk", content=f"{text}---\n{text}", headers=YAML, params={"delete": "false"})
    assert message(twice) == "Invalid entity: flow.id: Duplicate flow id"


def test_flows_of_a_namespace_are_replaced(api: httpx.Client, namespace: str) -> None:
    url = f"flows/{namespace}"
    store(api, source(namespace, "old"))
    assert api.post(url, content=source(namespace, "one"), headers=YAML, params={"delete": "false"}).is_success
    assert names(api, namespace) == ["old", "one"]
    files = [("flows", ("two.yml", source("elsewhere", "two"))), ("flows", ("one.yml", source("elsewhere", "one")))]
    assert message(api.post(url, files=files)).startswith("Invalid entity: flow.namespace: main_elsewhere_two_")
    assert [flow["id"] for flow in api.post(url, files=files, params={"override": "true"}).json()] == [
        *("old", "two", "one"),
    ]
    stored = api.post(url, json=[told(namespace, "three")]).json()
    assert [(flow["id"], "source" in flow) for flow in stored] == [("one", False), ("two", False), ("three", False)]
    assert names(api, namespace) == ["three"]
    assert "[text/plain] not allowed" in message(api.post(url, content="x", headers=PLAIN), 415)
    assert message(api.post(url)) == "Invalid route params: Required Body [flows] not specified"


def test_flow_told_as_json(api: httpx.Client, namespace: str) -> None:
    created = api.post("flows", json=told(namespace)).json()
    updated = api.put(f"flows/{namespace}/one", json=told(namespace, description="new")).json()

    assert (created["revision"], "source" in created) == (1, False)
    assert (updated["revision"], updated["description"]) == (2, "new")
    assert message(api.put(f"flows/{namespace}/two", json=told(namespace, "two")), 404) == "Not Found"
    assert "[text/plain] not allowed" in message(api.put(f"flows/{namespace}/one", content="x", headers=PLAIN), 415)


@pytest.mark.parametrize("text", ["", "null", "- a", "a", "namespace: [1]", "id: 1\nnamespace: 2", "id: x\ntasks: 3"])
@pytest.mark.parametrize("path", ["flows", "flows/graph", "flows/bulk"])
def test_source_that_is_no_flow(api: httpx.Client, text: str, path: str) -> None:
    if (text, path) != ("", "flows/bulk"):
        answer = api.post(path, content=text, headers=YAML, params={"delete": "false"})
        assert message(answer).startswith("Invalid entity: ")


def test_key_that_comes_twice_passes_the_validator_only(api: httpx.Client, namespace: str) -> None:
    text = source(namespace, "one", "description: a", "description: b")

    (verdict,) = api.post("flows/validate", content=text, headers=YAML).json()
    assert "constraints" not in verdict
    assert "Duplicate field 'description'" in message(api.post("flows", content=text, headers=YAML))


def test_unknown_property_is_refused_at_an_update(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace))
    answer = api.put(f"flows/{namespace}/one", content=source(namespace, "one", "colour: blue"), headers=YAML)

    assert message(answer).startswith('Invalid entity: Unrecognized field "colour"')
    assert message(api.put(f"flows/{namespace}/two", content=source(namespace), headers=YAML), 404) == "Not Found"


def test_source_is_searched(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace))
    found = api.get("flows/source", params={"q": "hello", "namespace": namespace}).json()

    assert found["total"] == 1
    assert found["results"][0]["model"]["id"] == "one"
    assert "[mark]hello[/mark]" in found["results"][0]["fragments"][0]
    assert api.get("flows/source", params={"q": "goodbye", "namespace": namespace}).json()["total"] == 0


def test_namespaces_that_have_flows(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace))
    assert api.get("flows/distinct-namespaces", params={"q": namespace}).json() == [namespace]
    assert namespace in api.get("flows/distinct-namespaces").json()


def test_scope_of_a_search(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace))
    for of_namespace, of_scope in (
        ("namespace", "scope"),
        ("filters[namespace][EQUALS]", "filters[scope][EQUALS]"),
    ):
        for scope, total in (("USER", 1), ("SYSTEM", 0)):
            params = {of_namespace: namespace, of_scope: scope}
            assert api.get("flows/search", params=params).json()["total"] == total


def test_flows_with_deprecated_tasks(api: httpx.Client, namespace: str) -> None:
    old = "io.kestra.core.tasks.log.Log"
    store(api, source(namespace, "old").replace(LOG, old))
    store(api, source(namespace, "new"))
    task = {"taskId": "say", "taskType": old, "replacement": LOG}
    entry = {"namespace": namespace, "flowId": "old", "revision": 1, "deprecatedTasks": [task]}

    assert api.get("flows/deprecated", params={"namespace": namespace}).json() == [entry]
    assert entry in api.get("flows/deprecated").json()


def test_revisions_are_deleted(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace))
    url = f"flows/{namespace}/one"
    for number in (2, 3):
        api.put(url, content=source(namespace, "one", f"description: '{number}'"), headers=YAML)
    assert api.delete(f"{url}/revisions", params={"revisions": "1,2"}).status_code == 204
    assert [flow["revision"] for flow in api.get(f"{url}/revisions").json()] == [3]
    assert [flow["revision"] for flow in api.get(f"{url}/revisions?allowDelete=true").json()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("params", "status", "text"),
    [
        ({}, 422, "Invalid route params: Required QueryValue [revisions] not specified"),
        ({"revisions": "0"}, 422, "Invalid entity: deleteRevisions.revisions[0]<list element>: must be greater than "),
        ({"revisions": "x"}, 422, "Internal server error: Failed to convert argument [revisions] for value [x] due to"),
        ({"revisions": "1"}, 404, "Not Found"),
    ],
)
def test_revisions_that_cannot_be_deleted(api: httpx.Client, params: dict[str, str], status: int, text: str) -> None:
    assert message(api.delete("flows/nowhere/nothing/revisions", params=params), status).startswith(text)


def test_revisions_of_a_flow_that_is_not_there(api: httpx.Client) -> None:
    answer = api.get("flows/nowhere/nothing/revisions")
    assert (answer.status_code, answer.json()) == (200, [])


def test_task_is_read_and_replaced(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace))
    url = f"flows/{namespace}/one"
    task = {"id": "say", "type": LOG, "message": "new"}

    assert api.patch(f"{url}/say", json=task).json()["revision"] == 2
    assert api.get(f"{url}/tasks/say").json()["message"] == "new"
    assert api.get(f"{url}/tasks/say", params={"revision": 1}).json()["message"] == "hello"
    for path in (f"{url}/tasks/other", f"flows/{namespace}/two/tasks/say"):
        assert message(api.get(path), 404) == "Not Found"


@pytest.mark.parametrize(
    ("path", "task", "status", "text"),
    [
        ("two/say", {"id": "say", "type": LOG, "message": "new"}, 404, "Not Found"),
        ("one/other", {"id": "other", "type": LOG, "message": "new"}, 404, "Not Found"),
        (
            *("one/say", {"id": "other", "type": LOG, "message": "new"}, 422),
            "Illegal argument: Invalid taskId, previous 'say' & current 'other'",
        ),
        ("one/say", {"id": "say", "type": LOG}, 422, "Invalid entity: message: must not be null\n"),
        ("one/say", {"id": "say", "type": "nothing"}, 422, "Invalid json: Could not resolve type id 'nothing'"),
    ],
)
def test_task_that_cannot_be_replaced(
    api: httpx.Client, namespace: str, path: str, task: dict[str, str], status: int, text: str
) -> None:
    store(api, source(namespace))
    assert message(api.patch(f"flows/{namespace}/{path}", json=task), status).startswith(text)


def test_flows_are_disabled_enabled_and_deleted_by_their_ids(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace, "one"))
    store(api, source(namespace, "two", "disabled: true"))
    ids = [{"namespace": namespace, "id": name} for name in ("one", "two")]

    assert api.post("flows/disable/by-ids", json=ids).json() == {"count": 1}
    assert api.get(f"flows/{namespace}/one").json()["disabled"]
    assert api.post("flows/enable/by-ids", json=ids).json() == {"count": 2}
    assert not api.get(f"flows/{namespace}/two").json()["disabled"]
    assert api.request("DELETE", "flows/delete/by-ids", json=ids).json() == {"count": 2}
    assert names(api, namespace) == []
    assert message(api.request("DELETE", "flows/delete/by-ids", json=ids), 404) == "Not Found: No value present"
    assert message(api.post("flows/disable/by-ids", json=["one"])).startswith("Invalid json: ")


def test_flows_are_disabled_enabled_and_deleted_by_a_search(api: httpx.Client, namespace: str) -> None:
    store(api, source(namespace, "one"))
    store(api, source(namespace, "two", "labels: {team: blue}"))
    blue = {"namespace": namespace, "labels": "team:blue"}
    everything = {"filters[namespace][EQUALS]": namespace}

    assert api.post("flows/disable/by-query", params=blue).json() == {"count": 1}
    assert api.post("flows/enable/by-query", params=everything).json() == {"count": 1}
    assert api.delete("flows/delete/by-query", params=blue).json() == {"count": 1}
    assert names(api, namespace) == ["one"]


def test_several_documents_are_checked(api: httpx.Client, namespace: str) -> None:
    deprecated = source(namespace, "old", "listeners: []").replace(LOG, "io.kestra.core.tasks.log.Log")
    other = source(namespace, "three", "revision: 7")
    answer = api.post("flows/validate", content=f"{deprecated}\n---\nid: [\n---\n{other}", headers=YAML).json()

    assert [entry["index"] for entry in answer] == [0, 1, 2]
    assert answer[0]["infos"] == [f"io.kestra.core.tasks.log.Log is replaced by {LOG}"]
    assert answer[0]["deprecationPaths"] == ["listeners"]
    assert "constraints" in answer[1]
    assert (answer[2]["flow"], answer[2]["outdated"], "constraints" in answer[2]) == ("three", True, False)


def test_warnings_of_a_check(api: httpx.Client, namespace: str) -> None:
    subflow = f"  - {{id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: {namespace}, flowId: nothing}}"
    answer = api.post("flows/validate", content=source(namespace) + subflow, headers=YAML).json()
    assert answer[0]["warnings"] == [f"The subflow 'nothing' not found in namespace '{namespace}'."]


def test_files_are_checked(api: httpx.Client, namespace: str) -> None:
    files = [("flows", ("one.yml", source(namespace))), ("flows", ("two.yml", "id: two"))]
    answer = api.post("flows/validate", files=files).json()

    assert [(entry["filename"], "constraints" in entry) for entry in answer] == [("one.yml", False), ("two.yml", True)]


@pytest.mark.parametrize(
    ("path", "body", "constraints"),
    [
        ("task", {"id": "a", "type": LOG, "message": "x"}, None),
        ("task", {"id": "a", "type": LOG}, "message: must not be null\n"),
        ("task", {"id": "a", "type": "nothing"}, "Invalid type: nothing"),
        ("trigger", {"id": "a", "type": "io.kestra.plugin.core.trigger.Schedule", "cron": "@daily"}, None),
        ("trigger", {"id": "a", "type": "io.kestra.plugin.core.trigger.Schedule"}, "cron: must not be null\n"),
        (
            *("trigger", {"id": "a", "type": LOG, "message": "x"}),
            f"Unable to validate the trigger: Cannot cast {LOG} to io.kestra.core.models.triggers.AbstractTrigger",
        ),
        ("task?section=TASKS", f"id: a\ntype: {LOG}\nmessage: x", None),
        ("task?section=TRIGGERS", "id: a\ntype: io.kestra.plugin.core.trigger.Schedule", "cron: must not be null\n"),
    ],
)
def test_task_or_trigger_is_checked(api: httpx.Client, path: str, body: Any, constraints: str | None) -> None:
    sent = {"content": body, "headers": YAML} if isinstance(body, str) else {"json": body}
    answer = api.post(f"flows/validate/{path}", **sent)
    assert answer.status_code == 200
    assert answer.json().get("constraints") == constraints


def test_section_of_a_check_is_needed(api: httpx.Client) -> None:
    missing = api.post("flows/validate/task", content="id: a", headers=YAML)
    wrong = api.post("flows/validate/task", content="id: a", headers=YAML, params={"section": "LISTENERS"})

    assert message(missing) == "Invalid route params: Required QueryValue [section] not specified"
    assert message(wrong).endswith("No enum constant TaskValidationType.LISTENERS")
