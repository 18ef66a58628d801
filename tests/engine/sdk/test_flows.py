"""Kestra's own Python SDK drives the embedded engine."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

FLOW = """\
id: sdk
namespace: {namespace}
inputs:
  - {{id: who, type: STRING}}
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "hello {{{{ inputs.who }}}}"
"""


def test_sdk_creates_runs_reads_and_deletes(sdk: Any) -> None:
    namespace = f"company.sdk-{secrets.token_hex(4)}"
    source = FLOW.format(namespace=namespace)

    created = sdk.flows.create_flow("main", source)
    assert (created.id, created.revision, created.source) == ("sdk", 1, source)
    assert sdk.flows.flow(namespace, "sdk", "main", source=True).source == source
    assert [flow.id for flow in sdk.flows.list_flows_by_namespace(namespace, "main")] == ["sdk"]

    ended = sdk.executions.create_execution("main", namespace, "sdk", wait=True, inputs={"who": "Ada"})
    assert str(ended.state.current.value) == "SUCCESS"
    execution = sdk.executions.execution(ended.id, "main")
    assert [run.task_id for run in execution.task_run_list] == ["say"]

    logs = sdk.logs.list_logs_from_execution(ended.id, "main", min_level="INFO")
    assert [entry.message for entry in logs] == ["hello Ada"]

    sdk.flows.delete_flow(namespace, "sdk", "main")
    with pytest.raises(Exception, match="404"):
        sdk.flows.flow(namespace, "sdk", "main")
