"""Kestra's dates and durations, which are those of ISO 8601."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import cast

import isodate

from pytest_kestra.errors import KestraError

# A day of the calendar, as ISO 8601 writes it.
DAY = re.compile(r"\d{4}-\d\d-\d\d")
# How Java writes what two clocks that differ make of a span; ISO 8601 has no signs there.
NEGATIVE = re.compile(r"PT(?=.*-)(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+(?:\.\d+)?)S)?")


def instant(text: str) -> datetime:
    """Return the date that a text such as `2026-01-01T10:00:00Z` names, in UTC where it says nothing else.

    ValueError where the text is no date. Digits below the microsecond, which a new execution's dates have, are dropped.
    """
    try:
        read = cast("datetime", isodate.parse_datetime(text))
    except (isodate.ISO8601Error, ValueError) as error:
        raise ValueError(f"{text!r} is not a date such as 2026-01-01T10:00:00Z") from error
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)


def moment(value: str | datetime | date, name: str) -> datetime:
    """Return the date of an argument called `name`, in UTC where it has no zone; KestraError where it is none.

    A day is its first moment.
    """
    if isinstance(value, str):
        try:
            return instant(f"{value}T00:00:00Z" if DAY.fullmatch(value) else value)
        except ValueError as error:
            raise KestraError(f"`{name}`: {error}.") from None
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - its zone follows
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def duration(text: str) -> timedelta:
    """Return the time span that a text such as `PT0.5S` names."""
    if found := NEGATIVE.fullmatch(text):
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return cast("timedelta", isodate.parse_duration(text, as_timedelta_if_possible=True))


def duration_text(span: timedelta) -> str:
    """Return a time span as Kestra reads it, such as `PT0.5S`."""
    return cast("str", isodate.duration_isoformat(span))
