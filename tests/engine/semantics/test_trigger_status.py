"""What a server tells of a trigger is right when it is asked for the first time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import yaml

from pytest_kestra import FlowError, Kestra, KestraError, TriggerStatus
from pytest_kestra.run.triggers import status
from pytest_kestra.run.waiting import poll
from tests.engine.lines import is_two

CORE = "io.kestra.plugin.core."
SHOW = {"id": "show", "type": f"{CORE}debug.Return", "format": "x"}
PAUSE = {"id": "show", "type": f"{CORE}flow.Pause"}
EVERY_SECOND: dict[str, Any] = {"cron": "* * * * * *", "withSeconds": True}


def flow(*triggers: dict[str, Any], task: dict[str, Any] = SHOW, **more: Any) -> str:
    made = {"id": "watched", "namespace": "company.team", **more, "tasks": [task], "triggers": list(triggers)}
    return yaml.safe_dump(made, sort_keys=False)


def schedule(cron: str = "@yearly", **more: Any) -> dict[str, Any]:
    return {"id": "timed", "type": f"{CORE}trigger.Schedule", "cron": cron, **more}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scheduler take its time to know what was changed."""
    monkeypatch.setattr(status, "CHANGED_S", 60.0)


def test_of_a_flow_just_deployed(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow(schedule(timezone="Europe/Berlin"))).trigger("timed")
    told = trigger.status()

    assert told.enabled
    assert [told.next_date] == trigger.next_dates(1)
    assert told.next_date is not None
    assert told.next_date.isoformat().endswith("-01-01T00:00:00+01:00")
    if is_two(kestra.client):  # which has evaluated nothing yet
        assert told.last_date is None
    else:
        assert told.last_date is not None
        assert datetime.now(timezone.utc) - told.last_date < timedelta(minutes=2)
    assert (told.execution_id, told.backfill, told.locked) == (None, None, False)


def test_of_a_flow_just_changed(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow(schedule()))
    assert deployed.trigger("timed").status().enabled
    for cron in ("0 9 1 1 *", "0 9 1 * *", "0 9 1 7 *", "0 9 1 1,7 *"):
        trigger = deployed.update(flow(schedule(cron))).trigger("timed")
        assert [trigger.status().next_date] == trigger.next_dates(1)


def test_of_a_trigger_that_waits_for_its_execution(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow(schedule(**EVERY_SECOND), task=PAUSE))
    (running,) = poll(deployed.executions, bool, 60)
    told = deployed.trigger("timed").status()

    assert (told.execution_id, told.locked) == (running.id, True)
    assert running.trigger is not None
    assert told.last_date == datetime.fromisoformat(running.trigger["variables"]["date"].replace("Z", "+00:00"))


def test_switch(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow(schedule())).trigger("timed")
    disabled = trigger.disable()

    assert (disabled.enabled, disabled.next_date) == (False, None)
    assert trigger.status() == trigger.disable() == disabled
    enabled = trigger.enable()
    assert enabled.enabled
    # Kestra 1.3 leaves one date out: its issue 6681.
    left_out = 0 if is_two(kestra.client) else 1
    assert enabled.next_date == trigger.next_dates(2)[left_out]
    assert trigger.enable() == enabled


def test_switch_stops_the_schedule(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow(schedule(**EVERY_SECOND)))
    kestra.wait_for_execution(deployed)
    trigger = deployed.trigger("timed")
    trigger.disable()
    # Whatever was under way when it was set.
    count = len(deployed.executions())
    clock = kestra.deploy(flow(schedule(**EVERY_SECOND), id="clock"))
    for _ in range(2):
        kestra.wait_for_execution(clock)
    assert len(deployed.executions()) <= count + 1

    before = len(deployed.executions())
    trigger.enable()
    assert len(poll(deployed.executions, lambda found: len(found) > before, 60)) > before


@pytest.mark.parametrize("of", ["the trigger", "the flow"])
def test_of_what_the_flow_disables(kestra: Kestra, of: str) -> None:
    source = flow(schedule(disabled=True)) if of == "the trigger" else flow(schedule(), disabled=True)
    line = source.splitlines().index(next(line for line in source.splitlines() if "disabled" in line)) + 1
    trigger = kestra.deploy(source).trigger("timed")

    told = trigger.status()
    assert (told.enabled, told.next_date) == (False, None)
    with pytest.raises(
        FlowError, match=rf"^<text>:{line}: the flow disables the trigger 'timed', and the server's switch"
    ):
        trigger.enable()
    assert trigger.disable().enabled is False


def test_of_a_schedule_that_stops_after_a_failure(kestra: Kestra) -> None:
    fail = {"id": "show", "type": f"{CORE}execution.Fail"}
    deployed = kestra.deploy(flow(schedule(**EVERY_SECOND, stopAfter=["FAILED"]), task=fail))
    assert kestra.wait_for_execution(deployed).state == "FAILED"
    trigger = deployed.trigger("timed")
    told = poll(trigger.status, lambda found: not found.enabled, 60)

    assert (told.enabled, told.next_date) == (False, None)


def test_of_triggers_that_no_scheduler_looks_at(kestra: Kestra) -> None:
    deployed = kestra.deploy(
        flow(
            {"id": "hook", "type": f"{CORE}trigger.Webhook", "key": "k"},
            {"id": "after", "type": f"{CORE}trigger.Flow", "disabled": True, "states": ["SUCCESS"]},
        )
    )

    assert deployed.trigger("hook").status() == TriggerStatus(enabled=True)
    assert deployed.trigger("after").status() == TriggerStatus(enabled=False)
    with pytest.raises(
        KestraError, match=r"^<text>:\d+: the trigger 'hook' is a .*Webhook, for which the server has no"
    ):
        deployed.trigger("hook").disable()


def test_of_a_trigger_that_polls(kestra: Kestra) -> None:
    deployed = kestra.deploy(
        flow({"id": "polls", "type": f"{CORE}http.Trigger", "uri": "http://127.0.0.1:9/", "interval": "PT1H"})
    )
    told = deployed.trigger("polls").status()

    assert told.enabled
    assert told.next_date is not None
    assert deployed.trigger("polls").disable().enabled is False


def test_of_a_flow_that_is_gone(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = kestra.deploy(flow(schedule()))
    trigger = deployed.trigger("timed")
    assert trigger.status().enabled
    deployed.delete()
    # The scheduler forgets it a moment later.
    poll(lambda: kestra.client.triggers.states(deployed.namespace, "watched"), lambda found: not found, 60)
    monkeypatch.setattr("pytest_kestra.run.triggers.status.KNOWN_S", 0.1)
    with pytest.raises(KestraError, match=r"does not know the trigger 'timed' after 0.1 s\. Does it run, and is the"):
        trigger.status()
