"""The endpoints of triggers answer as a real server did, and change what the scheduler does."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest

from tests.engine.replay import Replay
from tests.engine.scheduling import HOOKED, LOCKED, daily, deploy, executions, known, states, until

JSON = {"content-type": "application/json"}


def search(api: httpx.Client, namespace: str, **params: str) -> list[tuple[str, str]]:
    """Return flow and id of the triggers that a search in a namespace finds."""
    # Where there is a filter, older parameters do not count.
    place = "filters[namespace][EQUALS]" if any(name.startswith("filters[") for name in params) else "namespace"
    params = {place: namespace, "sort": "flowId:asc", **params}
    found = api.get("triggers/search", params=params).raise_for_status().json()["results"]
    return [(entry["triggerContext"]["flowId"], entry["triggerContext"]["triggerId"]) for entry in found]


def lock(api: httpx.Client, namespace: str) -> Any:
    """Return the state of a trigger that is locked by the execution it has started."""
    deploy(api, LOCKED.format(namespace=namespace))
    return until(lambda: states(api, namespace, "locked").get("often"), lambda state: state and "executionId" in state)


def test_life_of_a_trigger(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("scheduled")
    known(api, replay.namespace, "scheduled", "daily")
    known(api, replay.namespace, "scheduled", "never")
    replay.same("117")
    replay.same("119")
    # The backfill is over when its execution has ended, which unlocks the trigger.
    free = {"executionId", "backfill"}.isdisjoint
    until(lambda: states(api, replay.namespace, "scheduled")["daily"], free)
    replay.same("120")
    for number in ("121", "122", "123", "124"):
        replay.same(number)


def test_search_as_recorded(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("scheduled", "hello_world")
    for flow, trigger in (("scheduled", "daily"), ("scheduled", "never"), ("hello_world", "daily")):
        known(api, replay.namespace, flow, trigger)
    body = replay.same("118")
    assert body["total"] == 3
    # Disabled in the flow's YAML only: the state does not tell it, the definition does.
    disabled = {
        (entry["triggerContext"]["flowId"], entry["abstractTrigger"].get("disabled")) for entry in body["results"]
    }
    assert disabled == {("scheduled", None), ("scheduled", True), ("hello_world", True)}
    assert not any(entry["triggerContext"]["disabled"] for entry in body["results"])


def test_triggers_are_found_by_every_filter(api: httpx.Client, namespace: str) -> None:
    one, two = daily(api, namespace, "one"), daily(api, namespace, "two")
    api.put("triggers", json={**two, "disabled": True}).raise_for_status()

    assert search(api, namespace) == [("one", "daily"), ("two", "daily")]
    for params, expected in (
        ({"filters[flowId][EQUALS]": "one"}, ["one"]),
        ({"filters[flowId][NOT_EQUALS]": "one"}, ["two"]),
        ({"filters[flowId][IN]": "one,two"}, ["one", "two"]),
        ({"filters[triggerId][CONTAINS]": "ail"}, ["one", "two"]),
        ({"filters[triggerState][EQUALS]": "disabled"}, ["two"]),
        ({"filters[triggerState][EQUALS]": "enabled"}, ["one"]),
        ({"filters[workerId][EQUALS]": "nobody"}, []),
        ({"filters[scope][EQUALS]": "USER"}, ["one", "two"]),
        ({"filters[startDate][GREATER_THAN]": "2026-01-01T00:00:00Z"}, ["one"]),
        ({"filters[startDate][LESS_THAN]": "2026-01-01T00:00:00Z"}, []),
        ({"filters[q][EQUALS]": "one"}, ["one"]),
        ({"q": "two"}, ["two"]),
        ({"flowId": "one"}, ["one"]),
        ({"workerId": "nobody"}, []),
        ({"sort": "flowId:desc"}, ["two", "one"]),
        ({"size": "1", "page": "2"}, ["two"]),
        ({"sort": "nextExecutionDate:desc", "filters[triggerState][EQUALS]": "enabled"}, ["one"]),
    ):
        assert [flow for flow, _ in search(api, namespace, **params)] == expected, params
    found = api.get(f"triggers/{namespace}/one", params={"q": "daily", "sort": "triggerId:asc"}).json()
    assert (found["total"], found["results"][0]["flowId"]) == (1, one["flowId"])
    assert api.get(f"triggers/{namespace}/one", params={"q": "other"}).json()["total"] == 0


@pytest.mark.parametrize(
    "params",
    [
        {"filters[startDate][EQUALS]": "yesterday"},
        {"filters[startDate][IN]": "2026-01-01T00:00:00Z"},
        {"filters[nothing][EQUALS]": "x"},
        {"filters[state][EQUALS]": "SUCCESS"},
        {"filters[scope][EQUALS]": "x"},
        {"filters[flowId][GREATER_THAN]": "x"},
        {"sort": "nothing:asc"},
        {"page": "-1"},
        {"size": "x"},
    ],
)
def test_searches_that_make_no_sense_are_refused(api: httpx.Client, params: dict[str, str]) -> None:
    assert api.get("triggers/search", params=params).status_code == 422


def test_trigger_without_a_definition(api: httpx.Client, namespace: str) -> None:
    # A webhook has no state: the scheduler does not deal with it.
    deploy(api, HOOKED.format(namespace=namespace))
    place = {"tenantId": "main", "namespace": namespace, "flowId": "hooked", "triggerId": "hook"}

    assert api.get(f"triggers/{namespace}/hooked").json() == {"results": [], "total": 0}
    assert search(api, namespace) == []
    for answer in (
        api.put("triggers", json={**place, "disabled": True}),
        api.post(f"triggers/{namespace}/hooked/hook/unlock"),
        api.post(f"triggers/{namespace}/hooked/hook/restart"),
        api.delete(f"triggers/{namespace}/hooked/hook"),
    ):
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


def test_trigger_is_disabled_and_enabled(api: httpx.Client, namespace: str) -> None:
    place = daily(api, namespace)

    disabled = api.put("triggers", json={**place, "disabled": True}).json()
    assert (disabled["disabled"], "nextExecutionDate" in disabled) == (True, False)
    assert states(api, namespace, "scheduled")["daily"] == disabled
    assert api.put("triggers", json={**place, "disabled": True}).json() == disabled
    # Without the field a trigger is enabled, and the scheduler gives it its next date.
    assert api.put("triggers", json=place).json()["disabled"] is False
    until(lambda: states(api, namespace, "scheduled")["daily"].get("nextExecutionDate"))


def test_update_of_what_is_not_there(api: httpx.Client, namespace: str) -> None:
    place = daily(api, namespace)
    deploy(api, HOOKED.format(namespace=namespace).partition("triggers:")[0])
    for change, message in (
        ({"flowId": "other"}, "Not Found: Flow of trigger daily not found"),
        ({"triggerId": "other"}, "Not Found: Flow scheduled has no trigger other"),
        ({"flowId": "hooked"}, "Not Found: Flow hooked has no trigger daily"),
    ):
        answer = api.put("triggers", json={**place, **change})
        assert (answer.status_code, answer.json()["message"]) == (404, message)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("PUT", "triggers", "newTrigger"),
        ("PUT", "triggers/backfill/pause", "trigger"),
        ("PUT", "triggers/backfill/unpause", "trigger"),
        ("POST", "triggers/backfill/delete", "trigger"),
        ("POST", "triggers/backfill/pause/by-triggers", "triggers"),
        ("POST", "triggers/unlock/by-triggers", "triggers"),
        ("DELETE", "triggers/delete/by-triggers", "triggers"),
        ("POST", "triggers/set-disabled/by-triggers", "setDisabledRequest"),
    ],
)
def test_bodies_that_make_no_sense_are_refused(api: httpx.Client, method: str, path: str, name: str) -> None:
    for content in ("{", '{"date": "yesterday"', '"text"', "[null]", "[[]]"):
        answer = api.request(method, path, content=content, headers=JSON)
        assert answer.status_code == 422, (content, answer.text)
    for content in ("", "null"):
        answer = api.request(method, path, content=content, headers=JSON)
        assert answer.status_code == 422
        assert answer.json()["message"] == f"Invalid route params: Required Body [{name}] not specified"
    assert api.request(method, path, content="x", headers={"content-type": "text/plain"}).status_code == 415


def test_locked_trigger_is_unlocked(api: httpx.Client, namespace: str) -> None:
    locked = lock(api, namespace)
    unlocked = api.post(f"triggers/{namespace}/locked/often/unlock").raise_for_status().json()

    assert (unlocked["triggerId"], "executionId" in unlocked) == ("often", False)
    again = until(lambda: states(api, namespace, "locked")["often"].get("executionId"), lambda now: now is not None)
    assert again != locked["executionId"]
    until(lambda: len(executions(api, namespace, "locked")), lambda count: count == 2)


def test_restarted_trigger_goes_on(api: httpx.Client, namespace: str) -> None:
    daily(api, namespace)
    restarted = api.post(f"triggers/{namespace}/scheduled/daily/restart").raise_for_status().json()

    assert "date" not in restarted
    assert states(api, namespace, "scheduled")["daily"]["nextExecutionDate"] == restarted["nextExecutionDate"]


def test_deleted_trigger_is_gone(api: httpx.Client, namespace: str) -> None:
    daily(api, namespace)

    def delete() -> int:
        return api.delete(f"triggers/{namespace}/scheduled/daily").status_code

    assert delete() == 204
    # Kestra's scheduler, which looks at flows once a second, stores it again: it may do so in between.
    assert until(delete, lambda status: status == 404) == 404
    assert api.delete(f"triggers/{namespace}/scheduled/none").status_code == 404


def test_many_are_unlocked(api: httpx.Client, namespace: str) -> None:
    place = daily(api, namespace)
    locked = lock(api, namespace)
    query = {"filters[namespace][EQUALS]": namespace}

    # As on a real server: what is not locked does not count, what is not there does.
    missing = {**place, "triggerId": "other"}
    assert api.post("triggers/unlock/by-triggers", json=[place, locked, missing]).json() == {"count": 2}
    lock_again = until(lambda: states(api, namespace, "locked")["often"], lambda state: "executionId" in state)
    assert lock_again["executionId"] != locked["executionId"]
    assert api.post("triggers/unlock/by-query", params=query).json() == {"count": 1}
    assert api.post("triggers/unlock/by-query", params={**query, "filters[flowId][EQUALS]": "x"}).json() == {"count": 0}


def test_many_are_disabled(api: httpx.Client, namespace: str) -> None:
    one, two = daily(api, namespace, "one"), daily(api, namespace, "two")
    missing = [{**one, "flowId": "other"}, {**one, "triggerId": "other"}]
    query = {"namespace": namespace}

    def disabled() -> list[bool]:
        return [states(api, namespace, flow)["daily"]["disabled"] for flow in ("one", "two")]

    path = "triggers/set-disabled/by-triggers"
    assert api.post(path, json={"triggers": [one, *missing], "disabled": True}).json() == {"count": 3}
    assert disabled() == [True, False]
    assert api.post(path, json={"triggers": [one, two], "disabled": False}).json() == {"count": 2}
    assert disabled() == [False, False]
    assert api.post("triggers/set-disabled/by-query", params=query).json() == {"count": 2}
    assert disabled() == [True, True]
    assert api.post("triggers/set-disabled/by-query", params={**query, "disabled": "false"}).json() == {"count": 2}
    assert disabled() == [False, False]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"disabled": True}, "triggers: must not be null"),
        ({"triggers": [], "disabled": True}, "triggers: must not be empty"),
        ({"triggers": [{"flowId": "x"}]}, "disabled: must not be null"),
    ],
)
def test_what_is_to_be_disabled_must_be_told(api: httpx.Client, body: dict[str, Any], reason: str) -> None:
    answer = api.post("triggers/set-disabled/by-triggers", json=body)

    assert answer.status_code == 422
    assert answer.json()["message"] == f"Invalid entity: disabledTriggersByIds.setDisabledRequest.{reason}"
    for wrong in (
        {"triggers": 3, "disabled": True},
        {"triggers": [None], "disabled": True},
        {"triggers": [{}], "disabled": "x"},
    ):
        assert api.post("triggers/set-disabled/by-triggers", json=wrong).status_code == 422


def test_many_are_deleted(api: httpx.Client, namespace: str) -> None:
    places = [daily(api, namespace, flow) for flow in ("one", "two", "three")]
    # The scheduler makes the trigger of a flow anew, a moment after it was deleted; that one is not disabled.
    api.post("triggers/set-disabled/by-triggers", json={"triggers": places, "disabled": True}).raise_for_status()

    def disabled() -> list[str]:
        found = api.get("triggers/search", params={"namespace": namespace}).json()["results"]
        return sorted(item["triggerContext"]["flowId"] for item in found if item["triggerContext"]["disabled"])

    assert disabled() == ["one", "three", "two"]
    missing = {**places[0], "triggerId": "other"}
    named = api.request("DELETE", "triggers/delete/by-triggers", json=[places[0], missing])
    assert named.json() == {"count": 1}
    assert disabled() == ["three", "two"]
    # Open source reads the filters of the query; Kestra's description of the API has them in the body.
    query = {"filters[flowId][EQUALS]": "two", "filters[namespace][EQUALS]": namespace}
    assert api.delete("triggers/delete/by-query", params=query).json() == {"count": 1}
    assert disabled() == ["three"]
    filters = [
        {"field": "namespace", "operation": "EQUALS", "value": namespace},
        {"field": "TRIGGER_ID", "operation": "IN", "value": ["daily"]},
    ]
    assert api.request("DELETE", "triggers/delete/by-query", json={"filters": filters}).json()["count"] >= 1
    assert disabled() == []
    unknown = {"field": "nothing", "operation": "EQUALS", "value": "x"}
    bodies: list[Any] = [{"filters": items} for items in ([None], [unknown], [{"field": "namespace"}], 1)]
    for wrong in (*bodies, []):
        assert api.request("DELETE", "triggers/delete/by-query", json=wrong).status_code == 422


def test_triggers_are_exported(api: httpx.Client, namespace: str) -> None:
    place = daily(api, namespace, "one")
    two = daily(api, namespace, "two")
    api.put("triggers", json={**two, "disabled": True}).raise_for_status()

    answer = api.get("triggers/export/by-query/csv", params={"filters[namespace][EQUALS]": namespace})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == "attachment; filename=triggers.csv"
    rows = {row["flowId"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert {name: rows["one"][name] for name in place} == place
    assert (rows["one"]["disabled"], rows["two"]["disabled"]) == ("false", "true")
    nothing = api.get("triggers/export/by-query/csv", params={"filters[namespace][EQUALS]": "nowhere"})
    assert (nothing.status_code, nothing.text) == (200, "")
