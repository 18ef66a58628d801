"""Why a task did not run, as far as an execution says it; tests/engine/test_shapes.py asks a real one."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pytest_kestra import UnknownNameError
from pytest_kestra.records import ExecutionRecord, FlowRecord
from pytest_kestra.run.diagnosis.absence import why_absent
from pytest_kestra.run.task_runs import no_run

SOURCE = """\
id: orders
namespace: a.b
tasks:
  - {id: first, type: a.Log}
  - {id: idle, type: a.Log, disabled: true}
  - id: choice
    type: core.flow.If
    condition: x
    then: [{id: yes-task, type: a.Log}]
    else:
      - id: kind
        type: core.flow.Switch
        value: x
        cases:
          1: [{id: one, type: a.Log}]
        defaults: [{id: other, type: a.Log}]
        errors: [{id: of-kind, type: a.Log}]
  - id: each
    type: core.flow.ForEach
    values: x
    tasks: [{id: round, type: a.Log}]
  - id: graph
    type: core.flow.Dag
    tasks:
      - task: {id: node, type: a.Log}
  - {id: end, type: core.execution.Exit}
  - {id: last, type: a.Log}
errors:
  - {id: alarm, type: a.Log}
afterExecution:
  - {id: after, type: a.Log}
"""


def flow(source: str = SOURCE) -> FlowRecord:
    return FlowRecord.of({"revision": 1, "source": source, **yaml.safe_load(SOURCE)})


def state(name: str) -> dict[str, Any]:
    return {"current": name, "histories": [{"state": name, "date": "2026-01-01T00:00:00Z"}]}


def run(task: str, name: str = "SUCCESS", parent: str | None = None, **outputs: Any) -> dict[str, Any]:
    return {
        "id": f"run-{task}",
        "taskId": task,
        "state": state(name),
        "parentTaskRunId": parent and f"run-{parent}",
        "outputs": outputs,
    }


def execution(name: str, *runs: dict[str, Any]) -> ExecutionRecord:
    data = {"id": "e", "namespace": "a.b", "flowId": "orders", "state": state(name), "taskRunList": runs}
    return ExecutionRecord.of(data)


TAKEN = (run("first"), run("choice", evaluationResult=False), run("kind", "SUCCESS", "choice", value="2"))


@pytest.mark.parametrize(
    ("task", "name", "runs", "why"),
    [
        ("idle", "SUCCESS", TAKEN, "it is disabled"),
        ("yes-task", "SUCCESS", TAKEN, "`then` of 'choice' was not taken, since its condition was false"),
        ("one", "SUCCESS", TAKEN, "`cases.1` of 'kind' was not taken, since its value was '2'"),
        ("of-kind", "SUCCESS", TAKEN, "it handles errors, and no task of 'kind' failed"),
        ("alarm", "SUCCESS", TAKEN, "it handles errors, and no task failed"),
        ("after", "SUCCESS", TAKEN, "it runs after the end of the execution, when this was read already: `refresh()` "),
        ("other", "FAILED", TAKEN[:1], "'choice', which it is in, did not run"),
        ("other", "SUCCESS", [run("choice", evaluationResult=True)], "'kind', which it is in, did not run: `else` of "),
        ("yes-task", "SUCCESS", [run("choice", "SKIPPED")], "'choice', which it is in, was skipped by its `runIf`"),
        ("yes-task", "RUNNING", [run("choice", "RUNNING")], "the execution was RUNNING when this was read: `wait()` "),
        ("last", "FAILED", [run("first", "FAILED")], "the task 'first' failed before it"),
        ("node", "FAILED", [run("graph", "FAILED")], ""),
        ("round", "SUCCESS", [run("each")], "the loop 'each' had no round"),
        ("last", "KILLED", TAKEN, "the execution was KILLED before it"),
        ("last", "SUCCESS", [run("end")], "the task 'end' ended the execution"),
        ("last", "SUCCESS", [run("gone")], ""),
        ("last", "FAILED", [], "no task did, the execution is FAILED"),
        ("gone", "SUCCESS", TAKEN, ""),
    ],
)
def test_reason(task: str, name: str, runs: list[dict[str, Any]], why: str) -> None:
    told = why_absent(task, execution(name, *runs), flow())

    assert told.startswith(why)
    assert bool(told) is bool(why)


@pytest.mark.parametrize("source", ["", "a: [", "- a"])
def test_nothing_is_said_without_the_text_of_the_flow(source: str) -> None:
    assert why_absent("last", execution("SUCCESS"), flow(source)) == ""


def test_sentence_has_reason_place_and_what_ran() -> None:
    error = no_run(execution("SUCCESS", *TAKEN), "idle", flow(), "a.yaml")

    assert isinstance(error, UnknownNameError)
    assert str(error) == (
        "The task 'idle' did not run: it is disabled. It is at a.yaml:5 in the flow; these did: first, choice, kind."
    )
    assert str(no_run(execution("FAILED"), "last", flow(""), "orders")) == (
        "The task 'last' did not run. It is at orders in the flow."
    )


def test_name_that_the_flow_does_not_have_gets_the_nearest() -> None:
    error = no_run(execution("SUCCESS", *TAKEN), "frist", flow(), "orders.yaml")

    assert str(error).startswith(
        "There is no task 'frist' in the flow orders; did you mean 'first'? It has: first, idle"
    )
