"""Schedules run over dates that have passed, and tests get what they made."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_kestra import ApiError, Execution, FlowError, InputError, Kestra, KestraError, UnknownNameError, WaitTimeout
from pytest_kestra.client.triggers import Triggers
from pytest_kestra.run.triggers import backfill, schedule
from tests.engine.lines import is_two

CORE = "io.kestra.plugin.core."
SHOW = {"id": "show", "type": f"{CORE}debug.Return", "format": "{{ inputs.name }} {{ trigger.date ?? 'none' }}"}
FAIL = {"id": "show", "type": f"{CORE}execution.Fail"}
PAUSE = {"id": "show", "type": f"{CORE}flow.Pause"}
NAME = {"id": "name", "type": "STRING", "defaults": "nobody"}


def flow(
    task: dict[str, Any] = SHOW, *, inputs: Any = (NAME,), of_flow: Any = None, given: Any = None, **trigger: Any
) -> str:
    """Return the source of a flow that a schedule starts at 9 o'clock each day, with its inputs, unless told otherwise.

    `given` are the values of inputs that the schedule gives.
    """
    daily = {"id": "daily", "type": f"{CORE}trigger.Schedule", "cron": "0 9 * * *", **trigger}
    if given:
        daily["inputs"] = given
    made = {"id": "late", "namespace": "company.team", **(of_flow or {}), "inputs": list(inputs), "tasks": [task]}
    return yaml.safe_dump({**made, "triggers": [daily]}, sort_keys=False)


def dates(executions: list[Execution]) -> list[str]:
    # Kestra 2.0 writes fractions of seconds, too.
    return [text.replace(".000000", "") for text in _dates(executions)]


def _usual(kestra: Kestra, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs that a schedule must give on Kestra 2.0, which takes none without."""
    return inputs if is_two(kestra.client) else {}


def _dates(executions: list[Execution]) -> list[str]:
    return [str((execution.trigger or {})["variables"]["date"]) for execution in executions]


def test_makes_an_execution_for_each_date(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow()).trigger("daily")
    made = trigger.backfill("2026-01-01", "2026-01-02", inputs={"name": "Ada"}, labels={"kind": "late"})

    assert dates(made) == ["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"]
    for execution, date in zip(made, _dates(made), strict=True):
        assert (execution.state, execution.inputs, execution.labels) == ("SUCCESS", {"name": "Ada"}, {"kind": "late"})
        assert execution.task("show").outputs["value"] == f"Ada {date}"
    assert kestra.started == [execution.id for execution in made]
    assert trigger.status().backfill is None


def test_both_ends_are_included(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow()).trigger("daily")
    date = datetime(2026, 1, 1, 9, tzinfo=timezone.utc)

    assert dates(trigger.backfill(date, date)) == ["2026-01-01T09:00:00Z"]
    assert trigger.backfill(date + timedelta(seconds=1), "2026-01-02T08:59:59Z") == []
    assert kestra.started == [execution.id for execution in kestra.flow("late").executions()]


def test_what_was_there_does_not_count(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow(cron="@daily"))
    by_hand = deployed.run()
    first = deployed.trigger("daily").backfill("2026-01-01", "2026-01-01")
    second = deployed.trigger("daily").backfill("2026-01-01", "2026-01-01")

    assert [execution.id for execution in deployed.executions()] == [by_hand.id, first[0].id, second[0].id]
    assert dates([*first, *second]) == ["2026-01-01T00:00:00Z"] * 2


def test_values_of_every_kind(kestra: Kestra) -> None:
    kinds = {
        "text": ("STRING", "{{ flow.id }}", "late"),
        "count": ("INT", 3, 3),
        "flag": ("BOOL", True, True),
        "day": ("DATE", datetime(2026, 5, 6, tzinfo=timezone.utc).date(), "2026-05-06"),
        "span": ("DURATION", timedelta(minutes=1), 60.0),
        "data": ("JSON", {"a": {"b": [1, "x"]}}, {"a": {"b": [1, "x"]}}),
        "left_out": ("STRING", None, None),
    }
    inputs = [{"id": key, "type": kind, "required": key != "left_out"} for key, (kind, _, _) in kinds.items()]
    task = {**SHOW, "format": "x"}
    # What Kestra 2.0 requires of a flow with a schedule; a backfill gives others.
    usual = {"text": "x", "count": 0, "flag": False, "day": "2026-01-01", "span": "PT1S", "data": "{}"}
    trigger = kestra.deploy(flow(task, inputs=inputs, given=_usual(kestra, usual))).trigger("daily")
    (made,) = trigger.backfill("2026-01-01", "2026-01-01", inputs={key: given for key, (_, given, _) in kinds.items()})

    assert made.state == "SUCCESS"
    assert {key: made.inputs.get(key) for key in kinds} == {key: read for key, (_, _, read) in kinds.items()}


def test_failures_are_returned(kestra: Kestra) -> None:
    made = kestra.deploy(flow(FAIL)).trigger("daily").backfill("2026-01-01", "2026-01-02")

    assert [execution.state for execution in made] == ["FAILED", "FAILED"]


