"""The dates that a test is told are those on which Kestra fires."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from pytest_kestra import Execution, Flow, Kestra, KestraError
from pytest_kestra.engine.api.triggers import dates as engine_dates
from pytest_kestra.run.triggers.cron import Cron
from tests.engine.lines import is_two

SCHEDULE = "io.kestra.plugin.core.trigger.Schedule"
ON_DATES = "io.kestra.plugin.core.trigger.ScheduleOnDates"
WEBHOOK = "io.kestra.plugin.core.trigger.Webhook"
CONDITION = "io.kestra.plugin.core.condition."
EXPRESSIONS = [
    *("* * * * *", "*/15 * * * *", "5/25 * * * *", "1-9/4,30 * * * *", "0 * * * *", "0 */2 * * *", "0 */6 * * *"),
    *("0 1-3 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "0,30 2 * * *", "*/10 2 * * *", "0 2,3 * * *"),
    *("0 0 * * *", "30 0 * * *", "0 3 * * *", "59 23 * * *", "0 0 1 * *", "0 0 31 * *", "0 0 29 2 *", "0 0 30 2 *"),
    *("0 0 15 * 1", "0 0 */2 * 1", "0 0 */1 * 1", "0 0 1-7 * */2", "0 0 * * 1-5", "0 0 * * MON-fri", "0 0 * * 7"),
    *("0 0 * * 0", "0 0 * * sat-SUN", "0 0 * * */2", "0 0 * jan/5 *", "0 0 1,15 * *", "0 12 31 2,4 1"),
    *("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"),
    *("*/20 * * * * *", "30 0 2 * * *", "15,45 30 2 * * *", "0 0 */2 * * *", "0 0 0 1 1 *"),
]
# Zones, each with a date shortly before its clocks change, or a time within the change.
CHANGES = [
    ("UTC", "2026-02-27T23:59:59Z"),
    ("Europe/Berlin", "2026-03-28T12:00:00Z"),
    ("Europe/Berlin", "2026-03-29T00:30:00Z"),
    ("Europe/Berlin", "2026-10-24T12:00:00Z"),
    ("Europe/Berlin", "2026-10-25T00:10:00Z"),
    ("America/New_York", "2026-03-07T12:00:00Z"),
    ("America/New_York", "2026-11-01T05:20:00Z"),
    # Half an hour, and midnight that is left out.
    ("Australia/Lord_Howe", "2026-04-04T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T12:00:00Z"),
    ("Asia/Beirut", "2026-03-28T12:00:00Z"),
    ("Asia/Kathmandu", "2026-12-31T12:00:00Z"),
]


def flow(*triggers: dict[str, Any], **more: Any) -> str:
    """Return the source of a flow with triggers, which does not run unless it is told to."""
    task = {"id": "show", "type": "io.kestra.plugin.core.debug.Return", "format": "{{ trigger.date ?? 'none' }}"}
    return yaml.safe_dump(
        {"id": "dated", "namespace": "company.team", "tasks": [task], "triggers": list(triggers), **more},
        sort_keys=False,
    )


def schedule(name: str, cron: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": SCHEDULE, "cron": cron, "withSeconds": len(cron.split()) == 6, **more}


def condition(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": CONDITION + kind, **more}


def texts(dates: list[datetime]) -> list[str]:
    return [date.isoformat() for date in dates]


def computed(cron: str, zone: str, after: str, count: int) -> list[datetime]:
    """Return the dates that are computed for a server that does not tell them."""
    expression = Cron.parse(cron, seconds=len(cron.split()) == 6)

    def walk() -> Any:
        date: datetime | None = datetime.fromisoformat(after.replace("Z", "+00:00")).astimezone(ZoneInfo(zone))
        while date is not None and (date := expression.after(date)) is not None:
            yield date

    return list(islice(walk(), count))


@pytest.mark.parametrize(("zone", "after"), CHANGES)
def test_dates_of_other_servers_are_those_of_the_engine(kestra: Kestra, zone: str, after: str) -> None:
    triggers = [schedule(f"t{number}", cron, timezone=zone) for number, cron in enumerate(EXPRESSIONS)]
    deployed = kestra.deploy(flow(*triggers, disabled=True))

    told = {
        cron: texts(deployed.trigger(f"t{number}").next_dates(30, after)) for number, cron in enumerate(EXPRESSIONS)
    }
    assert told == {cron: texts(computed(cron, zone, after, 30)) for cron in EXPRESSIONS}


# After 2026-04-01, a Wednesday, at 9 o'clock each day.
@pytest.mark.kestra_requires(version="<2")
@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([condition("DayWeek", dayOfWeek="MONDAY")], ["04-06", "04-13", "04-20"]),
        # One that keeps the first date that it has rendered.
        ([condition("DayWeek", dayOfWeek="MONDAY", date="{{ trigger.date }}")], ["04-06", "04-13", "04-20"]),
        ([condition("DayWeekInMonth", dayOfWeek="FRIDAY", dayInMonth="LAST")], ["04-24", "05-29", "06-26"]),
        ([condition("Weekend")], ["04-04", "04-05", "04-11"]),
        ([condition("Not", conditions=[condition("Weekend")])], ["04-01", "04-02", "04-03", "04-06"]),
        # Good Friday and Easter Monday.
        ([condition("PublicHoliday", country="DE")], ["04-03", "04-06", "05-01", "05-14"]),
        ([condition("Not", conditions=[condition("PublicHoliday", country="DE")])], ["04-01", "04-02", "04-04"]),
        (
            [condition("Or", conditions=[condition("Weekend"), condition("DayWeek", dayOfWeek="FRIDAY")])],
            ["04-03", "04-04", "04-05", "04-10"],
        ),
        (
            [
                condition("Not", conditions=[condition("Weekend")]),
                condition("DateTimeBetween", after="2026-04-10T00:00:00Z"),
            ],
            ["04-10", "04-13"],
        ),
        ([condition("TimeBetween", after="08:00:00Z", before="10:00:00Z")], ["04-01", "04-02"]),
        ([condition("Expression", expression="{{ trigger.date | date('d') == '3' }}")], ["04-03", "05-03"]),
    ],
)
def test_conditions(kestra: Kestra, conditions: list[Any], expected: list[str]) -> None:
    deployed = kestra.deploy(flow(schedule("daily", "0 9 * * *", conditions=conditions), disabled=True))
    dates = deployed.trigger("daily").next_dates(len(expected), after="2026-04-01T00:00:00Z")

    assert texts(dates) == [f"2026-{day}T09:00:00+00:00" for day in expected]


@pytest.mark.kestra_requires(version=">=2")
@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{{ (trigger.date | date('E')) == 'Mon' }}", ["04-06", "04-13", "04-20"]),
        ("{{ (trigger.date | date('E')) isIn ['Sat', 'Sun'] }}", ["04-04", "04-05", "04-11"]),
        ("{{ trigger.date | date('d') == '3' }}", ["04-03", "05-03"]),
        ("{{ (trigger.date | date('MM-dd')) > '04-09' and (trigger.date | date('E')) != 'Sat' }}", ["04-10", "04-12"]),
        ("{{ true }}", ["04-01", "04-02"]),
    ],
)
def test_expression_that_says_when(kestra: Kestra, when: str, expected: list[str]) -> None:
    deployed = kestra.deploy(flow(schedule("daily", "0 9 * * *", when=when), disabled=True))
    dates = deployed.trigger("daily").next_dates(len(expected), after="2026-04-01T00:00:00Z")

    assert texts(dates) == [f"2026-{day}T09:00:00+00:00" for day in expected]


@pytest.mark.kestra_requires(version="<2")
@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (
            condition("DateTimeBetween", before="2026-06-03T00:00:00Z"),
            ["2026-05-01T09:00:00+00:00", "2026-06-01T09:00:00+00:00"],
        ),
        (condition("TimeBetween", after="10:00:00Z", before="12:00:00Z"), []),
    ],
)
def test_conditions_that_do_not_hold_any_more(kestra: Kestra, only: Any, expected: list[str]) -> None:
    deployed = kestra.deploy(flow(schedule("monthly", "0 9 1 * *", conditions=[only]), disabled=True))

    assert texts(deployed.trigger("monthly").next_dates(5, after="2026-04-02")) == expected


def fired(deployed: Flow, trigger: str, start: str, end: str) -> list[str]:
    """Return the dates for which Kestra makes executions, in UTC."""
    return [date_of(execution) for execution in deployed.trigger(trigger).backfill(start, end)]


def date_of(execution: Execution) -> str:
    assert execution.trigger is not None
    # Kestra 2.0 writes fractions of seconds, too.
    return str(execution.trigger["variables"]["date"]).replace(".000000", "")


class TestKestraFiresOnThem:
    def test_across_both_changes_of_the_clocks(self, kestra: Kestra) -> None:
        deployed = kestra.deploy(
            flow(
                schedule("spring", "30 2 * * *", timezone="Europe/Berlin"),
                schedule("autumn", "0 2,3 * * *", timezone="Europe/Berlin"),
            )
        )
        spring, autumn = (
            deployed.trigger(name).next_dates(3, f"2026-{day}")
            for name, day in (("spring", "03-28"), ("autumn", "10-25"))
        )

        # Half past two does not come on the 29th, and on October 25th two o'clock comes twice.
        assert texts(spring[:2]) == ["2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"]
        assert texts(autumn) == [
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ]
        assert fired(deployed, "spring", "2026-03-28", "2026-03-30") == texts(spring[:2])
        assert fired(deployed, "autumn", "2026-10-25", "2026-10-25") == texts(autumn)

    @pytest.mark.kestra_requires(version="<2")
    def test_under_conditions_which_see_the_date_in_the_zone_of_the_server(self, kestra: Kestra) -> None:
        monday = condition("DayWeek", dayOfWeek="MONDAY")
        deployed = kestra.deploy(flow(schedule("daily", "0 0 * * *", timezone="Asia/Tokyo", conditions=[monday])))
        # Midnight in Tokyo is the afternoon before in UTC.
        (date,) = deployed.trigger("daily").next_dates(1, after="2026-01-01")

        assert date.isoformat() == "2026-01-06T00:00:00+09:00"
        assert fired(deployed, "daily", "2026-01-05", "2026-01-07") == [date.isoformat()]

    @pytest.mark.kestra_requires(version="<2")
    def test_where_a_holiday_is_left_out(self, kestra: Kestra) -> None:
        workday = condition("Not", conditions=[condition("PublicHoliday", country="DE"), condition("Weekend")])
        deployed = kestra.deploy(flow(schedule("daily", "@daily", timezone="UTC", conditions=[workday])))
        dates = deployed.trigger("daily").next_dates(2, after="2026-04-01T12:00:00Z")

        assert texts(dates) == ["2026-04-02T00:00:00+00:00", "2026-04-07T00:00:00+00:00"]
        assert fired(deployed, "daily", "2026-04-02", "2026-04-04") == ["2026-04-02T00:00:00Z"]

    def test_with_seconds(self, kestra: Kestra) -> None:
        deployed = kestra.deploy(flow(schedule("often", "15,45 0 9 * * *")))
        dates = deployed.trigger("often").next_dates(2, after="2026-01-01")

        assert texts(dates) == ["2026-01-01T09:00:15+00:00", "2026-01-01T09:00:45+00:00"]
        assert fired(deployed, "often", "2026-01-01", "2026-01-01") == ["2026-01-01T09:00:15Z", "2026-01-01T09:00:45Z"]


def test_dates_of_a_list(kestra: Kestra) -> None:
    listed = ["2026-03-29T00:00:00Z", "{{ '2026-03-01' ~ 'T10:00:00+02:00' }}", "2026-03-28T10:00:00+01:00"]
    weekdays: dict[str, Any] = {"conditions": [condition("Not", conditions=[condition("Weekend")])]}
    if is_two(kestra.client):
        weekdays = {"when": "{{ not ((trigger.date | date('E')) isIn ['Sat', 'Sun']) }}"}
    deployed = kestra.deploy(
        flow(
            {"id": "all", "type": ON_DATES, "timezone": "Europe/Berlin", "dates": listed},
            {"id": "variable", "type": ON_DATES, "dates": "{{ vars.days }}"},
            {"id": "some", "type": ON_DATES, "dates": [*listed, "2026-03-30T00:00:00Z"], **weekdays},
            variables={"days": ["2026-05-06T07:08:09Z"]},
        )
    )

    assert texts(deployed.trigger("all").next_dates(9, "2026-01-01")) == [
        "2026-03-01T09:00:00+01:00",
        "2026-03-28T10:00:00+01:00",
        "2026-03-29T01:00:00+01:00",
    ]
    assert texts(deployed.trigger("all").next_dates(1, "2026-03-28T09:00:00Z")) == ["2026-03-29T01:00:00+01:00"]
    assert deployed.trigger("all").next_dates(1, "2026-04-01") == []
    assert texts(deployed.trigger("variable").next_dates(9, "2026-01-01")) == ["2026-05-06T07:08:09+00:00"]
    assert texts(deployed.trigger("some").next_dates(9, "2026-01-01")) == ["2026-03-30T00:00:00+00:00"]


@pytest.mark.kestra_requires(version="<2")
def test_defaults_for_plugins(kestra: Kestra) -> None:
    defaults = [{"type": SCHEDULE, "values": {"timezone": "Asia/Tokyo"}}]
    deployed = kestra.deploy(flow(schedule("daily", "@daily"), pluginDefaults=defaults))

    assert texts(deployed.trigger("daily").next_dates(1, "2026-01-01T00:00:00Z")) == ["2026-01-02T00:00:00+09:00"]


def test_delays_do_not_matter(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow(schedule("daily", "@daily", lateMaximumDelay="PT1S")))

    assert texts(deployed.trigger("daily").next_dates(1, "2020-01-01")) == ["2020-01-02T00:00:00+00:00"]


def test_dates_of_the_revision_that_the_trigger_was_read_from(kestra: Kestra) -> None:
    old = kestra.deploy(flow(schedule("daily", "0 9 * * *")))
    new = old.update(flow(schedule("daily", "0 10 * * *")))

    hours = [deployed.trigger("daily").next_dates(1)[0].hour for deployed in (old, new)]
    assert hours == [9, 10]


def test_expressions_that_are_several_in_one(kestra: Kestra) -> None:
    deployed = kestra.deploy(flow(schedule("twice", "0 9 * * *||30 17 * * *")))
    (first, second) = deployed.trigger("twice").next_dates(2, after="2026-01-01")

    assert (first.hour, second.hour, second.minute) == (9, 17, 30)


def test_condition_that_holds_much_later(kestra: Kestra) -> None:
    # It holds today: else Kestra's scheduler would look for years when the flow is deleted.
    later: dict[str, Any] = {"conditions": [condition("DateTimeBetween", after="2026-02-01T00:00:00Z")]}
    if is_two(kestra.client):
        later = {"when": "{{ (trigger.date | date('yyyy-MM')) != '2026-01' }}"}
    deployed = kestra.deploy(flow(schedule("often", "* * * * * *", **later), disabled=True))
    hours = engine_dates.REFUSALS // 3600
    message = (
        rf"^<text>:\d+: the conditions of the trigger 'often' let only 0 of thousands of dates through until "
        rf"2026-01-01T0[0-{hours}]:\d\d:\d\dZ\. Ask for fewer than 1, or with a later `after`\.$"
    )
    with pytest.raises(KestraError, match=message):
        deployed.trigger("often").next_dates(1, after="2026-01-01")


@pytest.mark.kestra_requires(version="<2")
def test_condition_that_cannot_be_evaluated(kestra: Kestra) -> None:
    wrong = condition("DateTimeBetween", after="{{ nothing.there }}")
    deployed = kestra.deploy(flow(schedule("daily", "@daily", conditions=[wrong]), disabled=True))
    with pytest.raises(KestraError, match=r"^<text>:\d+: Its conditions cannot be evaluated for 2026-01-02T00:00Z.* "):
        deployed.trigger("daily").next_dates(1, after="2026-01-01")


def test_trigger_that_the_server_does_not_have(kestra: Kestra, http: httpx.Client) -> None:
    deployed = kestra.deploy(flow(schedule("daily", "@daily"), {"id": "hook", "type": WEBHOOK, "key": "k"}))
    for flow_id, trigger in (("dated", "hook"), ("dated", "other"), ("other", "daily")):
        path = f"{deployed.namespace}/{flow_id}/{trigger}"
        answer = http.get(f"/pytest-kestra/dates/{path}", params={"after": "2026-01-01T00:00:00Z"})
        assert answer.status_code == 422
        assert answer.json()["message"] == (
            f"The server has no schedule {trigger!r} in a flow {deployed.namespace}.{flow_id} any more"
        )


def test_only_who_has_the_credentials_is_told_dates(http: httpx.Client) -> None:
    answer = httpx.get(f"{http.base_url}/pytest-kestra/dates/a/b/c")

    assert answer.status_code == 401


def test_next_date_is_the_one_that_the_server_has(kestra: Kestra) -> None:
    soon = datetime.now(timezone.utc).year + 2
    deployed = kestra.deploy(
        flow(
            schedule("yearly", "@yearly", timezone="Europe/Berlin"),
            schedule("seconds", "30 15 9 1 1 *", timezone="Europe/Berlin"),
            {"id": "dates", "type": ON_DATES, "dates": [f"{soon}-01-01T00:00:00Z"]},
        )
    )
    for name in ("yearly", "seconds", "dates"):
        trigger = deployed.trigger(name)
        assert [trigger.status().next_date] == trigger.next_dates(1)
