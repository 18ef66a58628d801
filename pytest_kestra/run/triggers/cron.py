"""Cron expressions, as the library that Kestra uses (cron-utils 9.2) reads and walks them.

Other libraries disagree with it where clocks change: an hour that is left out is not made up for, `30 2 * * *` skips
that day, and of an hour that comes twice only what runs at least hourly uses both. A schedule with restrictions on the
day of the month and on the day of the week fires on either, also where one of them begins with a star.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pytest_kestra.run.triggers import clock

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# Not from the module `calendar`, whose names follow the user's language.
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, 1)}
WEEKDAYS = {"MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6, "SUN": 7}
# In the order of an expression; each with its lowest and highest value and the names for some.
FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, WEEKDAYS),
)
PART = re.compile(r"(?P<first>\w+|\*|)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?$", re.ASCII)
STARS = ("*", "*/1")
# When a search for the next date is given up.
YEARS = 100
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@dataclass(frozen=True)
class Cron:
    """Hold the values of an expression, each sorted; days are None where the expression has a mere star for them."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None

    @classmethod
    def parse(cls, text: str, *, seconds: bool = False) -> Cron:
        """Return the expression that a text is; ValueError says what is wrong with it.

        With `seconds` it has six fields, else five.
        """
        if text.strip() in NICKNAMES:
            text, seconds = NICKNAMES[text.strip()], False
        parts = text.split()
        wished = 6 if seconds else 5
        if len(parts) != wished:
            raise ValueError(f"it has {len(parts)} fields, not {wished}")
        if not seconds:
            parts.insert(0, "0")
        values = [_values(part, *field) for part, field in zip(parts, FIELDS, strict=True)]
        days, weekdays = (None if parts[index] in STARS else values[index] for index in (3, 5))
        return cls(values[0], values[1], values[2], days, values[4], weekdays)

    def after(self, date: datetime) -> datetime | None:
        """Return the first date after another, in whose time zone the expression is read; None where there is none."""
        start = date.replace(microsecond=0)
        found = self._first(start)
        if found is None or found != start:
            return found
        found = self._first(clock.later(start, SECOND))
        if found is not None and clock.offset(found) < clock.offset(start):
            # The clock was set back: what runs less than hourly does not run in the second of two equal hours.
            following = self._first(clock.later(found, SECOND))
            if following is not None and clock.between(found, following) >= 2 * HOUR:
                found = self._first(clock.later(start, SECOND + HOUR))
        return found

    def _first(self, date: datetime) -> datetime | None:
        """Return the first date that matches, which may be this one."""
        last_year = date.year + YEARS
        while date.year <= last_year:
            nearer = self._step(date)
            if nearer is date:
                return date
            date = nearer
        return None

    def _step(self, date: datetime) -> datetime:
        """Return a date itself where it matches, else a later one that is nearer to a match."""
        if date.month not in self.months:
            return self._next_month(date)
        days = self._days(date.year, date.month)
        if not days:
            return clock.begin_of_next_month(date)
        if date.day not in days:
            later = [day for day in days if day > date.day]
            if not later:
                return clock.months_later(clock.at(clock.midnight(date), day=1), 1)
            return self._lowest(clock.at(date, day=later[0]))
        for values, unit, current in (
            (self.hours, "hour", date.hour),
            (self.minutes, "minute", date.minute),
            (self.seconds, "second", date.second),
        ):
            if current not in values:
                return _next_value(date, unit, values)
        return date

    def _next_month(self, date: datetime) -> datetime:
        later = [month for month in self.months if month > date.month]
        if not later:
            return clock.at(clock.at(clock.at(clock.midnight(date), month=1), day=1), year=date.year + 1)
        days = self._days(date.year, later[0])
        if not days:
            return clock.begin_of_next_month(date)
        return self._lowest(clock.at(clock.months_later(date, later[0] - date.month), day=days[0]))

    def _days(self, year: int, month: int) -> list[int]:
        """Return the days of a month that match."""
        first, length = calendar.monthrange(year, month)
        everyday = range(1, length + 1)
        if self.days is None and self.weekdays is None:
            return list(everyday)
        by_week = {day for day in everyday if (first + day - 1) % 7 + 1 in (self.weekdays or ())}
        return sorted(by_week.union(day for day in self.days or () if day <= length))

    def _lowest(self, date: datetime) -> datetime:
        return clock.at(date, hour=self.hours[0], minute=self.minutes[0], second=self.seconds[0])


def _values(text: str, name: str, lowest: int, highest: int, names: dict[str, int]) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.upper().split(","):
        match = PART.match(part)
        if match is None or (match["first"] in ("*", "") and match["last"]) or part == "":
            raise ValueError(f"{text!r} is no {name}")
        step = int(match["step"] or 1)
        if match["first"] in ("*", ""):
            first, last = lowest, highest
        else:
            first = _value(match["first"], name, lowest, highest, names)
            single = match["last"] is None
            if single and highest == WEEKDAYS["SUN"]:
                first %= highest  # Sunday is also 0
            last = first if single else _value(match["last"], name, lowest, highest, names)
            last = highest if single and match["step"] else last
        if first > last or not 1 <= step <= highest:
            raise ValueError(f"{text!r} is no range of the {name}")
        found.update(range(first, last + 1, step))
    if highest == WEEKDAYS["SUN"] and 0 in found:
        found = found - {0} | {highest}
    return tuple(sorted(found))


def _value(text: str, name: str, lowest: int, highest: int, names: dict[str, int]) -> int:
    value = names.get(text, int(text) if text.isdecimal() else -1)
    if not lowest <= value <= highest:
        raise ValueError(f"{text!r} is no {name}")
    return value


def _next_value(date: datetime, unit: str, values: tuple[int, ...]) -> datetime:
    """Return the next date whose hour, minute or second is one of these values, with what is below that at zero."""
    below = {"hour": {"minute": 0, "second": 0}, "minute": {"second": 0}, "second": {}}[unit]
    span = timedelta(**{f"{unit}s": 1})
    date = clock.later(date, span)
    while getattr(date, unit) not in values:
        date = clock.later(date, span)
    return clock.at(date, **below)
