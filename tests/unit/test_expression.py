from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from pytest_kestra.records import ExecutionRecord, FlowRecord, LogEntry
from pytest_kestra.run.diagnosis.expression import failed_expression, missing_name

SOURCE = """\
id: orders
namespace: a.b
variables:
  region: eu
tasks:
  - id: first
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.x }}"
  - id: second
    type: io.kestra.plugin.core.log.Log
    message: |
      Hello
      {{ outputs.x }} and {{ kv('gate') }}
"""
FLOW = FlowRecord.of(
    {"id": "orders", "namespace": "a.b", "revision": 1, "source": SOURCE, "variables": {"region": "eu"}}
)


def task_run(task: str, outputs: Any, value: str | None = None) -> dict[str, Any]:
    state = {"current": "SUCCESS", "histories": [{"state": "CREATED", "date": "2026-01-01T00:00:00Z"}]}
    return {"id": f"run-{task}", "taskId": task, "state": state, "outputs": outputs, "value": value}


EXECUTION = ExecutionRecord.of(
    {
        "id": "e",
        "namespace": "a.b",
        "flowId": "orders",
        "state": {"current": "FAILED", "histories": [{"state": "CREATED", "date": "2026-01-01T00:00:00Z"}]},
        "inputs": {"name": "Ada"},
        "trigger": {"id": "hook", "variables": {"body": {"amount": 1}}},
        "taskRunList": [
            task_run("count", {"value": 3}),
            task_run("each", {"value": "x"}, "a"),
            task_run("silent", None),
            task_run("second", {}),
        ],
    }
)


def why(message: str, task: str = "second") -> tuple[str, int | None, str]:
    entry = LogEntry("ERROR", message, task, f"run-{task}", 0, datetime(2026, 1, 1, tzinfo=timezone.utc))
    found = failed_expression([entry], EXECUTION, FLOW)
    assert found is not None
    return found.text, found.line, found.why


def missing(name: str, text: str, line: int = 1) -> str:
    return f"Unable to find `{name}` used in the expression `{text}` at line {line}"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("cuont", "{{ outputs.cuont.value }}", "there is no outputs.cuont; did you mean 'count'? It has: count, each."),
        ("valu", "{{ outputs.count.valu }}", "there is no outputs.count.valu; did you mean 'value'? It has: value."),
        ("count", "{{ outputs.count.count }}", "there is no outputs.count.count. It has: value."),
        ("valu", "{{ outputs.each.a.valu }}", "there is no outputs.each.a.valu; did you mean 'value'? It has: value."),
        ("nam", "{{ inputs['nam'] | upper }}", "there is no inputs.nam; did you mean 'name'? It has: name."),
        ("regio", '{{ vars["regio"] }}', "there is no vars.regio; did you mean 'region'? It has: region."),
        ("sum", "{{ trigger.body.sum }}", "there is no trigger.body.sum. It has: amount."),
        ("out", "{{ outputs.silent.out }}", "there is no outputs.silent: the task silent made no outputs"),
        ("deep", "{{ outputs.count.value.deep }}", "outputs.count.value has no 'deep', it is 3"),
        (
            "each",
            "{{ outputs.each.value }}",
            "there is no outputs.each: on Kestra 2.0 only its own round has the outputs of a loop's task; "
            "name them in the loop's `outputs`",
        ),
        ("deep", "{{ nowhere.at.deep }}", "there is no nowhere.at"),
        ("strange", "{{ f(1) }}", "there is no 'strange'"),
    ],
)
def test_missing_name_is_told_with_what_there_is(name: str, text: str, told: str) -> None:
    assert why(missing(name, text)) == (text, None, told)


def test_variable_that_there_is_not() -> None:
    _, _, told = why(missing("inptus", "{{ inptus.name }}"))

    assert told.startswith("there is no variable 'inptus'; did you mean 'inputs'? It has: flow, execution, inputs,")


