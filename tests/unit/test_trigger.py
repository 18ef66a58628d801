from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from pytest_kestra.errors import KestraError
from pytest_kestra.run.trigger import Trigger


def schedule(**definition: Any) -> Trigger:
    return Trigger("daily", "io.kestra.plugin.core.trigger.Schedule", definition)


def test_dates_of_a_schedule_in_utc() -> None:
    dates = schedule(cron="0 10 * * *").next_dates(2, after="2026-01-01T10:00:00Z")

    assert [date.isoformat() for date in dates] == ["2026-01-02T10:00:00+00:00", "2026-01-03T10:00:00+00:00"]


def test_dates_in_the_time_zone_of_the_schedule_keep_their_hour() -> None:
    dates = schedule(cron="30 2 * * *", timezone="Europe/Berlin").next_dates(3, after="2026-10-24T00:00:00Z")

    assert {date.hour for date in dates} == {2}
    assert {str(date.utcoffset()) for date in dates} == {"2:00:00", "1:00:00"}


def test_nicknames_and_dates_without_a_zone() -> None:
    after = datetime(2026, 1, 1, 0, 30)  # noqa: DTZ001 - that UTC is meant is what is tested

    assert schedule(cron="@hourly").next_dates(1, after=after) == [datetime(2026, 1, 1, 1, tzinfo=timezone.utc)]


def test_dates_from_now_on() -> None:
    (date,) = schedule(cron="@yearly").next_dates(1)

    assert date > datetime.now(timezone.utc)


def test_seconds_come_first() -> None:
    (date,) = schedule(cron="30 0 10 * * *", withSeconds=True).next_dates(1, after="2026-01-01T00:00:00Z")

    assert date.isoformat() == "2026-01-01T10:00:30+00:00"


@pytest.mark.parametrize(
    ("definition", "after", "message"),
    [
        ({"key": "x"}, None, "The trigger 'daily' has no dates: it is a io.kestra.plugin.core.trigger.Schedule"),
        ({"cron": "every day"}, None, "The cron expression 'every day' of the trigger 'daily' cannot be read"),
        ({"cron": "@daily", "timezone": "Mars/North"}, None, "The time zone 'Mars/North' of the trigger 'daily'"),
        ({"cron": "@daily"}, "tomorrow", "`after`: 'tomorrow' is not a date such as 2026-01-01T10:00:00Z"),
    ],
)
def test_what_is_wrong_is_told(definition: dict[str, Any], after: str | None, message: str) -> None:
    with pytest.raises(KestraError) as raised:
        schedule(**definition).next_dates(1, after=after)

    assert message in str(raised.value)
