"""Kestra's SDK for 2.0 has methods that the one for 1.3 has not; what both have is driven by `tests/engine/sdk`."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest

from tests.engine.scheduling import states, until

T = "main"
FLOW = """\
id: newer
namespace: {}
inputs:
  - {{id: who, type: STRING, defaults: Ada}}
  - {{id: count, type: INT, defaults: 1, min: 1}}
tasks:
  - {{id: say, type: io.kestra.plugin.core.debug.Return, format: "hello {{{{ inputs.who }}}}"}}
  - {{id: write, type: io.kestra.plugin.core.storage.Write, content: "a line", extension: .txt}}
outputs:
  - {{id: said, type: STRING, value: "{{{{ outputs.say.value }}}}"}}
"""
PAUSES = """\
id: pauses
namespace: {}
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
    onResume: [{{id: given, type: INT}}]
  - {{id: last, type: io.kestra.plugin.core.debug.Return, format: x}}
triggers:
  - {{id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *", timezone: UTC}}
"""


@pytest.fixture
def ended(sdk: Any, namespace: str) -> Any:
    """Return an execution that has ended."""
    sdk.flows.create_flow(T, FLOW.format(namespace))
    return sdk.executions.create_execution(T, namespace, "newer", wait=True)


def run_of(execution: Any, task: str) -> str:
    """Return the id of a task's run."""
    return next(str(run.id) for run in execution.task_run_list if run.task_id == task)


def within(namespace: str) -> list[dict[str, str]]:
    """Return the filter of a namespace."""
    return [{"field": "NAMESPACE", "operation": "EQUALS", "value": namespace}]


def test_outputs_are_read(sdk: Any, ended: Any) -> None:
    assert sdk.outputs.execution_outputs(ended.id, T) == {"said": "hello Ada"}
    told = sdk.outputs.task_outputs_information(ended.id, T)
    assert {item.task_id for item in told} == {"say", "write"}
    assert sdk.outputs.task_run_outputs(ended.id, run_of(ended, "say"), T) == {"value": "hello Ada"}


def test_metrics_are_read(sdk: Any, ended: Any, namespace: str) -> None:
    metrics, place = sdk.metrics, (namespace, "newer")
    page = metrics.execution_metrics(ended.id, T, page=1, size=10, task_id="say")
    assert "length" in {item["name"] for item in page["results"]}
    assert "length" in metrics.flow_metric_names(*place, T)
    assert "length" in metrics.task_metric_names(*place, "say", T)
    assert "say" in metrics.tasks_with_metrics(*place, T)
    whole = metrics.aggregate_flow_metric(*place, "length", T, aggregation="sum")
    assert sum(item["value"] or 0 for item in whole["aggregations"]) == len("hello Ada")
    of_task = metrics.aggregate_task_metric(*place, "say", "length", T, aggregation="sum")
    assert of_task["aggregations"] == whole["aggregations"]


def test_flow_is_made_and_changed_as_an_object(sdk: Any, namespace: str) -> None:
    task = {"id": "say", "type": "io.kestra.plugin.core.log.Log", "message": "{{ flow.id }}"}
    made = {"id": "object", "namespace": namespace, "tasks": [task]}

    assert sdk.flows.create_flow_from_object(T, made).revision == 1
    changed = sdk.flows.update_flow_from_object(namespace, "object", T, made | {"description": "other"})
    assert (changed.revision, changed.description) == (2, "other")
    rows = list(csv.DictReader(io.StringIO(sdk.flows.export_flows_by_query_csv(T, within(namespace)))))
    assert {row["id"] for row in rows} == {"object"}  # one for each revision
    told = sdk.flows.expressions(T, changed.source)
    assert "flow.id" in told["executionContext"]


def test_text_of_flows_is_replaced(sdk: Any, ended: Any, namespace: str) -> None:
    wanted = {"query": "hello", "replacement": "bye", "namespace": namespace}
    (found,) = sdk.flows.search_flows_by_source_code(T, q="HELLO {{", namespace=namespace, scope="TASKS").results
    (place,) = found.matches
    preview = sdk.flows.preview_replace_by_source_code(T, wanted)
    (line,) = preview["flows"][0]["matches"]
    assert (line["line"], line["after"]) == (place.line, line["before"].replace("hello", "bye"))
    flow = {"namespace": namespace, "id": "newer"}
    sdk.flows.apply_replace_by_source_code(T, wanted | {"flows": [flow]})
    assert "bye {{ inputs.who }}" in sdk.flows.flow(namespace, "newer", T, source=True).source
    once = {"query": "bye", "replacement": "so long", "line": place.line, "column": place.column}
    (changed,) = sdk.flows.replace_line_by_source_code(T, once | flow)["updated"]
    assert (changed["revision"], "so long {{ inputs.who }}" in changed["source"]) == (3, True)


def test_executions_are_told_of(sdk: Any, ended: Any, namespace: str) -> None:
    runs = sdk.executions
    assert namespace in runs.list_executable_namespaces(T)
    assert [flow.id for flow in runs.list_executable_flows_by_namespace(namespace, T)] == ["newer"]
    assert runs.find_distinct_execution_field_values(T, "FLOW_ID", within(namespace)) == ["newer"]
    rows = list(csv.DictReader(io.StringIO(runs.export_executions_by_query_to_csv(T, within(namespace)))))
    assert [row["id"] for row in rows] == [ended.id]
    path = sdk.outputs.task_run_outputs(ended.id, run_of(ended, "write"), T)["uri"]
    assert runs.preview_file_from_execution(ended.id, path, T, max_rows=5)["content"] == "a line"
    found = runs.eval_task_run_expression(ended.id, run_of(ended, "say"), T, "{{ outputs.say.value }}")
    assert found.result == "hello Ada"
    with runs.follow_execution_raw(ended.id, T) as stream:
        assert ended.id in next(line for line in stream.iter_lines(decode_unicode=True) if line.startswith("data:"))


def test_inputs_are_validated(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, FLOW.format(namespace))
    sdk.flows.create_flow(T, PAUSES.format(namespace))

    told = sdk.executions.validate_new_execution_inputs(namespace, "newer", T, inputs={"count": "0"})
    wrong = {item["input"]["id"]: item.get("errors") for item in told["inputs"]}
    assert (bool(wrong["count"]), bool(wrong["who"])) == (True, False)
    paused = sdk.executions.create_execution(T, namespace, "pauses")
    until(lambda: sdk.executions.execution(paused.id, T).state.current.value == "PAUSED")
    told = sdk.executions.validate_resume_execution_inputs(paused.id, T, inputs={"given": "many"})
    assert told["inputs"][0]["errors"]
    sdk.executions.resume_execution(paused.id, T, inputs={"given": 1})
    until(lambda: sdk.executions.execution(paused.id, T).state.current.value == "SUCCESS")


def test_breakpoint_is_left(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, FLOW.format(namespace))
    stopped = sdk.executions.create_execution(T, namespace, "newer", breakpoints="write")
    until(lambda: sdk.executions.execution(stopped.id, T).state.current.value == "BREAKPOINT")

    sdk.executions.resume_execution_from_breakpoint(stopped.id, T)
    until(lambda: sdk.executions.execution(stopped.id, T).state.current.value == "SUCCESS")


def test_backfill_is_made_and_trigger_disabled(sdk: Any, api: httpx.Client, namespace: str) -> None:
    sdk.flows.create_flow(T, PAUSES.format(namespace))
    place = {"namespace": namespace, "flowId": "pauses", "triggerId": "daily"}
    until(lambda: states(api, namespace, "pauses"))

    backfill = {"start": "2001-01-01T00:00:00Z", "end": "2001-01-03T00:00:00Z"}
    sdk.triggers.create_backfill(T, place | {"backfill": backfill})
    until(lambda: states(api, namespace, "pauses")["daily"].get("backfill"))
    sdk.triggers.disable_trigger_by_id(T, place | {"disabled": True})
    until(lambda: states(api, namespace, "pauses")["daily"]["disabled"])


def test_server_tells_of_itself(sdk: Any) -> None:
    misc = sdk.misc
    assert "upper" in misc.pebble_filters()
    assert misc.pebble_functions()
    assert misc.basic_auth_validation_errors() == []


def test_plugins_are_told_of(sdk: Any) -> None:
    plugins, log = sdk.plugins, "io.kestra.plugin.core.log.Log"
    page = plugins.list_plugins(page=1, size=5)
    assert page["total"] >= 1
    assert plugins.list_plugins_by_subgroups()
    assert plugins.plugin_icons()
    assert plugins.plugin_group_icons()
    assert plugins.plugin_icon(log)["icon"]["name"] == "Log"
    assert "<svg" in plugins.plugin_icon_svg(log)
    assert {"STRING", "INT"} <= {item["type"] for item in plugins.plugin_input_types()}
    assert plugins.plugin_input_schema("STRING")["schema"]
    assert plugins.plugin_properties("flow")
    assert plugins.plugin_schema("flow")["$schema"]
    assert {"Schedule", "Webhook"} <= {item["name"] for item in plugins.plugin_triggers()["results"]}
    assert "message" in plugins.plugin_documentation(log)["schema"]["properties"]["properties"]
    assert plugins.plugin_versions(log)["type"] == log
