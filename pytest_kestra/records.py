"""What Kestra tells about flows, executions, logs and metrics, as plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pytest_kestra.states import State
from pytest_kestra.times import duration, instant

Json = Mapping[str, Any]


@dataclass(frozen=True)
class StateChange:
    """Say when an execution or a task run came to a state."""

    state: State
    date: datetime


@dataclass(frozen=True)
class Attempt:
    """Tell one attempt to run a task; `duration` is None while it runs."""

    state: State
    history: tuple[StateChange, ...]
    duration: timedelta | None

    @classmethod
    def of(cls, data: Json) -> Attempt:
        """Return the attempt that the API's JSON describes."""
        return cls(*_state(data))


@dataclass(frozen=True)
class TaskRun:
    """Tell one run of a task: in a loop, one of many, with its `value`.

    `outputs` is empty where a task makes none; `duration` is None while it runs.
    """

    id: str
    task_id: str
    state: State
    history: tuple[StateChange, ...]
    duration: timedelta | None
    outputs: Json
    attempts: tuple[Attempt, ...]
    value: str | None
    parent_id: str | None

    @classmethod
    def of(cls, data: Json) -> TaskRun:
        """Return the task run that the API's JSON describes."""
        return cls(
            data["id"],
            data["taskId"],
            *_state(data),
            outputs=data.get("outputs") or {},
            attempts=tuple(Attempt.of(attempt) for attempt in data.get("attempts") or ()),
            value=data.get("value"),
            parent_id=data.get("parentTaskRunId"),
        )


@dataclass(frozen=True)
class ExecutionRecord:
    """Tell an execution as it was when it was read; `duration` is None while it runs.

    `trigger` says what started it, where that was not a call of the API; `labels` are without those of the system.
    """

    id: str
    namespace: str
    flow_id: str
    revision: int | None
    state: State
    history: tuple[StateChange, ...]
    duration: timedelta | None
    inputs: Json = field(default_factory=dict)
    outputs: Json = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    task_runs: tuple[TaskRun, ...] = ()
    trigger: Json | None = None

    @classmethod
    def of(cls, data: Json) -> ExecutionRecord:
        """Return the execution that the API's JSON describes."""
        return cls(
            data["id"],
            data["namespace"],
            data["flowId"],
            data.get("flowRevision"),
            *_state(data),
            inputs=data.get("inputs") or {},
            outputs=data.get("outputs") or {},
            labels=_labels(data),
            task_runs=tuple(TaskRun.of(run) for run in data.get("taskRunList") or ()),
            trigger=data.get("trigger"),
        )


@dataclass(frozen=True)
class FlowRecord:
    """Tell a flow as Kestra has it; what stands under an id, such as a task, is its definition."""

    id: str
    namespace: str
    revision: int
    source: str
    tasks: Mapping[str, Json]
    inputs: Mapping[str, Json]
    triggers: Mapping[str, Json]
    labels: Mapping[str, str]
    variables: Json
    concurrency: Json | None

    @classmethod
    def of(cls, data: Json) -> FlowRecord:
        """Return the flow that the API's JSON describes."""
        tasks: dict[str, Json] = {}
        for part in ("tasks", "errors", "finally", "afterExecution"):
            _collect_tasks(data.get(part), tasks)
        return cls(
            data["id"],
            data["namespace"],
            data["revision"],
            data.get("source") or "",
            tasks=tasks,
            inputs={item["id"]: item for item in data.get("inputs") or ()},
            triggers={item["id"]: item for item in data.get("triggers") or ()},
            labels=_labels(data),
            variables=data.get("variables") or {},
            concurrency=data.get("concurrency"),
        )


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


def _state(data: Json) -> tuple[State, tuple[StateChange, ...], timedelta | None]:
    state = data["state"]
    history = tuple(StateChange(State(item["state"]), instant(item["date"])) for item in state["histories"])
    text = state.get("duration")
    return State(state["current"]), history, duration(text) if text else None


def _labels(data: Json) -> dict[str, str]:
    labels = data.get("labels") or ()
    return {label["key"]: label["value"] for label in labels if not label["key"].startswith("system.")}


def _collect_tasks(node: Any, tasks: dict[str, Json]) -> None:
    """Add every task below a node: whatever has an id and a type, however deep a flowable task keeps it."""
    if isinstance(node, Mapping):
        if isinstance(node.get("id"), str) and isinstance(node.get("type"), str) and "." in node["type"]:
            tasks.setdefault(node["id"], node)
        for value in node.values():
            _collect_tasks(value, tasks)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for item in node:
            _collect_tasks(item, tasks)
