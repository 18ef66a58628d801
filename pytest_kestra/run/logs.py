"""The logs of an execution."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import SupportsIndex, overload

from pytest_kestra.errors import KestraError, hint
from pytest_kestra.records import LogEntry

# org.slf4j.event.Level, the least important first.
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")


class Logs(tuple[LogEntry, ...]):
    """Hold log entries in the order of their time."""

    __slots__ = ()

    @overload
    def __getitem__(self, key: SupportsIndex) -> LogEntry: ...

    @overload
    def __getitem__(self, key: slice) -> Logs: ...

    def __getitem__(self, key: SupportsIndex | slice) -> LogEntry | Logs:
        """Return an entry, or those of a slice as logs."""
        return Logs(super().__getitem__(key)) if isinstance(key, slice) else super().__getitem__(key)

    @property
    def messages(self) -> list[str]:
        """The messages."""
        return [entry.message for entry in self]

    @property
    def text(self) -> str:
        """The messages as lines of one text."""
        return "\n".join(self.messages)

    @property
    def levels(self) -> set[str]:
        """The levels that occur."""
        return {entry.level for entry in self}

    def select(
        self,
        *,
        task: str | None = None,
        runs: Collection[str] | None = None,
        level: str | None = None,
        min_level: str | None = None,
        matching: str | None = None,
    ) -> Logs:
        """Return the entries of a task, of a level, of a level and above, or whose message a regular expression finds.

        `runs` are ids of task runs.
        """
        chosen: Iterable[LogEntry] = self
        if task is not None:
            chosen = [entry for entry in chosen if entry.task_id == task]
        if runs is not None:
            chosen = [entry for entry in chosen if entry.task_run_id in runs]
        if level is not None:
            wished = LEVELS[_rank(level)]
            chosen = [entry for entry in chosen if entry.level == wished]
        if min_level is not None:
            lowest = _rank(min_level)
            chosen = [entry for entry in chosen if _rank(entry.level) >= lowest]
        if matching is not None:
            pattern = _pattern(matching)
            chosen = [entry for entry in chosen if pattern.search(entry.message)]
        return Logs(chosen)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise KestraError(f"`matching`: {text!r} is no regular expression: {error}.") from None


def _rank(level: str) -> int:
    try:
        return LEVELS.index(level.upper())
    except ValueError:
        raise KestraError(f"There is no log level {level!r}{hint(level.upper(), LEVELS)}") from None
