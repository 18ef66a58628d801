from __future__ import annotations

from datetime import datetime, timezone

import pytest

from pytest_kestra.errors import KestraError
from pytest_kestra.records import LogEntry
from pytest_kestra.run.logs import Logs

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def entry(level: str, message: str, task: str | None = "a") -> LogEntry:
    return LogEntry(level, message, task, "r1", 0, NOW)


LOGS = Logs([entry("INFO", "one"), entry("WARN", "two 2", "b"), entry("ERROR", "three", None)])


def test_has_text_messages_and_levels() -> None:
    assert LOGS.text == "one\ntwo 2\nthree"
    assert LOGS.messages == ["one", "two 2", "three"]
    assert LOGS.levels == {"INFO", "WARN", "ERROR"}
    assert len(LOGS) == 3
    assert not Logs()


def test_selects_by_task_level_and_pattern() -> None:
    assert LOGS.select(task="b").messages == ["two 2"]
    assert LOGS.select(level="warn").messages == ["two 2"]
    assert LOGS.select(min_level="WARN").messages == ["two 2", "three"]
    assert LOGS.select(matching=r"\d").messages == ["two 2"]
    assert LOGS.select(task="a", min_level="WARN") == Logs()


def test_unknown_level_suggests_the_nearest() -> None:
    with pytest.raises(KestraError, match=r"There is no log level 'WARNING'; did you mean 'WARN'\? It has: TRACE"):
        LOGS.select(min_level="WARNING")


def test_pattern_that_is_none_is_told() -> None:
    with pytest.raises(KestraError, match=r"^`matching`: '\(' is no regular expression: "):
        Logs().select(matching="(")


def test_parts_are_logs() -> None:
    assert LOGS[1:].messages == ["two 2", "three"]
    assert LOGS[-1].message == "three"
