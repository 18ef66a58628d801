"""The dates of a schedule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pytest_kestra.errors import ApiError, KestraError
from pytest_kestra.run.triggers.cron import Cron
from pytest_kestra.run.triggers.declared import Declared
from pytest_kestra.times import DAY, instant, moment

ON_DATES = "ScheduleOnDates"
KINDS = ("Schedule", ON_DATES)
# How Java names a time zone of a fixed offset, which Python has no name for.
OFFSET = re.compile(r"(?:UTC|GMT|UT)?(?P<sign>[+-])(?P<hours>\d\d?)(?::?(?P<minutes>\d\d))?$")
LAST_SECOND = time(23, 59, 59)


class DatesError(KestraError):
    """Tell why dates cannot be told, though the schedule may have some."""


class Schedule:
    """Tell the dates of a trigger that is a schedule; KestraError where it is none."""

    def __init__(self, trigger: Declared) -> None:
        if trigger.kind not in KINDS:
            raise KestraError(f"The trigger {trigger.id!r} has no dates: it is a {trigger.type}, which is no schedule.")
        self._trigger = trigger
        self._properties = trigger.properties

    @property
    def zone(self) -> tzinfo:
        """The time zone; UTC, in which Kestra's image and the embedded engine run, where the flow names none."""
        name = str(self._properties.get("timezone") or "UTC")
        try:
            return _zone(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise KestraError(
                f"The time zone {name!r} of the trigger {self._trigger.id!r} is not known here: {error}."
            ) from None

    def moment(self, value: str | date, name: str, *, end: bool = False) -> datetime:
        """Return the date that an argument called `name` is; KestraError where it is none.

        A day is the first second of it in the schedule's zone, or with `end` the last. A time without a zone is in UTC.
        """
        if isinstance(value, str) and DAY.fullmatch(value):
            value = moment(value, name).date()
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, LAST_SECOND if end else time(), self.zone)
        if isinstance(value, (str, datetime)):
            return moment(value, name)
        raise KestraError(f"`{name}`: {value!r} is neither a date such as 2026-01-01T10:00:00Z nor a day.")

    def next(self, count: int, after: datetime) -> list[datetime]:
        """Return the next dates after a date; fewer where the schedule has no more.

        The embedded engine asks Kestra; for another server they are computed here, by Kestra's rules. DatesError where
        that cannot be done, KestraError for what is wrong with the schedule.
        """
        _check_count(count)
        trigger, zone = self._trigger, self.zone
        after = after.astimezone(timezone.utc).replace(microsecond=0)
        flow = trigger.flow
        try:
            told = trigger.session.client.triggers.dates(
                flow.namespace, flow.id, trigger.id, revision=flow.revision, count=count, after=after
            )
        except ApiError as error:
            raise KestraError(f"{trigger.place('conditions')}: {error.message}.") from error
        if told is None:
            return list(islice(self._computed(after.astimezone(zone)), count))
        dates = [instant(text).astimezone(zone) for text in told["dates"]]
        if told["searched"] is not None:
            raise DatesError(
                f"{trigger.place('conditions')}: the conditions of the trigger {trigger.id!r} let only {len(dates)} of "
                f"thousands of dates through until {told['searched']}. Ask for fewer than {count}, or with a later "
                "`after`."
            )
        return dates

    @property
    def cron(self) -> Cron | None:
        """The cron expression, where there is one that can be read here."""
        text = self._properties.get("cron")
        if not isinstance(text, str) or self._trigger.kind == ON_DATES:
            return None
        try:
            return Cron.parse(text, seconds=self._properties.get("withSeconds") is True)
        except ValueError as error:
            raise KestraError(
                f"The cron expression {text!r} of the trigger {self._trigger.id!r} cannot be read here: {error}."
            ) from None

    def _computed(self, after: datetime) -> Iterator[datetime]:
        for name in ("conditions", "scheduleConditions", "when"):
            if self._properties.get(name) not in (None, [], True, "true"):
                raise self._engine_only(name, f"under `{name}`")
        if self._trigger.kind == ON_DATES:
            yield from (found for found in self._listed() if found > after)
            return
        cron, found = self.cron, after
        while cron is not None and (following := cron.after(found)) is not None:
            found = following
            yield found

    def _listed(self) -> list[datetime]:
        texts = self._properties.get("dates") or ()
        if isinstance(texts, str) or any("{{" in str(text) for text in texts):
            raise self._engine_only("dates", "from expressions in `dates`")
        try:
            dates = [instant(str(text)) for text in texts]
        except ValueError as error:
            raise KestraError(f"{self._trigger.place('dates')}: {error}.") from None
        return [found.astimezone(self.zone).replace(microsecond=0) for found in sorted(dates)]

    def _engine_only(self, key: str, what: str) -> DatesError:
        trigger = self._trigger
        return DatesError(
            f"{trigger.place(key)}: dates {what} of the trigger {trigger.id!r} are told by the embedded engine only, "
            f"which asks Kestra itself: use --kestra-server=embedded for this test. The server at "
            f"{trigger.session.client.address.url} cannot be asked."
        )


def _check_count(count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise KestraError(f"The number of dates is {count!r}, which is not a whole number such as 3.")


def _zone(name: str) -> tzinfo:
    if name == "Z":
        return timezone.utc
    if match := OFFSET.match(name):
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
        return timezone(-offset if match["sign"] == "-" else offset)
    return ZoneInfo(name)
