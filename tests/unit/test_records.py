from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pytest_kestra.records import ExecutionRecord, FlowRecord, LogEntry, Metric

Recorded = Callable[[str], Any]


def test_execution_of_a_real_server(recorded: Recorded) -> None:
    execution = ExecutionRecord.of(recorded("068")["response"]["body"])

    assert (execution.flow_id, execution.state, execution.revision) == ("metrics", "SUCCESS", 1)
    assert [change.state for change in execution.history] == ["CREATED", "RUNNING", "SUCCESS"]
    assert execution.duration == timedelta(microseconds=254227)
    (run,) = execution.task_runs
    assert (run.task_id, run.state, run.outputs["vars"]) == ("script", "SUCCESS", {"answer": 42})
    assert run.attempts[0].duration == timedelta(microseconds=101118)
    assert execution.labels == {}


def test_execution_that_has_just_been_created(recorded: Recorded) -> None:
    execution = ExecutionRecord.of(recorded("040")["response"]["body"])

    assert (execution.state, execution.task_runs, execution.duration) == ("CREATED", (), None)


def test_execution_of_a_subflow(recorded: Recorded) -> None:
    execution = ExecutionRecord.of(recorded("096")["response"]["body"])

    assert (execution.inputs, execution.labels) == ({"word": "hi"}, {"env": "test"})
    assert execution.trigger is not None
    assert execution.trigger["variables"]["flowId"] == "parent"


def test_task_runs_of_a_loop_have_their_values(recorded: Recorded) -> None:
    execution = ExecutionRecord.of(recorded("097")["response"]["body"])

    parent = execution.task_runs[0]
    looped = [run for run in execution.task_runs if run.value is not None]
    assert len(looped) > 1
    assert {run.parent_id for run in looped} == {parent.id}


def test_skipped_task_run_has_no_outputs(recorded: Recorded) -> None:
    runs = ExecutionRecord.of(recorded("104")["response"]["body"]).task_runs

    assert [run.outputs for run in runs if run.state == "SKIPPED"] == [{}]


def test_flow_of_a_real_server(recorded: Recorded) -> None:
    flow = FlowRecord.of(recorded("013")["response"]["body"])

    assert (flow.id, flow.namespace, flow.revision) == ("hello_world", "contracts", 2)
    assert list(flow.tasks) == ["log_start", "greet", "log_output", "sleep", "log_end"]
    assert flow.inputs["name"]["defaults"] == "World"
    assert flow.triggers["daily"]["cron"] == "0 9 * * *"
    assert flow.concurrency == {"limit": 2, "behavior": "FAIL"}
    assert flow.source.startswith("id: hello_world")


def test_tasks_of_a_flow_are_found_however_deep_they_are() -> None:
    inner = {"id": "inner", "type": "a.Log"}
    task = {"id": "branch", "type": "a.If", "then": [inner], "else": [{"id": "other", "type": "a.Log"}]}
    data = {
        "id": "f",
        "namespace": "n",
        "revision": 1,
        "tasks": [task],
        "errors": [{"id": "alert", "type": "a.Log", "labels": {"id": "x", "type": "no_type"}}],
        "triggers": [{"id": "daily", "type": "a.Schedule"}],
    }

    assert list(FlowRecord.of(data).tasks) == ["branch", "inner", "other", "alert"]


def test_logs_and_metrics_of_a_real_server(recorded: Recorded) -> None:
    logs = [LogEntry.of(entry) for entry in recorded("054")["response"]["body"]]
    metrics = [Metric.of(entry) for entry in recorded("069")["response"]["body"]["results"]]

    assert [(entry.task_id, entry.level) for entry in logs][:2] == [("log_start", "ERROR"), ("greet", "DEBUG")]
    assert [(metric.name, metric.type, metric.value, metric.tags) for metric in metrics] == [
        ("rows", "counter", 3.0, {"table": "t"}),
        ("spent", "timer", 1500.0, {}),
    ]
