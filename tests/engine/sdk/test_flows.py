"""Kestra's own Python SDK drives the flows of the embedded engine, with every method it has for them."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import polling2
import pytest

T = "main"
LOG = "io.kestra.plugin.core.log.Log"
FLOW = """\
id: {id}
namespace: {namespace}
inputs:
  - {{id: who, type: STRING, defaults: Ada}}
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "hello {{{{ inputs.who }}}}"
"""
LIMIT = "concurrency: {limit: 5}\n"


def source(namespace: str, name: str = "sdk", more: str = "") -> str:
    return FLOW.format(id=name, namespace=namespace) + more


def within(namespace: str) -> list[dict[str, str]]:
    # The SDK's own QueryFilter only takes a mapping for its value.
    return [{"field": "NAMESPACE", "operation": "EQUALS", "value": namespace}]


def ids(namespace: str, *names: str) -> list[Any]:
    kestrapy = pytest.importorskip("kestrapy")
    return [kestrapy.IdWithNamespace(namespace=namespace, id=name) for name in names]


def names(flows: Any) -> list[str]:
    return sorted(flow.id for flow in flows)


def test_sdk_creates_runs_reads_and_deletes(sdk: Any, namespace: str) -> None:
    text = source(namespace)
    created = sdk.flows.create_flow(T, text)
    assert (created.id, created.revision, created.source) == ("sdk", 1, text)
    assert sdk.flows.flow(namespace, "sdk", T, source=True).source == text
    assert names(sdk.flows.list_flows_by_namespace(namespace, T)) == ["sdk"]

    ended = sdk.executions.create_execution(T, namespace, "sdk", wait=True, inputs={"who": "Bob"})
    assert str(ended.state.current.value) == "SUCCESS"
    execution = sdk.executions.execution(ended.id, T)
    assert [run.task_id for run in execution.task_run_list] == ["say"]
    logs = sdk.logs.list_logs_from_execution(ended.id, T, min_level="INFO")
    assert [entry.message for entry in logs] == ["hello Bob"]

    sdk.flows.delete_flow(namespace, "sdk", T)
    with pytest.raises(Exception, match="404"):
        sdk.flows.flow(namespace, "sdk", T)


def test_sdk_updates_and_deletes_revisions(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, source(namespace))
    assert sdk.flows.update_flow(namespace, "sdk", T, source(namespace, more="description: new\n")).revision == 2
    assert [flow.revision for flow in sdk.flows.list_flow_revisions(namespace, "sdk", T)] == [1, 2]
    sdk.flows.delete_revisions(namespace, "sdk", T, [1])
    assert [flow.revision for flow in sdk.flows.list_flow_revisions(namespace, "sdk", T)] == [2]
    assert sdk.flows.task_from_flow(namespace, "sdk", "say", T).type == LOG


def test_sdk_stores_many_flows(sdk: Any, namespace: str) -> None:
    both = f"{source(namespace, 'one')}---\n{source(namespace, 'two')}"
    assert names(sdk.flows.bulk_update_flows(T, delete=False, namespace=namespace, body=both)) == ["one", "two"]
    sdk.flows.update_flows_in_namespace(namespace, T, source(namespace, "three"), delete=False)
    assert names(sdk.flows.list_flows_by_namespace(namespace, T)) == ["one", "three", "two"]

    assert sdk.flows.disable_flows_by_ids(T, ids(namespace, "one", "two")).count == 2
    assert sdk.flows.disable_flows_by_query(T, within(namespace)).count == 1
    assert sdk.flows.enable_flows_by_ids(T, ids(namespace, "one")).count == 1
    assert sdk.flows.enable_flows_by_query(T, within(namespace)).count == 2
    assert sdk.flows.delete_flows_by_ids(T, ids(namespace, "one")).count == 1
    assert sdk.flows.delete_flows_by_query(T, within(namespace)).count == 2


def test_sdk_searches(sdk: Any, namespace: str) -> None:
    for name in ("one", "two"):
        sdk.flows.create_flow(T, source(namespace, name))
    page = sdk.flows.search_flows(T, page=1, size=1, sort=["id:desc"], filters=within(namespace))
    assert (page.total, names(page.results)) == (2, ["two"])
    assert sdk.flows.search_flows_by_source_code(T, q="hello", namespace=namespace).total == 2
    assert sdk.flows.list_distinct_namespaces(T, q=namespace) == [namespace]
    assert sdk.flows.list_deprecated(T, namespace=namespace) == []


def test_sdk_exports_and_imports(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, source(namespace))
    found = sdk.flows.export_flows_by_query(T, within(namespace))
    assert zipfile.ZipFile(io.BytesIO(found)).namelist() == [f"{namespace}-sdk.yml"]
    assert zipfile.ZipFile(io.BytesIO(sdk.flows.export_flows_by_ids(T, ids(namespace, "sdk")))).namelist()
    sdk.flows.delete_flow(namespace, "sdk", T)
    assert sdk.flows.import_flows(T, file_content=found) == []
    assert sdk.flows.import_flows(T, file_content=source(namespace, "other").encode()) == []
    assert names(sdk.flows.list_flows_by_namespace(namespace, T)) == ["other", "sdk"]
    with pytest.raises(Exception, match="422"):
        sdk.flows.import_flows(T, fail_on_error=True, file_content=b"id: wrong")


def test_sdk_draws_graphs(sdk: Any, namespace: str) -> None:
    text = source(namespace)
    sdk.flows.create_flow(T, text)
    assert {"root.say"} <= {node.uid for node in sdk.flows.generate_flow_graph(namespace, "sdk", T).nodes}
    assert {"root.say"} <= {node.uid for node in sdk.flows.generate_flow_graph_from_source(T, text).nodes}


def test_sdk_reads_dependencies(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, source(namespace))
    call = f"  - {{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: {namespace}, flowId: sdk}}\n"
    sdk.flows.create_flow(T, source(namespace, "parent", call))

    def edges() -> Any:
        # Kestra computes them after a flow is stored, with the flows that its executor has heard of until then.
        changed = source(namespace, "parent", f"{call}description: stored at {time.monotonic()}\n")
        sdk.flows.update_flow(namespace, "parent", T, changed)
        return sdk.flows.flow_dependencies(namespace, "sdk", T).edges

    polling2.poll(edges, step=0.2, timeout=600)
    assert names(sdk.flows.flow_dependencies(namespace, "sdk", T).nodes) == ["parent", "sdk"]
    assert names(sdk.flows.flow_dependencies_from_namespace(namespace, T).nodes) == ["parent", "sdk"]


def test_sdk_reads_and_changes_limits(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, source(namespace, more=LIMIT))
    sdk.executions.create_execution(T, namespace, "sdk", wait=True)
    (limit,) = [item for item in sdk.flows.search_concurrency_limits(T).results if item.namespace == namespace]
    assert limit.running == 0
    limit.running = 3
    assert sdk.flows.update_concurrency_limit(namespace, "sdk", T, limit).running == 3


def test_sdk_checks(sdk: Any, namespace: str) -> None:
    (entry,) = sdk.flows.validate_flows(T, source(namespace))
    assert (entry.flow, entry.constraints) == ("sdk", None)
    task = {"id": "say", "type": LOG}
    assert sdk.flows.validate_task("TASKS", T, task).constraints == "message: must not be null\n"
    trigger = {"id": "daily", "type": "io.kestra.plugin.core.trigger.Schedule", "cron": "@daily"}
    assert sdk.flows.validate_trigger(T, trigger).constraints is None
