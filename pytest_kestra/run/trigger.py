"""A trigger of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from pytest_kestra.errors import KestraError
from pytest_kestra.records import FlowRecord, Json
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.session import Session
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
    """Tell a trigger by its definition in the flow, and set it off."""

    id: str
    type: str
    definition: Json
    flow: FlowRecord = field(kw_only=True, repr=False, compare=False)
    session: Session = field(kw_only=True, repr=False, compare=False)

    def webhook(
        self,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        method: str = "POST",
    ) -> Execution:
        """Call this webhook as somebody outside would, and return the execution it has started, at once.

        A body that is neither text nor bytes is sent as JSON; `params` are the query. `key` is for another key than the
        flow's own. KestraError for a trigger of another type, or where its conditions let no execution start; ApiError
        404 for a wrong key.
        """
        key = self.definition.get("key") if key is None else key
        if not isinstance(key, str):
            raise KestraError(f"The trigger {self.id!r} is no webhook: it is a {self.type}, without a `key`.")
        if "{{" in key:
            raise KestraError(f"The `key` of the trigger {self.id!r} is an expression, {key}: give its value as key=….")
        triggers, flow = self.session.client.triggers, self.flow
        started = triggers.webhook(flow.namespace, flow.id, key, body, headers=headers, params=params, method=method)
        if started is None:
            raise KestraError(f"The webhook {self.id!r} has started no execution: its `conditions` were not met.")
        self.session.started.append(started.id)
        return Execution.reading(started, self.session)

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
