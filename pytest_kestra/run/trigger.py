"""A trigger of a flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from pytest_kestra.errors import KestraError
from pytest_kestra.records import Json
from pytest_kestra.times import instant

# The names that Kestra's Schedule takes for an expression.
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True)
class Trigger:
    """Tell a trigger by its definition in the flow."""

    id: str
    type: str
    definition: Json

    def next_dates(self, count: int, after: str | datetime | None = None) -> list[datetime]:
        """Return the next dates of a schedule, from now or from `after` on, in the schedule's own time zone.

        Without a `timezone` in the flow that is UTC, in which Kestra's image and the embedded engine run. Conditions of
        the trigger are not looked at.
        """
        cron = self.definition.get("cron")
        if not isinstance(cron, str):
            raise KestraError(f"The trigger {self.id!r} has no dates: it is a {self.type}, without a `cron`.")
        expression = " ".join(NICKNAMES.get(cron.strip(), cron).split())
        start = _instant(after).astimezone(self._zone())
        try:
            # Kestra reads seconds first, where a schedule has them.
            return list(islice(CronSim(expression, start), count))
        except CronSimError as error:
            raise KestraError(
                f"The cron expression {cron!r} of the trigger {self.id!r} cannot be read: {error}."
            ) from None

    def _zone(self) -> ZoneInfo:
        name = self.definition.get("timezone") or "UTC"
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise KestraError(
                f"The time zone {name!r} of the trigger {self.id!r} is not known here: {error}."
            ) from None


def _instant(after: str | datetime | None) -> datetime:
    if after is None:
        return datetime.now(timezone.utc)
    if isinstance(after, str):
        try:
            return instant(after)
        except ValueError as error:
            raise KestraError(f"`after`: {error}.") from None
    return after if after.tzinfo else after.replace(tzinfo=timezone.utc)
