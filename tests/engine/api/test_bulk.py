"""The endpoints that act on many executions: those that are named, and those that a query finds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.running import GATED, PAUSED, SLEEPER, WORD, came, current, kill, put, ran, start, state, value
from tests.engine.scheduling import deploy, executions, until, update

LIMITED = """\
id: limited
namespace: {namespace}
concurrency: {{behavior: QUEUE, limit: 1}}
tasks:
  - {{id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}}
"""
BY = ("by-ids", "by-query")


def send(api: httpx.Client, method: str, path: str, *ids: str, namespace: str, **params: str) -> httpx.Response:
    """Send a request for executions by their ids, or for all of a namespace, as the path says."""
    if path.endswith("by-ids"):
        return api.request(method, f"executions/{path}", json=list(ids), params=params)
    query = {"filters[namespace][EQUALS]": namespace, **params}
    return api.request(method, f"executions/{path}", params=query)


def reasons(answer: httpx.Response) -> dict[str, str]:
    """Return why executions were refused, by their ids."""
    assert answer.status_code == 400, answer.text
    return {item["invalidValue"]: item["message"] for item in answer.json()["invalids"]}


@pytest.fixture
def ended(api: httpx.Client, namespace: str) -> list[str]:
    """Return executions that have ended well."""
    deploy(api, WORD.format(namespace=namespace))
    return [ran(api, namespace, "word")["id"] for _ in range(2)]


@pytest.fixture
def running(api: httpx.Client, namespace: str) -> Any:
    """Return executions that run, and end them."""
    deploy(api, SLEEPER.format(namespace=namespace))
    ids = [start(api, namespace, "sleeper") for _ in range(2)]
    for execution_id in ids:
        came(api, execution_id, "RUNNING")
    yield ids
    kill(api, *ids)


@pytest.mark.parametrize("by", BY)
def test_delete(api: httpx.Client, namespace: str, ended: list[str], by: str) -> None:
    assert send(api, "DELETE", by, *ended, namespace=namespace).json() == {"count": 2}
    assert executions(api, namespace, "word") == []


@pytest.mark.parametrize("by", BY)
def test_delete_of_what_has_not_ended(api: httpx.Client, namespace: str, by: str) -> None:
    deploy(api, PAUSED.format(namespace=namespace))
    ids = [came(api, start(api, namespace, "paused"), "PAUSED")["id"] for _ in range(2)]

    refused = send(api, "DELETE", by, *ids, namespace=namespace)
    assert refused.json()["message"] == "invalid bulk delete"
    assert reasons(refused) == dict.fromkeys(ids, "execution not found")
    answer = send(api, "DELETE", by, *ids, namespace=namespace, includeNonTerminated="true")
    assert answer.json() == {"count": 2}
    assert executions(api, namespace, "paused") == []


@pytest.mark.parametrize("by", BY)
def test_kill(api: httpx.Client, namespace: str, running: list[str], by: str) -> None:
    assert send(api, "DELETE", f"kill/{by}", *running, namespace=namespace).json() == {"count": 2}
    assert [came(api, execution_id)["state"]["current"] for execution_id in running] == ["KILLED", "KILLED"]
    again = send(api, "DELETE", f"kill/{by}", *running, namespace=namespace)
    assert again.json()["message"] == "invalid bulk kill"
    assert reasons(again) == dict.fromkeys(running, "execution already finished")


@pytest.mark.parametrize("by", BY)
def test_pause_and_resume(api: httpx.Client, namespace: str, running: list[str], by: str) -> None:
    refused = send(api, "POST", f"resume/{by}", *running, namespace=namespace)
    assert refused.json()["message"] == "invalid bulk resume"
    assert reasons(refused) == dict.fromkeys(running, "execution not in state PAUSED")

    assert send(api, "POST", f"pause/{by}", *running, namespace=namespace).json() == {"count": 2}
    for execution_id in running:
        came(api, execution_id, "PAUSED")
    refused = send(api, "POST", f"pause/{by}", *running, namespace=namespace)
    assert refused.json()["message"] == "invalid bulk pause"
    assert reasons(refused) == dict.fromkeys(running, "execution not in state RUNNING")

    assert send(api, "POST", f"resume/{by}", *running, namespace=namespace).json() == {"count": 2}
    for execution_id in running:
        came(api, execution_id, "RUNNING")


def test_resume_of_pauses(api: httpx.Client, namespace: str) -> None:
    deploy(
        api,
        PAUSED.format(namespace=namespace).replace(
            "{id: reason, type: STRING}", "{id: reason, type: STRING, defaults: x}"
        ),
    )
    paused = came(api, start(api, namespace, "paused"), "PAUSED")["id"]

    assert send(api, "POST", "resume/by-ids", paused, namespace=namespace).json() == {"count": 1}
    # It gets no inputs this way, not even their defaults.
    assert came(api, paused)["state"]["current"] == "FAILED"


@pytest.mark.parametrize("by", BY)
def test_restart(api: httpx.Client, namespace: str, by: str) -> None:
    deploy(api, GATED.format(namespace=namespace))
    ids = [ran(api, namespace, "gated")["id"] for _ in range(2)]
    put(api, namespace, "gate", "open")

    assert send(api, "POST", f"restart/{by}", *ids, namespace=namespace).json() == {"count": 2}
    assert [value(came(api, execution_id, "SUCCESS"), "gate") for execution_id in ids] == ["open one"] * 2


@pytest.mark.parametrize("by", BY)
def test_restart_of_what_runs(api: httpx.Client, namespace: str, running: list[str], by: str) -> None:
    refused = send(api, "POST", f"restart/{by}", *running, namespace=namespace)
    assert refused.json()["message"] == "invalid bulk restart"
    assert reasons(refused) == dict.fromkeys(running, "execution not in state PAUSED or terminated")


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("latest", [False, True])
def test_replay(api: httpx.Client, namespace: str, ended: list[str], by: str, latest: bool) -> None:
    update(api, namespace, "word", WORD.format(namespace=namespace).replace("second {{", "changed {{"))
    params = {"latestRevision": "true"} if latest else {}

    assert send(api, "POST", f"replay/{by}", *ended, namespace=namespace, **params).json() == {"count": 2}
    new = until(
        lambda: [found for found in executions(api, namespace, "word") if found["id"] not in ended],
        lambda it: len(it) == 2,
    )
    texts = {value(came(api, found["id"]), "second") for found in new}
    assert texts == {"changed one" if latest else "second one"}
    assert {found["originalId"] for found in new} == set(ended)
    assert all("system.replayed" in str(current(api, execution_id)["labels"]) for execution_id in ended)


@pytest.mark.parametrize("by", BY)
def test_change_of_status(api: httpx.Client, namespace: str, ended: list[str], by: str) -> None:
    path = f"change-status/{by}"
    assert send(api, "POST", path, *ended, namespace=namespace, newStatus="WARNING").json() == {"count": 2}
    for execution_id in ended:
        came(api, execution_id, "WARNING")
    for params, message in (
        ({}, "Invalid route params: Required QueryValue [newStatus] not specified"),
        ({"newStatus": "DONE"}, "Internal server error: Failed to convert argument [newStatus] for value [DONE]"),
        ({"newStatus": "RUNNING"}, "Illegal argument: You can only change the state of an execution to a terminal"),
    ):
        answer = send(api, "POST", path, *ended, namespace=namespace, **params)
        assert (answer.status_code, answer.json()["message"][: len(message)]) == (422, message)


def test_change_of_status_of_what_runs(api: httpx.Client, namespace: str, running: list[str]) -> None:
    refused = send(api, "POST", "change-status/by-ids", *running, namespace=namespace, newStatus="SUCCESS")
    assert refused.json()["message"] == "invalid bulk change executions state"
    assert reasons(refused) == dict.fromkeys(running, "execution not in a terminated state")


@pytest.mark.parametrize("by", BY)
def test_unqueue(api: httpx.Client, namespace: str, by: str) -> None:
    deploy(api, LIMITED.format(namespace=namespace))
    first = start(api, namespace, "limited")
    came(api, first, "RUNNING")
    queued = [start(api, namespace, "limited") for _ in range(2)]
    for execution_id in queued:
        came(api, execution_id, "QUEUED")

    if by == "by-ids":
        refused = api.post("executions/unqueue/by-ids", json=[first, queued[0]])
        assert refused.json()["message"] == "invalid bulk unqueue"
        assert reasons(refused) == {first: "execution not in state QUEUED"}
        params, body = {"state": "CANCELLED"}, queued
        answer = api.post("executions/unqueue/by-ids", json=body, params=params)
    else:
        # Here `state` is what is searched for.
        params = {"namespace": namespace, "state": "QUEUED", "newState": "CANCELLED"}
        answer = api.post("executions/unqueue/by-query", params=params)
    assert answer.json() == {"count": 2}
    assert [came(api, execution_id)["state"]["current"] for execution_id in queued] == ["CANCELLED"] * 2
    assert state(api, first) == "RUNNING"
    kill(api, first)


@pytest.mark.parametrize("by", BY)
def test_force_run(api: httpx.Client, namespace: str, by: str) -> None:
    deploy(api, LIMITED.format(namespace=namespace))
    ids = [start(api, namespace, "limited") for _ in range(2)]
    until(lambda: sorted(str(state(api, execution_id)) for execution_id in ids) == ["QUEUED", "RUNNING"])

    assert send(api, "POST", f"force-run/{by}", *ids, namespace=namespace).json() == {"count": 2}
    for execution_id in ids:
        came(api, execution_id, "RUNNING")
    kill(api, *ids)
    refused = send(api, "POST", f"force-run/{by}", *ids, namespace=namespace)
    assert refused.json()["message"] == "invalid bulk force run"
    assert reasons(refused) == dict.fromkeys(ids, "execution in a terminated state")


def test_labels_by_ids_are_added(api: httpx.Client, ended: list[str]) -> None:
    api.post(f"executions/{ended[0]}/labels", json=[{"key": "a", "value": "1"}, {"key": "b", "value": "1"}])
    body = {"executionsId": ended, "executionLabels": [{"key": "b", "value": "2"}, {"key": "c", "value": "3"}]}
    assert api.post("executions/labels/by-ids", json=body).json() == {"count": 2}

    found = [{label["key"]: label["value"] for label in current(api, one)["labels"]} for one in ended]
    assert {key: text for key, text in found[0].items() if "system" not in key} == {"a": "1", "b": "2", "c": "3"}
    assert found[1]["system.correlationId"] == ended[1]
    assert api.post("executions/labels/by-ids", json={"executionsId": ended}).json() == {"count": 2}


def test_labels_by_query_are_added(api: httpx.Client, namespace: str, ended: list[str]) -> None:
    params = {"filters[namespace][EQUALS]": namespace}
    answer = api.post("executions/labels/by-query", json=[{"key": "team", "value": "red"}], params=params)

    assert answer.json() == {"count": 2}
    assert all({"key": "team", "value": "red"} in current(api, one)["labels"] for one in ended)
    wrong = api.post("executions/labels/by-query", json=[{"key": "", "value": "red"}], params=params)
    assert wrong.status_code == 422
    assert "setLabelsOnTerminatedExecutionsByQuery.setLabels[0].key" in wrong.json()["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"executionLabels": []}, "Invalid route params: Required Body [executionsId] not specified"),
        (
            {"executionsId": ["{id}"], "executionLabels": [{"key": "system.x", "value": "1"}]},
            "Illegal argument: System",
        ),
        ({"executionsId": ["{id}"], "executionLabels": "x"}, "Illegal argument: "),
        (["{id}"], "Invalid json"),
    ],
)
def test_wrong_labels_by_ids(api: httpx.Client, ended: list[str], body: Any, message: str) -> None:
    if isinstance(body, dict) and "executionsId" in body:
        body = {**body, "executionsId": [ended[0]]}
    answer = api.post("executions/labels/by-ids", json=body)
    assert (answer.status_code, answer.json()["message"][: len(message)]) == (422, message)


def test_labels_of_what_runs(api: httpx.Client, running: list[str]) -> None:
    body = {"executionsId": running, "executionLabels": [{"key": "team", "value": "red"}]}
    refused = api.post("executions/labels/by-ids", json=body)
    assert refused.json()["message"] == "invalid bulk set labels"
    assert reasons(refused) == dict.fromkeys(running, "execution is not terminated")


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("DELETE", ""),
        ("DELETE", "kill/"),
        ("POST", "pause/"),
        ("POST", "resume/"),
        ("POST", "restart/"),
        ("POST", "replay/"),
        ("POST", "change-status/"),
        ("POST", "unqueue/"),
        ("POST", "force-run/"),
    ],
)
def test_ids_that_are_none(api: httpx.Client, ended: list[str], method: str, action: str) -> None:
    path, params = f"executions/{action}by-ids", {"newStatus": "SUCCESS"}

    unknown = api.request(method, path, json=["nothing", ended[0]], params=params)
    assert reasons(unknown)["nothing"] == "execution not found"
    assert state(api, ended[0]) == "SUCCESS"
    assert api.request(method, path, json=[], params=params).json() == {"count": 0}
    for content in ("{", '{"ids": []}', "null", ""):
        headers = {"content-type": "application/json"}
        answer = api.request(method, path, content=content, headers=headers, params=params)
        assert answer.status_code == 422, content
    wrong = api.request(method, path, content="x", headers={"content-type": "text/plain"}, params=params)
    assert wrong.status_code == 415


def test_query_is_checked_before_anything_is_done(api: httpx.Client, ended: list[str]) -> None:
    answer = api.delete("executions/by-query", params={"state": "NOTHING"})
    assert (answer.status_code, "Failed to convert argument [state]" in answer.text) == (422, True)
    assert state(api, ended[0]) == "SUCCESS"


def test_old_parameters_choose_executions(api: httpx.Client, namespace: str, ended: list[str]) -> None:
    params = {"namespace": namespace, "flowId": "word", "state": "FAILED", "timeRange": "PT1H"}
    assert api.delete("executions/by-query", params=params).json() == {"count": 0}
    assert api.delete("executions/by-query", params={**params, "state": "SUCCESS"}).json() == {"count": 2}
    assert current(api, ended[0]) is None
