"""Arithmetic with dates by the clock of their time zone, as Java's ZonedDateTime does it.

Python's own leaves out that clocks change. Every date here has a time zone, and every result has the same.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta, timezone, tzinfo


def at(date: datetime, **parts: int) -> datetime:
    """Return a date with other parts, such as `hour`.

    A time that the clock leaves out is as much later as is left out. Of one that comes twice it is the one with the
    offset of the date, else the first.
    """
    local = date.replace(tzinfo=None, fold=0, **parts)
    first, second = (local.replace(tzinfo=_zone(date), fold=fold) for fold in (0, 1))
    if offset(first) < offset(second):
        return later(first, timedelta())
    return second if offset(second) == offset(date) else first


def later(date: datetime, span: timedelta) -> datetime:
    """Return a date some time later, however the clock changes meanwhile."""
    return (date.astimezone(timezone.utc) + span).astimezone(_zone(date))


def months_later(date: datetime, count: int) -> datetime:
    """Return a date some months later, on the last day of that month where it has not as many days."""
    year, month = divmod(date.year * 12 + date.month - 1 + count, 12)
    day = min(date.day, calendar.monthrange(year, month + 1)[1])
    return at(date, year=year, month=month + 1, day=day)


def begin_of_next_month(date: datetime) -> datetime:
    """Return the begin of the month after a date."""
    return at(months_later(midnight(date), 1), day=1)


def midnight(date: datetime) -> datetime:
    """Return the begin of the day of a date."""
    return at(date, hour=0, minute=0, second=0)


def between(first: datetime, second: datetime) -> timedelta:
    """Return how much time is between two dates."""
    return second.astimezone(timezone.utc) - first.astimezone(timezone.utc)


def offset(date: datetime) -> timedelta:
    """Return how much the clock is ahead of UTC."""
    found = date.utcoffset()
    assert found is not None
    return found


def _zone(date: datetime) -> tzinfo:
    assert date.tzinfo is not None
    return date.tzinfo
