"""Kestra's own Python SDK drives triggers and webhooks of the embedded engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.engine.scheduling import HOOKED, LOCKED, PAUSE, daily, deploy, executions, states, until

BACKFILL = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z", "paused": True}


@pytest.fixture
def kestrapy() -> Any:
    return pytest.importorskip("kestrapy")


@pytest.fixture
def filters(kestrapy: Any, namespace: str) -> list[Any]:
    """Return the filter that finds the triggers of the test's namespace."""
    # The SDK's model of a value is an object, though values are texts: without its checks it sends what is right.
    field, operation = kestrapy.QueryFilterField.NAMESPACE, kestrapy.QueryFilterOp.EQUALS
    return [kestrapy.QueryFilter.model_construct(var_field=field, operation=operation, value=namespace)]


def count(answer: dict[str, Any]) -> int:
    """Return how many triggers are changed: 2.0 only says how many it will change."""
    return int(answer["totalItems"] if "operationId" in answer else answer["count"])


def becomes(ask: Callable[[], Any], wished: Any) -> None:
    """Return when something is so; 2.0 changes triggers after it has answered."""
    until(ask, lambda found: bool(found == wished))


def test_triggers_are_found_and_exported(sdk: Any, api: httpx.Client, namespace: str, filters: list[Any]) -> None:
    place = daily(api, namespace)

    found = sdk.triggers.search_triggers("main", page=1, size=5, sort=["triggerId:asc"], filters=filters)
    # The state of a trigger has another name on 2.0.
    assert [(entry.get("triggerContext") or entry["state"])["flowId"] for entry in found["results"]] == ["scheduled"]
    found = sdk.triggers.search_triggers_for_flow("main", namespace, "scheduled", page=1, size=5, q="daily")
    assert found["results"][0]["triggerId"] == place["triggerId"]
    assert namespace in sdk.triggers.export_triggers("main", filters=filters)


def test_triggers_are_disabled(sdk: Any, api: httpx.Client, kestrapy: Any, namespace: str, filters: list[Any]) -> None:
    daily(api, namespace)
    # The SDK's model wants dates, which the whole state of a trigger has.
    state = states(api, namespace, "scheduled")["daily"]
    request = kestrapy.TriggerControllerSetDisabledRequest.from_dict({"triggers": [state], "disabled": True})

    def disabled() -> bool:
        return bool(states(api, namespace, "scheduled")["daily"]["disabled"])

    assert count(sdk.triggers.disabled_triggers_by_ids("main", request)) == 1
    becomes(disabled, True)
    assert count(sdk.triggers.disabled_triggers_by_query("main", disabled=False, filters=filters)) == 1
    becomes(disabled, False)


def test_triggers_are_unlocked_and_restarted(sdk: Any, api: httpx.Client, namespace: str, filters: list[Any]) -> None:
    def locked() -> Any:
        return until(
            lambda: states(api, namespace, "locked").get("often"), lambda state: state and "executionId" in state
        )

    deploy(api, LOCKED.format(namespace=namespace))
    place = locked()
    unlocked = sdk.triggers.unlock_trigger("main", namespace, "locked", "often")
    # The schedule may have fired again before Kestra 2.0 reads what it answers.
    assert unlocked.get("executionId") != place["executionId"]
    locked()
    assert count(sdk.triggers.unlock_triggers_by_ids("main", [place])) == 1
    locked()
    assert count(sdk.triggers.unlock_triggers_by_query("main", filters=filters)) == 1
    assert sdk.triggers.restart_trigger("main", namespace, "locked", "often")["triggerId"] == "often"


def test_backfills(sdk: Any, api: httpx.Client, namespace: str, filters: list[Any]) -> None:
    # No execution of it ends: Kestra 1.3 may lose what is changed just then, see `TestBackfill.change`.
    place = daily(api, namespace, task=PAUSE)
    # The SDK has no method that starts a backfill.
    start = {**place, "backfill": {**BACKFILL, "start": "2001-01-01T00:00:00Z"}}
    triggers = sdk.triggers

    def backfill() -> Any:
        return states(api, namespace, "scheduled")["daily"].get("backfill")

    def paused() -> Any:
        return backfill()["paused"]

    def started() -> None:
        api.put("triggers", json=start).raise_for_status()
        until(backfill)

    started()
    assert triggers.unpause_backfill("main", place)["backfill"]["paused"] is False
    becomes(paused, False)
    assert triggers.pause_backfill("main", place)["backfill"]["paused"] is True
    becomes(paused, True)
    assert count(triggers.unpause_backfill_by_ids("main", [place])) == 1
    becomes(paused, False)
    assert count(triggers.pause_backfill_by_ids("main", [place])) == 1
    becomes(paused, True)
    assert count(triggers.unpause_backfill_by_query("main", filters=filters)) == 1
    becomes(paused, False)
    assert count(triggers.pause_backfill_by_query("main", filters=filters)) == 1
    becomes(paused, True)
    assert "backfill" not in triggers.delete_backfill("main", place)
    becomes(backfill, None)
    started()
    assert count(triggers.delete_backfill_by_ids("main", [place])) == 1
    becomes(backfill, None)
    started()
    assert count(triggers.delete_backfill_by_query("main", filters=filters)) == 1
    becomes(backfill, None)


# The SDK warns of what its model of a filter gets wrong.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_triggers_are_deleted(sdk: Any, api: httpx.Client, kestrapy: Any, namespace: str, filters: list[Any]) -> None:
    flows = ("one", "two", "three")
    for flow in flows:
        place = daily(api, namespace, flow)

    sdk.triggers.delete_trigger("main", namespace, "one", "daily")
    assert count(sdk.triggers.delete_triggers_by_ids("main", [place])) == 1
    request = kestrapy.DeleteTriggersByQueryRequest.model_construct(filters=filters)

    def all_deleted() -> bool:
        # The scheduler makes them anew when any flow changes, that of another test, too.
        answer = sdk.triggers.delete_triggers_by_query("main", request)
        # 2.0 may still be deleting those that are found.
        assert ("count" in answer) <= count(answer) <= len(flows)
        return bool(sdk.triggers.search_triggers("main", filters=filters)["total"] == 0)

    assert until(all_deleted)


def test_webhooks(sdk: Any, api: httpx.Client, kestrapy: Any, namespace: str) -> None:
    deploy(api, HOOKED.format(namespace=namespace))
    place = ("main", namespace, "hooked", "some")

    answer = sdk.executions.trigger_execution_by_get_webhook(*place)
    assert (answer.flow_id, answer.trigger.id) == ("hooked", "hook")
    for call in (
        sdk.executions.trigger_execution_by_get_webhook_with_path,
        sdk.executions.trigger_execution_by_post_webhook_with_path,
        sdk.executions.trigger_execution_by_put_webhook_with_path,
    ):
        # Kestra's own webhook has no paths below its key.
        with pytest.raises(kestrapy.exceptions.NotFoundException):
            call(*place, "more")
    assert len(executions(api, namespace, "hooked")) == 1
