"""The clock of the scheduler, moved for one test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from pytest_kestra import Client, Execution, Kestra, KestraError
from pytest_kestra.run.triggers.progress import date_of

BERLIN = ZoneInfo("Europe/Berlin")
DAILY = """\
id: daily
namespace: company.team
tasks:
  - {id: date, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.date }}"}
triggers:
  - {id: morning, type: io.kestra.plugin.core.trigger.Schedule, cron: "30 2 * * *", timezone: Europe/Berlin}
"""


def dates(executions: Sequence[Execution]) -> list[datetime]:
    return [found.astimezone(BERLIN) for one in executions if (found := date_of(one)) is not None]


def mornings(first: datetime, count: int) -> list[datetime]:
    return [first.replace(tzinfo=BERLIN) + timedelta(days=day) for day in range(count)]


@pytest.mark.parametrize("year", [2019, 2031])
def test_week_of_any_year(kestra: Kestra, year: int) -> None:
    kestra.clock.move_to(f"{year}-06-01T00:29:00Z")
    kestra.deploy(DAILY)

    executions = kestra.clock.advance(days=7)

    assert dates(executions) == mornings(datetime(year, 6, 1, 2, 30), 7)  # noqa: DTZ001 - its zone follows
    assert {one.state for one in executions} == {"SUCCESS"}
    assert executions[0].task("date").outputs["value"].startswith(f"{year}-06-01T02:30")


def test_year_with_clocks_that_change(kestra: Kestra) -> None:
    kestra.clock.move_to("2030-12-31T12:00:00Z")
    flow = kestra.deploy(DAILY)

    executions = kestra.clock.advance(days=365, timeout=600)

    found = dates(executions)
    assert found == flow.trigger("morning").next_dates(len(found), after="2030-12-31T12:00:00Z")
    # On 2031-03-30 there is no 02:30 in Berlin, for which Kestra makes no execution.
    days = {datetime(2031, 1, 1, tzinfo=BERLIN).date() + timedelta(days=day) for day in range(365)}
    assert days - {date.date() for date in found} == {datetime(2031, 3, 30, tzinfo=BERLIN).date()}
    assert {(date.hour, date.minute) for date in found} == {(2, 30)}
    assert {one.state for one in executions} == {"SUCCESS"}


def test_flow_that_is_there_before(kestra: Kestra) -> None:
    # Of today: in Berlin there may be a day without 02:30 among them.
    flow = kestra.deploy(DAILY.replace("Europe/Berlin", "UTC"))
    begun = kestra.clock.now

    executions = kestra.clock.advance(days=2)

    assert [date.tzinfo and date > begun for date in dates(executions)] == [True, True]
    assert [one.id for one in flow.executions()] == [one.id for one in executions]


def test_back_again(kestra: Kestra) -> None:
    kestra.deploy(DAILY)

    assert kestra.clock.move_to("2022-01-01") == []
    assert abs(kestra.clock.now - datetime(2022, 1, 1, tzinfo=timezone.utc)) < timedelta(minutes=5)
    executions = kestra.clock.move_to("2022-01-03T12:00:00+01:00")
    assert [date.isoformat()[:16] for date in dates(executions)] == [f"2022-01-0{day}T02:30" for day in (1, 2, 3)]


def test_conditions_and_several_schedules(kestra: Kestra) -> None:
    kestra.clock.move_to("2031-06-01T00:00:00Z")
    flow = kestra.deploy(
        DAILY.replace("timezone: Europe/Berlin", "when: \"{{ (trigger.date | date('E')) == 'Mon' }}\"")
        + '  - {id: noon, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 12 * * *", allowConcurrent: true}\n'
    )

    executions = kestra.clock.advance(timedelta(weeks=1), hours=1)

    assert len(flow.executions(trigger="noon")) == 7
    (monday,) = flow.executions(trigger="morning")
    assert date_of(monday) == datetime(2031, 6, 2, 2, 30, tzinfo=timezone.utc)
    assert len(executions) == 8


def test_nobody_else_is_disturbed(kestra: Kestra, kestra_client: Client) -> None:
    with Kestra(kestra_client, namespace="test-other-pytest-000000-0000") as other:
        soon = kestra.clock.now + timedelta(days=15)
        kept = other.deploy(DAILY.replace("30 2 * * *", f"0 12 {soon.day} {soon.month} *"))
        due = kept.trigger("morning").status().next_date
        kestra.deploy(DAILY)

        assert len(kestra.clock.advance(days=30)) >= 29
        assert kept.executions() == []
        assert kept.trigger("morning").status().next_date == due


def test_what_cannot_be_moved(kestra: Kestra, kestra_client: Client) -> None:
    with pytest.raises(KestraError, match=r"clock\.move_to goes back, too"):
        kestra.clock.advance(days=-1)
    with pytest.raises(KestraError, match=r"clock\.advance: .*month.* Give a timedelta, or its arguments"):
        kestra.clock.advance(months=1)
    with pytest.raises(KestraError, match="`when`: 'soon' is not a date"):
        kestra.clock.move_to("soon")
    with (
        pytest.raises(KestraError, match="with isolation=none"),
        Kestra(kestra_client, clock=True) as other,
    ):
        other.clock.advance(days=1)


def test_schedule_that_takes_too_long(kestra: Kestra) -> None:
    kestra.clock.move_to("2031-06-01T00:00:00Z")
    kestra.deploy(DAILY.replace("debug.Return, format", "flow.Sleep, duration: PT1M, description"))

    with pytest.raises(KestraError, match=r"after 10 s schedules have not come there: morning of daily\. They have 1"):
        kestra.clock.advance(days=7, timeout=10)


def test_flow_whose_namespace_is_cut(kestra: Kestra) -> None:
    kestra.clock.move_to("2031-06-01T00:29:00Z")
    flow = kestra.deploy(DAILY.replace("company.team", f"company.{'department.' * 10}team"))

    assert not flow.namespace.endswith(kestra.namespace or "")
    assert len(kestra.clock.advance(days=1)) == 1
