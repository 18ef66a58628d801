"""What is known about an execution, as plain data: for JSON files and the HTML page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from pytest_kestra.records import ExecutionRecord, TaskRun
from pytest_kestra.run.diagnosis.evidence import Evidence
from pytest_kestra.states import BAD


def execution_data(evidence: Evidence) -> dict[str, Any]:
    """Return an execution with its task runs, logs and flow, without secrets, of what JSON has."""
    execution = evidence.execution
    data = {
        "id": execution.id,
        "flow": execution.flow_id,
        "namespace": execution.namespace,
        "file": evidence.name,
        "revision": execution.revision,
        **_course(execution),
        # Where the bars of what still runs end.
        "read": _date(datetime.now(timezone.utc)),
        "url": evidence.session.page(execution) if evidence.session.pages else None,
        "inputs": execution.inputs,
        "outputs": execution.outputs,
        "labels": execution.labels,
        "variables": evidence.flow.variables if evidence.flow is not None else {},
        "trigger": execution.trigger,
        "parent": execution.triggered_by,
        "replays": execution.original_id,
        "error": _error(evidence),
        "tasks": [_task_run(run, evidence) for run in execution.task_runs],
        "logs": [
            {
                "time": _date(entry.timestamp),
                "level": entry.level,
                "task": entry.task_id,
                "run": entry.task_run_id,
                "attempt": entry.attempt,
                "message": entry.message,
            }
            for entry in evidence.logs
        ],
        "source": evidence.flow.source if evidence.flow is not None else "",
    }
    clean: dict[str, Any] = json.loads(json.dumps(evidence.session.clean(data), default=str))
    return clean


def _task_run(run: TaskRun, evidence: Evidence) -> dict[str, Any]:
    definition: Mapping[str, Any] = evidence.flow.tasks.get(run.task_id, {}) if evidence.flow is not None else {}
    return {
        "id": run.id,
        "task": run.task_id,
        "type": definition.get("type"),
        "value": run.value,
        "depth": evidence.execution.depth(run),
        "parent": run.parent_id,
        **_course(run),
        "attempts": [
            {"state": attempt.state, "start": _date(attempt.start), "end": _date(attempt.end)}
            for attempt in run.attempts
        ],
        "outputs": run.outputs,
    }


def _course(course: ExecutionRecord | TaskRun) -> dict[str, Any]:
    return {
        "state": course.state,
        "start": _date(course.start),
        "end": _date(course.end),
        "duration": None if course.duration is None else course.duration.total_seconds(),
        "history": [[change.state, _date(change.date)] for change in course.history],
    }


def _error(evidence: Evidence) -> dict[str, str | None] | None:
    reason = evidence.reason(evidence.cause) if evidence.execution.state in BAD else ""
    if not reason:
        return None
    failed, line = evidence.expression, evidence.line
    place = evidence.name if line is None else f"{evidence.name}:{line}"
    return {"message": reason, "expression": None if failed is None else failed.text, "context": place}


def _date(date: datetime | None) -> str | None:
    return None if date is None else date.isoformat()