# Kestra 2.0 makes none there.
@pytest.mark.kestra_requires(version="<2")
def test_dates_that_kestra_cannot_evaluate_are_failures(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow()).trigger("daily")
    (made,) = trigger.backfill("2026-01-01", "2026-01-01", inputs={"name": "{{ nothing.there }}"})

    assert (made.state, made.task_runs, made.trigger) == ("FAILED", (), None)
    assert "Unable to find `nothing`" in made.logs(level="ERROR").text


@pytest.mark.kestra_requires(version="<2")
def test_what_another_trigger_could_not_evaluate_does_not_count(kestra: Kestra) -> None:
    broken = {"type": f"{CORE}condition.Expression", "expression": "{{ nothing.there }}"}
    never = {"id": "never", "cron": "* * * * * *", "withSeconds": True, "conditions": [broken]}
    source = yaml.safe_load(flow())
    source["triggers"].append({"type": f"{CORE}trigger.Schedule", **never})
    deployed = kestra.deploy(yaml.safe_dump(source))
    bare = kestra.wait_for_execution(deployed, trigger="never")
    made = deployed.trigger("daily").backfill("2026-01-01", "2026-01-02")

    assert (bare.state, bare.trigger, bare.task_runs) == ("FAILED", None, ())
    assert "[trigger: never]" in bare.logs(level="ERROR").text
    assert dates(made) == ["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"]
    assert [one.id for one in deployed.executions(trigger="daily")] == [one.id for one in made]
    others = deployed.executions(trigger="never")
    assert bare.id in [one.id for one in others]
    assert {one.state for one in others} == {"FAILED"}
    # Of the many that the other has failed to start, none is taken for one of this.
    with pytest.raises(WaitTimeout, match=r"^The trigger 'daily' has not started the flow late within 1 s\. Its trig"):
        kestra.wait_for_execution(deployed, trigger="daily", timeout=1)
    with pytest.raises(UnknownNameError, match="did you mean 'daily'"):
        kestra.wait_for_execution(deployed, trigger="dayly")


@pytest.mark.parametrize("made_before", [0, 1])
def test_that_kestra_loses_is_started_again(kestra: Kestra, monkeypatch: pytest.MonkeyPatch, made_before: int) -> None:
    deployed = kestra.deploy(flow())
    start, starts = kestra.client.triggers.start_backfill, []

    def lose(*names: str, **options: Any) -> Any:
        starts.append(options["start"])
        if len(starts) > 1:
            return start(*names, **options)
        # As where the scheduler hears late that the flow has changed the schedule.
        if made_before:
            return start(*names, **{**options, "end": options["start"] + timedelta(days=made_before)})
        state = start(*names, **options)
        kestra.client.triggers.end_backfill(*names)
        return state

    monkeypatch.setattr(kestra.client.triggers, "start_backfill", lose)
    monkeypatch.setattr(backfill, "LACKING_S", 0.5)
    made = deployed.trigger("daily").backfill("2026-01-01T09:00:00Z", "2026-01-03T09:00:00Z")

    assert dates(made) == [f"2026-01-0{day}T09:00:00Z" for day in (1, 2, 3)]
    assert [execution.id for execution in deployed.executions()] == [execution.id for execution in made]
    assert len(starts) == 2


def test_executions_side_by_side(kestra: Kestra) -> None:
    sleep = {"id": "show", "type": f"{CORE}flow.Sleep", "duration": "PT2S"}
    made = kestra.deploy(flow(sleep, allowConcurrent=True)).trigger("daily").backfill("2026-01-01", "2026-01-02")

    assert dates(made) == ["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"]
    assert [execution.state for execution in made] == ["SUCCESS", "SUCCESS"]


def test_dates_of_a_list(kestra: Kestra) -> None:
    listed = ["2026-03-29T00:00:00Z", "2026-03-28T10:00:00+01:00"]
    source = yaml.safe_load(flow())
    source["triggers"] = [{"id": "daily", "type": f"{CORE}trigger.ScheduleOnDates", "dates": listed}]
    trigger = kestra.deploy(yaml.safe_dump(source)).trigger("daily")
    made = trigger.backfill("2026-03-28", "2026-03-29")

    assert {execution.state for execution in made} == {"SUCCESS"}
    if is_two(kestra.client):
        assert dates(made) == ["2026-03-28T09:00:00Z", "2026-03-29T00:00:00Z"]
        return
    found = [kestra.client.request("GET", "executions", execution.id).json()["scheduleDate"] for execution in made]
    # Kestra 1.3 evaluates the first date twice.
    assert found == ["2026-03-28T09:00:00Z", "2026-03-28T09:00:00Z", "2026-03-29T00:00:00Z"]


def test_that_takes_too_long_is_ended(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow(PAUSE)).trigger("daily")
    with pytest.raises(
        WaitTimeout, match=r"^The backfill of 'daily' has made \d of 2 executions and is not over after"
    ):
        trigger.backfill("2026-01-01", "2026-01-02", timeout=2)

    assert trigger.status().backfill is None


