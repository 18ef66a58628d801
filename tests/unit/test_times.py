from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pytest_kestra.errors import KestraError
from pytest_kestra.times import duration, duration_text, instant, moment


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-23T06:53:35Z", 0),
        ("2026-11-23T06:53:35.019079Z", 19079),
        ("2026-11-23T06:53:35.659196239Z", 659196),
        ("2026-11-23T06:53:35", 0),
    ],
)
def test_reads_dates_with_any_number_of_digits(text: str, microsecond: int) -> None:
    assert instant(text) == datetime(2026, 11, 23, 6, 53, 35, microsecond, tzinfo=timezone.utc)


def test_keeps_the_offset_of_a_date() -> None:
    assert instant("2026-11-23T06:53:35+02:00").utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01T00:00:00Z", ""])
def test_says_what_a_date_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date such as 2026-01-01T10:00:00Z"):
        instant(text)


def test_reads_and_writes_durations() -> None:
    assert duration("PT0.191575S") == timedelta(microseconds=191575)
    assert duration("PT-0.02S") == timedelta(milliseconds=-20)  # as Java writes it
    assert duration("PT-1M-2.5S") == timedelta(minutes=-1, seconds=-2.5)
    assert duration("P1DT2H") == timedelta(days=1, hours=2)
    assert duration(duration_text(timedelta(minutes=90, milliseconds=500))) == timedelta(minutes=90, milliseconds=500)


def test_day_is_its_first_moment() -> None:
    assert moment("2026-01-31", "since") == datetime(2026, 1, 31, tzinfo=timezone.utc)
    with pytest.raises(KestraError, match=r"`since`: .* is not a date"):
        moment("2026-02-31", "since")
