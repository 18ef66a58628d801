"""Logs and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pytest_kestra.records.values import Json
from pytest_kestra.times import instant


@dataclass(frozen=True)
class LogEntry:
    """Tell one line of an execution's logs; `task_id` is None where it is the execution's own."""

    level: str
    message: str
    task_id: str | None
    task_run_id: str | None
    attempt: int | None
    timestamp: datetime

    @classmethod
    def of(cls, data: Json) -> LogEntry:
        """Return the log entry that the API's JSON describes."""
        return cls(
            data["level"],
            data.get("message") or "",
            data.get("taskId"),
            data.get("taskRunId"),
            data.get("attemptNumber"),
            instant(data["timestamp"]),
        )


@dataclass(frozen=True)
class Metric:
    """Tell one metric of a task: a `counter`, or a `timer` in milliseconds."""

    name: str
    type: str
    value: float
    task_id: str
    task_run_id: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, data: Json) -> Metric:
        """Return the metric that the API's JSON describes."""
        return cls(data["name"], data["type"], data["value"], data["taskId"], data["taskRunId"], data.get("tags") or {})
