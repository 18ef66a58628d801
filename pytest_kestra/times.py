"""Kestra's dates and durations, which are those of ISO 8601."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import cast

import isodate


def instant(text: str) -> datetime:
    """Return the date that a text such as `2026-01-01T10:00:00Z` names, in UTC where it says nothing else.

    ValueError where the text is no date. Digits below the microsecond, which a new execution's dates have, are dropped.
    """
    try:
        date = cast("datetime", isodate.parse_datetime(text))
    except (isodate.ISO8601Error, ValueError) as error:
        raise ValueError(f"{text!r} is not a date such as 2026-01-01T10:00:00Z") from error
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def duration(text: str) -> timedelta:
    """Return the time span that a text such as `PT0.5S` names."""
    return cast("timedelta", isodate.parse_duration(text, as_timedelta_if_possible=True))


def duration_text(span: timedelta) -> str:
    """Return a time span as Kestra reads it, such as `PT0.5S`."""
    return cast("str", isodate.duration_isoformat(span))
