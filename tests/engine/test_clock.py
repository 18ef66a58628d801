"""The clock where it moves by backfills: on every server but the embedded engine of 2.0."""

from __future__ import annotations

import re

import pytest

from pytest_kestra import Kestra, KestraError
from pytest_kestra.run.triggers.progress import date_of

DAILY = """\
id: daily
namespace: company.team
tasks:
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ trigger.date }}"}
triggers:
  - {id: morning, type: io.kestra.plugin.core.trigger.Schedule, cron: "30 2 * * *"}
  - {id: evening, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 20 * * *"}
  - {id: never, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 21 * * *", disabled: true}
  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: only-for-tests}
"""


def test_days_that_have_passed(kestra: Kestra) -> None:
    assert kestra.clock.move_to("2026-01-01T12:00:00Z") == []
    flow = kestra.deploy(DAILY)

    executions = kestra.clock.advance(days=1)

    assert [f"{date_of(one):%d %H:%M}" for one in executions] == ["01 20:00", "02 02:30"]
    assert {one.state for one in executions} == {"SUCCESS"}
    assert [one.id for one in kestra.clock.move_to("2026-01-02T20:00:00Z")] == [
        one.id for one in flow.executions(trigger="evening") if one.id != executions[0].id
    ]
    assert f"{kestra.clock.now:%Y-%m-%d %H}" == "2026-01-02 20"


def test_no_date_is_lost_between_two_moves(kestra: Kestra) -> None:
    kestra.clock.move_to("2026-01-01T19:59:00.500Z")
    flow = kestra.deploy(DAILY)
    flow.trigger("morning").disable()

    first = kestra.clock.advance(seconds=60)
    again = kestra.clock.advance(milliseconds=1)
    last = kestra.clock.move_to("2026-01-02T20:00:00Z")

    assert [f"{date_of(one):%d %H:%M}" for one in first + again + last] == ["01 20:00", "02 20:00"]


@pytest.mark.kestra_requires(version="<2")
def test_days_to_come_are_refused(kestra: Kestra) -> None:
    kestra.deploy(DAILY)

    with pytest.raises(
        KestraError, match=r"backfills, and these are for dates that have passed.*--kestra-version=2\.0"
    ):
        kestra.clock.advance(days=1)


@pytest.mark.kestra_requires(version="<2")
def test_delay_that_no_backfill_looks_at_is_refused(kestra: Kestra) -> None:
    kestra.clock.move_to("2026-01-01")
    kestra.deploy(DAILY.replace('cron: "30 2 * * *"', 'cron: "30 2 * * *", lateMaximumDelay: PT1H'))

    with pytest.raises(KestraError, match=re.escape("<text>:6: the schedule 'morning' has a `lateMaximumDelay`")):
        kestra.clock.advance(days=1)
