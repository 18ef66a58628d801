"""Suites that are made of executions."""

from __future__ import annotations

from typing import Any

import yaml

from pytest_kestra.records import ExecutionRecord, FlowRecord
from pytest_kestra.suites.recording import Recording

RETURN, HTTP = "io.kestra.plugin.core.debug.Return", "io.kestra.plugin.core.http.Request"
ENDED = {"current": "SUCCESS", "histories": [{"state": "SUCCESS", "date": "2026-01-01T00:00:00Z"}]}


def run(name: str, task: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "taskId": task, "parentTaskRunId": parent, "state": ENDED, **more}


def recorded(loop: str = "io.kestra.plugin.core.flow.ForEach") -> tuple[dict[str, Any], str]:
    """Return the case of an execution whose loop has two rounds, in which a sequence has two tasks; and the text."""
    inner = [{"id": "told", "type": RETURN}, {"id": "fetch", "type": HTTP}]
    sequence = {"id": "both", "type": "io.kestra.plugin.core.flow.Sequential", "tasks": inner}
    flow = {"id": "f", "namespace": "a.b", "revision": 1, "tasks": [{"id": "each", "type": loop, "tasks": [sequence]}]}
    runs = [run("each", "each")]
    for value in ("A", "B"):
        runs += [
            run(f"both-{value}", "both", "each", value=value),
            run(f"told-{value}", "told", f"both-{value}", outputs={"value": value}),
            run(f"fetch-{value}", "fetch", f"both-{value}", outputs={"body": value}),
        ]
    execution = {"id": "e", "namespace": "a.b", "flowId": "f", "state": ENDED, "taskRunList": runs}
    text = Recording(ExecutionRecord.of(execution), FlowRecord.of(flow), ["io.kestra.plugin.core.http.*"]).text()
    return yaml.safe_load(text)["testCases"][0], text


def test_outputs_below_a_loop_are_named_with_the_values_around_them() -> None:
    case, _ = recorded()

    assert case["assertions"] == [
        {"value": "{{ outputs.told.A.value }}", "equalTo": "A", "taskId": "told"},
        {"value": "{{ outputs.told.B.value }}", "equalTo": "B", "taskId": "told"},
    ]
    assert case["x-pytest"]["expect"]["tasks"] == {"each": "SUCCESS"}


def test_fixture_that_another_one_hides_is_told() -> None:
    case, text = recorded()

    assert case["fixtures"]["tasks"] == [{"id": "fetch", "outputs": {"body": "A"}}]
    assert "# Left out, as a fixture for it would be one for fetch[A], too: fetch[B]." in text


def test_outputs_of_rounds_that_only_these_see_are_left_out() -> None:
    case, _ = recorded("io.kestra.plugin.core.flow.Loop")

    assert case["assertions"] == []
