"""Kestra's own Python SDK reads and deletes logs. It has no methods for metrics."""

from __future__ import annotations

from typing import Any

T = "main"
FLOW = """\
id: logs
namespace: {}
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: hello
  - id: warn
    type: io.kestra.plugin.core.log.Log
    level: WARN
    message: careful
"""


def test_sdk_reads_and_deletes_logs(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, FLOW.format(namespace))
    execution = sdk.executions.create_execution(T, namespace, "logs", wait=True)
    (say, _) = execution.task_run_list

    def messages(**chosen: Any) -> list[str]:
        return [entry.message for entry in sdk.logs.list_logs_from_execution(execution.id, T, **chosen)]

    assert messages(min_level="INFO") == ["hello", "careful"]
    assert messages(min_level="WARN") == ["careful"]
    assert "hello" in messages(task_run_id=say.id, attempt=0)
    assert messages(task_id="warn", min_level="INFO") == ["careful"]
    text = sdk.logs.download_logs_from_execution(execution.id, T, min_level="INFO")
    assert [line.rpartition(" ")[2] for line in text.splitlines()] == ["hello", "careful"]
    within = {"field": "NAMESPACE", "operation": "EQUALS", "value": namespace}
    assert sdk.logs.search_logs(T, page=1, size=5, sort=["timestamp:asc"], filters=[within]).total >= 2

    sdk.logs.delete_logs_from_execution(execution.id, T, task_id="say")
    assert messages(min_level="INFO") == ["careful"]
    sdk.logs.delete_logs_from_flow(namespace, "logs", None, T)
    assert messages() == []


def test_sdk_follows_logs(sdk: Any, namespace: str) -> None:
    sdk.flows.create_flow(T, FLOW.format(namespace))
    execution = sdk.executions.create_execution(T, namespace, "logs", wait=True)

    followed = sdk.logs.follow_logs_from_execution(execution.id, T, min_level="INFO")
    seen = []
    for entry in followed:
        if entry.message:
            seen.append(entry.message)
        if len(seen) == 2:
            break
    followed.close()
    assert seen == ["hello", "careful"]