def test_line_is_that_of_the_task_that_failed() -> None:
    assert why(missing("x", "{{ outputs.x }}"), "first")[1] == 8
    assert why(missing("x", "{{ outputs.x }}"), "second")[1] == 13
    assert why(missing("x", "Hello\n{{ outputs.x }} and {{ kv('gate') }}", 2))[:2] == (
        "{{ outputs.x }} and {{ kv('gate') }}",
        13,
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "io.pebbletemplates.pebble.error.PebbleException: Cannot find secret for key 'X'. ({{ secret('X') }}:1)",
            "Cannot find secret for key 'X': give it in the fixture kestra_secrets",
        ),
        (
            "a.b.PebbleException: The key 'gate' does not exist in the namespace 'a.b'. (Hello\n{{ kv('gate') }}\n:2)",
            "The key 'gate' does not exist in the namespace 'a.b': set it before, kestra.kv[…] = …",
        ),
        ("PebbleException: Missing endif tag. ({% if true %}:1)", "Missing endif tag"),
    ],
)
def test_other_failures_tell_their_reason_and_a_remedy(message: str, told: str) -> None:
    assert why(message)[2] == told


def test_last_expression_counts_and_other_errors_are_none() -> None:
    entries = [
        LogEntry("ERROR", message, None, None, None, datetime(2026, 1, 1, tzinfo=timezone.utc))
        for message in (missing("a", "{{ a }}"), missing("b", "{{ b }}"), "Command failed")
    ]

    found = failed_expression(entries, EXECUTION, None)
    assert found is not None
    assert (found.text, found.line, found.task_run_id) == ("{{ b }}", None, None)
    assert failed_expression(entries[2:], EXECUTION, FLOW) is None


def test_name_that_an_expression_of_the_test_lacks() -> None:
    def told(message: str, task: str | None = None) -> str | None:
        run = next((run for run in EXECUTION.task_runs if run.task_id == task), None)
        return missing_name(message, EXECUTION, FLOW, run)

    nearest = "there is no outputs.cuont; did you mean 'count'? It has: count, each."
    assert told(missing("cuont", "{{ outputs.cuont.value }}")) == nearest
    assert told(missing("cuont", "{{ inputs.name }}\n{{ outputs.cuont.value }}", 2)) == nearest
    assert told(missing("idd", "{{ task.idd }}"), "count") == "there is no task.idd; did you mean 'id'? It has: id."
    assert told("Missing endif tag. ({% if true %}:1)") is None


def test_item_of_a_loop_of_2_0_is_known() -> None:
    loop = {"id": "each", "type": "io.kestra.plugin.core.flow.Loop"}
    flow = FlowRecord.of({"id": "orders", "namespace": "a.b", "revision": 1, "tasks": [loop]})
    runs = [task_run("each", {}, "a"), {**task_run("one", {}, "b"), "parentTaskRunId": "run-each", "iteration": 0}]
    state = {"current": "FAILED", "histories": [{"state": "FAILED", "date": "2026-01-01T00:00:00Z"}]}
    execution = ExecutionRecord.of(
        {"id": "e", "namespace": "a.b", "flowId": "orders", "state": state, "taskRunList": runs}
    )

    def told(name: str, text: str) -> str | None:
        return missing_name(missing(name, text), execution, flow, execution.task_runs[1])

    assert told("valu", "{{ item.valu }}") == (
        "there is no item.valu; did you mean 'value'? It has: index, value, parent."
    )
    assert told("x", "{{ item.parent.value.x }}") == "item.parent.value has no 'x', it is \"a\""


@pytest.mark.parametrize("style", ["block", "flow"])
def test_line_is_that_of_the_task_where_others_have_its_id(style: str) -> None:
    log = "io.kestra.plugin.core.log.Log"
    task = f"  - id: second\n    type: {log}\n    message: '{{{{ outputs.nope }}}}'\n"
    if style == "flow":
        task = f"  - {{id: second, type: {log},\n     message: '{{{{ outputs.nope }}}}'}}\n"
    first = f"  - id: first\n    type: {log}\n    message: '{{{{ outputs.nope }}}}'\n"
    flow = replace(FLOW, id="second", source=f"id: second\nnamespace: a.b\ntasks:\n{first}{task}{first}")
    message = missing("nope", "{{ outputs.nope }}")
    entry = LogEntry("ERROR", message, "second", "run-second", 0, datetime(2026, 1, 1, tzinfo=timezone.utc))

    found = failed_expression([entry], EXECUTION, flow)

    assert found is not None
    assert found.line == (9 if style == "block" else 8)
