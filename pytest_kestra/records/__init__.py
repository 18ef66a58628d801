"""What Kestra tells about flows, executions, logs and metrics, as plain frozen values."""

from __future__ import annotations

from pytest_kestra.records.executions import Attempt, Course, ExecutionRecord, StateChange, TaskRun
from pytest_kestra.records.flows import FlowRecord, has_rounds
from pytest_kestra.records.logs import LogEntry, Metric
from pytest_kestra.records.values import Json, iteration

__all__ = [
    "Attempt",
    "Course",
    "ExecutionRecord",
    "FlowRecord",
    "Json",
    "LogEntry",
    "Metric",
    "StateChange",
    "TaskRun",
    "has_rounds",
    "iteration",
]
