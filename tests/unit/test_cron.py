"""Cron expressions are read as Kestra's library reads them; tests/engine proves it against the library itself."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from pytest_kestra.run.triggers.cron import NICKNAMES, Cron


def dates(text: str, after: str, zone: str = "UTC", count: int = 3) -> list[str]:
    cron = Cron.parse(text, seconds=len(text.split()) == 6)
    date: datetime | None = datetime.fromisoformat(after).replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
    found: list[str] = []
    while len(found) < count and date is not None and (date := cron.after(date)) is not None:
        found.append(date.isoformat())
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20 * * * *", ["2026-01-01T00:20", "2026-01-01T00:40", "2026-01-01T01:00"]),
        ("5/25 4 * * *", ["2026-01-01T04:05", "2026-01-01T04:30", "2026-01-01T04:55"]),
        ("1-9/4 4 * * *", ["2026-01-01T04:01", "2026-01-01T04:05", "2026-01-01T04:09"]),
        ("0 9 * * mon,WED-thu", ["2026-01-01T09:00", "2026-01-05T09:00", "2026-01-07T09:00"]),
        ("0 9 * Feb/6 7", ["2026-02-01T09:00", "2026-02-08T09:00", "2026-02-15T09:00"]),
        ("0 9 * * 0", ["2026-01-04T09:00", "2026-01-11T09:00", "2026-01-18T09:00"]),
        ("0 9 31 * *", ["2026-01-31T09:00", "2026-03-31T09:00", "2026-05-31T09:00"]),
        ("0 9 29 2 *", ["2028-02-29T09:00", "2032-02-29T09:00", "2036-02-29T09:00"]),
        ("0 9 31 2,12 *", ["2026-12-31T09:00", "2027-12-31T09:00", "2028-12-31T09:00"]),
        # Either the day of the month or the day of the week, unless one is a mere star.
        ("0 9 13 * 5", ["2026-01-02T09:00", "2026-01-09T09:00", "2026-01-13T09:00"]),
        ("0 9 */15 * 5", ["2026-01-01T09:00", "2026-01-02T09:00", "2026-01-09T09:00"]),
        ("0 9 */1 * 5", ["2026-01-02T09:00", "2026-01-09T09:00", "2026-01-16T09:00"]),
    ],
)
def test_dates(text: str, expected: list[str]) -> None:
    assert dates(text, "2026-01-01T00:00:00") == [f"{date}:00+00:00" for date in expected]


def test_seconds_come_first() -> None:
    assert dates("15,45 0 9 * * *", "2026-01-01T09:00:15", count=2) == [
        "2026-01-01T09:00:45+00:00",
        "2026-01-02T09:00:15+00:00",
    ]


@pytest.mark.parametrize("nickname", NICKNAMES)
def test_nicknames(nickname: str) -> None:
    assert Cron.parse(f" {nickname} ", seconds=True) == Cron.parse(NICKNAMES[nickname])


def test_dates_that_never_come() -> None:
    assert dates("0 9 30 2 *", "2026-01-01T00:00:00") == []


def test_last_dates_of_all() -> None:
    assert dates("0 9 1 1 *", "9997-01-01T00:00:00", count=2) == [
        "9997-01-01T09:00:00+00:00",
        "9998-01-01T09:00:00+00:00",
    ]


class TestClocksThatChange:
    """In Berlin 2:00 to 3:00 is left out on 2026-03-29 and comes twice on 2026-10-25."""

    def test_hour_that_is_left_out_is_not_made_up_for(self) -> None:
        assert dates("30 2 * * *", "2026-03-28T00:00:00", "Europe/Berlin", 2) == [
            "2026-03-28T02:30:00+01:00",
            "2026-03-30T02:30:00+02:00",
        ]

    def test_every_half_hour_goes_on_without_it(self) -> None:
        assert dates("*/30 * * * *", "2026-03-29T00:15:00", "Europe/Berlin") == [
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T03:30:00+02:00",
        ]

    def test_hour_that_comes_twice_counts_once_for_what_is_rare(self) -> None:
        assert dates("30 2 * * *", "2026-10-24T12:00:00", "Europe/Berlin", 2) == [
            "2026-10-25T02:30:00+02:00",
            "2026-10-26T02:30:00+01:00",
        ]

    def test_and_twice_for_what_is_frequent(self) -> None:
        assert dates("0 1-3 * * *", "2026-10-24T22:30:00", "Europe/Berlin", 5) == [
            "2026-10-25T01:00:00+02:00",
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T03:00:00+01:00",
            "2026-10-26T01:00:00+01:00",
        ]

    def test_half_an_hour_that_comes_twice(self) -> None:
        assert dates("*/10 1 * * *", "2026-04-04T14:45:00", "Australia/Lord_Howe", 4) == [
            "2026-04-05T01:50:00+11:00",
            "2026-04-05T01:30:00+10:30",
            "2026-04-05T01:40:00+10:30",
            "2026-04-05T01:50:00+10:30",
        ]

    def test_midnight_that_is_left_out(self) -> None:
        # As with the library, which goes on from the first hour of that day.
        assert dates("0 0 1 * *", "2026-03-29T00:30:00", "Asia/Beirut", 1) == ["2026-05-01T00:00:00+03:00"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("every day", r"^it has 2 fields, not 5$"),
        ("0 9 * * *||0 17 * * *", r"^it has 9 fields, not 5$"),
        ("60 * * * *", r"^'60' is no minute$"),
        ("* 24 * * *", r"^'24' is no hour$"),
        ("* * 0 * *", r"^'0' is no day of the month$"),
        ("* * * 13 *", r"^'13' is no month$"),
        ("* * * * 8", r"^'8' is no day of the week$"),
        ("* * * * FRIDAY", r"^'FRIDAY' is no day of the week$"),
        ("* * * * FRI-MON", r"^'FRI-MON' is no range of the day of the week$"),
        ("*/0 * * * *", r"^'\*/0' is no range of the minute$"),
        ("*/70 * * * *", r"^'\*/70' is no range of the minute$"),
        ("1,,2 * * * *", r"^'1,,2' is no minute$"),
        ("*-5 * * * *", r"^'\*-5' is no minute$"),
        ("? * * * *", r"^'\?' is no minute$"),
        ("* * L * *", r"^'L' is no day of the month$"),
        ("* * * * 5#2", r"^'5#2' is no day of the week$"),
    ],
)
def test_what_is_none(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cron.parse(text)