def test_that_stops_after_a_failure(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow(FAIL, stopAfter=["FAILED"])).trigger("daily")
    message = (
        r"^The backfill of 'daily' has made 1 of 3 executions, and the server has disabled its trigger\n"
        r"  2026-01-01T09:00:00\+00:00  FAILED\n  2026-01-02T09:00:00\+00:00  none\n"
    )
    with pytest.raises(KestraError, match=message):
        trigger.backfill("2026-01-01", "2026-01-03")
    assert trigger.status().enabled is False


def test_one_at_a_time(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow())
    # So that it is not over too soon: paused from its begin, and on Kestra 2.0 of many dates.
    two = is_two(kestra.client)
    end = {"end": "2026-03-03T00:00:00Z"} if two else {"end": "2026-01-03T00:00:00Z", "paused": True}
    wished = {"start": "2026-01-01T00:00:00Z", **end}
    trigger = deployed.trigger("daily")
    assert trigger.status().backfill is None
    place = {"namespace": deployed.namespace, "flowId": "late", "triggerId": "daily"}
    path = ("triggers", "backfill", "create") if two else ("triggers",)
    kestra.client.request("PUT", *path, json={**place, "backfill": wished})
    found = trigger.status().backfill

    assert found is not None
    assert (found.start.day, found.end.day, found.paused) == (1, 3, not two)
    assert two or found.current.day == 1
    with pytest.raises(
        KestraError, match=r"the schedule 'daily' has a backfill already, from 2026-01-01T00:00:00Z to "
    ):
        trigger.backfill("2026-01-01", "2026-01-02")


def test_of_what_is_disabled(kestra: Kestra) -> None:
    trigger = kestra.deploy(flow()).trigger("daily")
    trigger.disable()
    with pytest.raises(KestraError, match=r"^<text>:\d+: the server has disabled the schedule 'daily', so it has no"):
        trigger.backfill("2026-01-01", "2026-01-01")
    trigger.enable()
    assert len(trigger.backfill("2026-01-01", "2026-01-01")) == 1

    for source in (flow(disabled=True), flow(of_flow={"disabled": True})):
        line = source.splitlines().index(next(line for line in source.splitlines() if "disabled" in line)) + 1
        with pytest.raises(
            FlowError, match=rf"^<text>:{line}: the schedule 'daily' is disabled, so it has no backfill"
        ):
            kestra.deploy(source).trigger("daily").backfill("2026-01-01", "2026-01-01")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nam": "Ada"}, r"the flow late has no input 'nam'; did you mean 'name'\? It has: count, name\.$"),
        # Kestra 2.0 lets no schedule do without.
        pytest.param(
            {},
            r"^<text>:\d: the input 'count' \(INT\) of the flow late is required and has no default\.$",
            marks=pytest.mark.kestra_requires(version="<2"),
        ),
        (
            {"count": "many"},
            r"^<text>:\d: the input 'count' \(INT\) of the flow late takes a whole number .*, not 'many'",
        ),
        ({"count": Path(__file__)}, r"a backfill takes no content for the input 'count', only the kestra:/// URI of"),
    ],
)
def test_inputs_are_checked_before_anything_is_made(kestra: Kestra, given: dict[str, Any], message: str) -> None:
    deployed = kestra.deploy(flow(inputs=[{"id": "count", "type": "INT"}, NAME], given=_usual(kestra, {"count": 1})))
    with pytest.raises(InputError, match=message):
        deployed.trigger("daily").backfill("2026-01-01", "2026-01-01", inputs=given)
    assert deployed.executions() == []


def _unknown(*_: object) -> None:
    raise schedule.DatesError


def test_server_that_knows_more_than_we(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conditions on another server: what it makes counts, and where it makes nothing it is not waited for."""

    only: dict[str, Any] = {"conditions": [{"type": f"{CORE}condition.DayWeek", "dayOfWeek": "THURSDAY"}]}
    if is_two(kestra.client):
        only = {"when": "{{ (trigger.date | date('E')) == 'Thu' }}"}
    trigger = kestra.deploy(flow(**only)).trigger("daily")
    monkeypatch.setattr(schedule.Schedule, "next", _unknown)

    assert dates(trigger.backfill("2026-01-01", "2026-01-02")) == ["2026-01-01T09:00:00Z"]
    assert trigger.backfill("2026-01-02T10:00:00Z", "2026-01-03T08:00:00Z") == []
    assert trigger.status().backfill is None


def test_backfill_that_kestra_ends_just_before_us(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler ends a backfill without dates, too: whoever comes second is told that there is none."""
    trigger = kestra.deploy(flow()).trigger("daily")
    monkeypatch.setattr(schedule.Schedule, "next", _unknown)
    once, refused = Triggers.end_backfill, []

    def twice(*arguments: Any) -> None:
        with contextlib.suppress(ApiError):
            once(*arguments)
        try:
            once(*arguments)
        except ApiError as error:
            refused.append(error.status)
            raise

    monkeypatch.setattr(Triggers, "end_backfill", twice)

    assert trigger.backfill("2026-01-01T10:00:00Z", "2026-01-02T08:00:00Z") == []
    assert trigger.status().backfill is None
    assert set(refused) <= {400}
