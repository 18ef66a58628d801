"""The endpoints that pause, go on with and end backfills."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.scheduling import daily, states

# Nothing of it is executed, since it is paused from its begin.
PAUSED = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z", "paused": True}


def backfill(api: httpx.Client, namespace: str, flow: str = "scheduled") -> Any:
    """Return the backfill of a trigger, none where it has none."""
    return states(api, namespace, flow)["daily"].get("backfill")


def paused(api: httpx.Client, namespace: str, flow: str = "scheduled") -> dict[str, Any]:
    """Store a flow with a schedule whose backfill is paused, and return how a request names its trigger."""
    place = daily(api, namespace, flow)
    api.put("triggers", json={**place, "backfill": PAUSED}).raise_for_status()
    return place


def test_life_of_a_backfill(api: httpx.Client, namespace: str) -> None:
    place = daily(api, namespace)
    before = states(api, namespace, "scheduled")["daily"]["nextExecutionDate"]

    started = api.put("triggers", json={**place, "backfill": {**PAUSED, "labels": {"a": "b"}}}).json()
    assert started["nextExecutionDate"] == "2026-01-01T09:00:00Z"
    assert started["backfill"] == {
        **PAUSED,
        "currentDate": "2026-01-01T00:00:00Z",
        "labels": [{"key": "a", "value": "b"}],
        "previousNextExecutionDate": before,
    }
    # Pausing what is paused is no mistake.
    assert api.put("triggers/backfill/pause", json=place).json()["backfill"]["paused"] is True
    ended = api.post("triggers/backfill/delete", json=place).json()
    assert (ended["nextExecutionDate"], "backfill" in ended) == (before, False)
    assert backfill(api, namespace) is None


def test_backfill_goes_on(api: httpx.Client, namespace: str) -> None:
    place = daily(api, namespace)
    # So long that it cannot end before it is looked at.
    long = {**PAUSED, "start": "2001-01-01T00:00:00Z"}
    api.put("triggers", json={**place, "backfill": long}).raise_for_status()

    assert api.put("triggers/backfill/unpause", json=place).json()["backfill"]["paused"] is False
    assert api.put("triggers/backfill/pause", json=place).json()["backfill"]["paused"] is True
    assert api.post("triggers/backfill/delete", json=place).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "triggers/backfill/pause"), ("PUT", "triggers/backfill/unpause"), ("POST", "triggers/backfill/delete")],
)
def test_backfill_that_is_not_there(api: httpx.Client, namespace: str, method: str, path: str) -> None:
    place = daily(api, namespace)

    answer = api.request(method, path, json=place)
    assert (answer.status_code, answer.json()["message"]) == (400, "Bad Request: No backfill found")
    answer = api.request(method, path, json={**place, "triggerId": "other"})
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


@pytest.mark.parametrize(("action", "left"), [("pause", [True, None]), ("delete", [None, None])])
@pytest.mark.parametrize("by", ["by-triggers", "by-query"])
def test_many_backfills(api: httpx.Client, namespace: str, action: str, by: str, left: list[Any]) -> None:
    one, two = paused(api, namespace, "one"), daily(api, namespace, "two")
    path = f"triggers/backfill/{action}/{by}"

    if by == "by-query":
        assert api.post(path, params={"filters[namespace][EQUALS]": namespace}).json() == {"count": 1}
    else:
        # As on a real server: a trigger without a backfill does not count, one that is not there does.
        assert api.post(path, json=[one, two, {**one, "triggerId": "other"}]).json() == {"count": 2}
    found = [backfill(api, namespace, flow) for flow in ("one", "two")]
    assert [item and item["paused"] for item in found] == left


@pytest.mark.parametrize("by", ["by-triggers", "by-query"])
def test_many_backfills_go_on(api: httpx.Client, namespace: str, by: str) -> None:
    place = daily(api, namespace)
    long = {**PAUSED, "start": "2001-01-01T00:00:00Z"}
    api.put("triggers", json={**place, "backfill": long}).raise_for_status()
    path, query = f"triggers/backfill/unpause/{by}", {"filters[flowId][EQUALS]": "scheduled", "q": namespace}
    query["filters[namespace][EQUALS]"] = namespace

    answer = api.post(path, params=query) if by == "by-query" else api.post(path, json=[place])
    assert answer.json() == {"count": 1}
    assert backfill(api, namespace)["paused"] is False
    assert api.post("triggers/backfill/delete", json=place).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"end": "2026-01-03T00:00:00Z"}, 400),
        ({"start": "yesterday"}, 422),
        ({"start": "2026-01-01T00:00:00Z", "labels": 3}, 422),
        ({"start": "2026-01-01T00:00:00Z", "inputs": "x"}, 422),
        ("x", 422),
    ],
)
def test_backfill_that_makes_no_sense_is_refused(api: httpx.Client, namespace: str, wrong: Any, status: int) -> None:
    place = daily(api, namespace)

    assert api.put("triggers", json={**place, "backfill": wrong}).status_code == status
    assert backfill(api, namespace) is None
