"""How far a backfill has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pytest_kestra.errors import KestraError, WaitTimeout
from pytest_kestra.records import ExecutionRecord, Json
from pytest_kestra.run.diagnosis.text import late
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.triggers.declared import Declared
from pytest_kestra.run.triggers.schedule import Schedule
from pytest_kestra.run.triggers.status import is_locked
from pytest_kestra.run.waiting import has_reached
from pytest_kestra.times import instant

# How many executions an error names.
SHOWN = 20


@dataclass(frozen=True)
class Progress:
    """Tell what the server keeps of a trigger, and the executions that a backfill has made of its `dates`.

    The dates are None where only the server knows them.
    """

    trigger: Declared
    dates: Sequence[datetime] | None
    state: Json | None
    made: Sequence[ExecutionRecord]

    @property
    def is_done(self) -> bool:
        """Whether the backfill is over and all its executions have ended."""
        enough = self.dates is None or len(self.made) >= len(self.dates)
        return self._is_over and enough and not self._unfinished

    @property
    def lacks_from(self) -> datetime | None:
        """The first date without an execution, though the server makes no more; None where there is none."""
        # What could not be evaluated tells no date.
        if not self._is_over or self.has_stopped or any(date_of(record) is None for record in self.made):
            return None
        return next(iter(self._missing), None)

    @property
    def has_stopped(self) -> bool:
        """Whether the server never goes on by itself: the trigger is gone, or was disabled."""
        return self.state is None or bool(self.state.get("disabled"))

    @property
    def _is_over(self) -> bool:
        """Whether the server makes no more executions, and has ended the last that its trigger waits for."""
        return self.state is not None and self.state.get("backfill") is None and not is_locked(self.state)

    @property
    def _missing(self) -> list[datetime]:
        """The dates without an execution."""
        # As numbers, since Python takes no time that a change of the clocks repeats for the same in another zone.
        found = {date.timestamp() for record in self.made if (date := date_of(record)) is not None}
        return [date for date in self.dates or () if date.timestamp() not in found]

    @property
    def _unfinished(self) -> list[ExecutionRecord]:
        return [record for record in self.made if not has_reached(record, None)]

    def failure(self, limit: float) -> KestraError:
        """Return the error for a backfill that has stopped, or was not done after `limit` seconds."""
        trigger, session = self.trigger, self.trigger.session
        wished = "" if self.dates is None else f" of {len(self.dates)}"
        head = f"The backfill of {trigger.id!r} has made {len(self.made)}{wished} executions"
        lines = [*self._lines(), f"Trigger: {trigger.place()}"]
        if self.state is None:
            return KestraError("\n".join([f"{head}, and its trigger is gone from the server", *lines]))
        if self.has_stopped:
            return KestraError("\n".join([f"{head}, and the server has disabled its trigger", *lines]))
        over = "is over" if self._is_over else "is not over"
        head = f"{head} and {over} after {limit:g} s; Kestra makes one a second"
        if unfinished := self._unfinished:
            lines.append(late(Execution.reading(unfinished[0], session), session, limit))
        return WaitTimeout("\n".join([head, *lines]))

    def _lines(self) -> list[str]:
        """Return a line for each date, with the state of its execution."""
        zone = Schedule(self.trigger).zone
        found = [date_of(record) for record in self.made]
        lines = [
            f"  {date.astimezone(zone).isoformat() if date else 'no date'}  {record.state}"
            for date, record in zip(found, self.made, strict=True)
        ]
        if None not in found:
            lines += [f"  {date.isoformat()}  none" for date in self._missing]
        left = len(lines) - SHOWN
        return lines if left <= 0 else [*lines[:SHOWN], f"  … and {left} more"]


def date_of(record: ExecutionRecord) -> datetime | None:
    """Return the date that a schedule made an execution for; a list of dates does not tell."""
    found = ((record.trigger or {}).get("variables") or {}).get("date")
    return instant(found) if isinstance(found, str) else None
