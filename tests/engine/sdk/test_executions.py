"""Kestra's own Python SDK drives all of the life of executions on the embedded engine."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.running import GATED, PAUSED, SLEEPER, WORD, came, kill, put, ran, run_of, start, value
from tests.engine.scheduling import deploy, until

TENANT = "main"
LIMITED = """\
id: limited
namespace: {namespace}
concurrency: {{behavior: QUEUE, limit: 1}}
tasks:
  - {{id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}}
"""
FILES = """\
id: files
namespace: {namespace}
inputs:
  - {{id: data, type: FILE}}
  - {{id: items, type: ARRAY, itemType: INT}}
tasks:
  - {{id: show, type: io.kestra.plugin.core.debug.Return, format: "{{{{ read(inputs.data) }}}} {{{{ inputs.items }}}}"}}
"""


def where(**fields: str) -> list[Any]:
    """Return filters of the SDK; its model takes no text for a value (kestrapy 1.3.1), though the API does."""
    import kestrapy

    return [
        kestrapy.QueryFilter.model_construct(
            var_field=kestrapy.QueryFilterField[name.upper()], operation=kestrapy.QueryFilterOp.EQUALS, value=text
        )
        for name, text in fields.items()
    ]


def states(name: str) -> Any:
    """Return a state of the SDK."""
    from kestrapy import StateType

    return StateType(name)


@pytest.fixture
def queued(api: httpx.Client, namespace: str) -> Any:
    """Return an execution that runs and two that wait for its slot, and end them."""
    deploy(api, LIMITED.format(namespace=namespace))
    ids = [start(api, namespace, "limited")]
    came(api, ids[0], "RUNNING")
    ids += [start(api, namespace, "limited") for _ in range(2)]
    for execution_id in ids[1:]:
        came(api, execution_id, "QUEUED")
    yield ids
    kill(api, *ids)


def test_sdk_creates_and_finds(sdk: Any, api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    created = sdk.executions.create_execution(
        TENANT, namespace, "word", ["team:red"], True, 1, "2026-01-01T00:00:00Z", inputs={"word": "two"}
    )
    assert (str(created.state.current.value), created.inputs) == ("SUCCESS", {"word": "two"})
    assert ("team", "red") in {(label.key, label.value) for label in created.labels}
    assert sdk.executions.execution(created.id, TENANT).flow_id == "word"
    assert sdk.executions.search_executions(TENANT, filters=where(namespace=namespace))["total"] == 1
    assert sdk.executions.search_executions(TENANT, filters=where(namespace=namespace, state="FAILED"))["total"] == 0
    assert sdk.executions.search_executions_by_flow_id(TENANT, namespace, "word")["total"] == 1
    flow = sdk.executions.flow_from_execution(TENANT, namespace, "word")
    assert flow.revision == sdk.executions.flow_from_execution_by_id(created.id, TENANT).revision == 1


def test_sdk_asks_for_the_latest(sdk: Any, api: httpx.Client, namespace: str) -> None:
    from kestrapy import ExecutionRepositoryInterfaceFlowFilter

    deploy(api, WORD.format(namespace=namespace))
    last = ran(api, namespace, "word")
    (found,) = sdk.executions.latest_executions(
        TENANT, [ExecutionRepositoryInterfaceFlowFilter(namespace=namespace, id="word")]
    )
    assert found.id == last["id"]


def test_sdk_sends_files_and_reads_them(sdk: Any, api: httpx.Client, namespace: str) -> None:
    deploy(api, FILES.format(namespace=namespace))
    inputs = {"data": ("some.txt", b"content"), "items": [1, 2]}
    ended = sdk.executions.create_execution(TENANT, namespace, "files", wait=True, inputs=inputs)
    assert ended.task_run_list[0].outputs["value"] == "content [1,2]"
    uri = ended.inputs["data"]
    assert sdk.executions.download_file_from_execution(ended.id, uri, TENANT) == b"content"
    assert sdk.executions.file_metadatas_from_execution(ended.id, uri, TENANT).size == 7


def test_sdk_evaluates(sdk: Any, api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    ended = ran(api, namespace, "word")
    assert sdk.executions.eval_expression(ended["id"], TENANT, "{{ inputs.word }}") == {"result": "one"}


def test_sdk_stops_at_breakpoints(sdk: Any, api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    created = sdk.executions.create_execution(TENANT, namespace, "word", breakpoints="second")
    came(api, created.id, "BREAKPOINT")
    sdk.executions.kill_execution(created.id, TENANT, is_on_kill_cascade=True)
    came(api, created.id, "KILLED")


def test_sdk_pauses_and_resumes(sdk: Any, api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    running = start(api, namespace, "sleeper")
    came(api, running, "RUNNING")

    def pauses(pause: Any) -> None:
        pause()
        came(api, running, "PAUSED")

    def resumes(resume: Any) -> None:
        resume()
        came(api, running, "RUNNING")

    pauses(lambda: sdk.executions.pause_execution(running, TENANT))
    resumes(lambda: sdk.executions.resume_execution(running, TENANT))
    pauses(lambda: sdk.executions.pause_executions_by_ids(TENANT, [running]))
    resumes(lambda: sdk.executions.resume_executions_by_ids(TENANT, [running]))
    pauses(lambda: sdk.executions.pause_executions_by_query(TENANT, where(namespace=namespace)))
    resumes(lambda: sdk.executions.resume_executions_by_query(TENANT, where(namespace=namespace)))
    kill(api, running)


def test_sdk_resumes_with_inputs(sdk: Any, api: httpx.Client, namespace: str) -> None:
    deploy(api, PAUSED.format(namespace=namespace))
    paused = came(api, start(api, namespace, "paused"), "PAUSED")["id"]
    sdk.executions.resume_execution(paused, TENANT, inputs={"reason": "approved", "count": 3})
    assert value(came(api, paused), "after") == "approved 3"


@pytest.mark.parametrize("way", ["one", "ids", "query"])
def test_sdk_kills(sdk: Any, api: httpx.Client, namespace: str, way: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    running = start(api, namespace, "sleeper")
    came(api, running, "RUNNING")
    if way == "one":
        sdk.executions.kill_execution(running, TENANT)
    elif way == "ids":
        assert sdk.executions.kill_executions_by_ids(TENANT, [running]) == {"count": 1}
    else:
        assert sdk.executions.kill_executions_by_query(TENANT, where(namespace=namespace)) == {"count": 1}
    assert came(api, running)["state"]["current"] == "KILLED"


@pytest.mark.parametrize("way", ["one", "ids", "query"])
def test_sdk_deletes(sdk: Any, api: httpx.Client, namespace: str, way: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    ended = ran(api, namespace, "word")["id"]
    if way == "one":
        sdk.executions.delete_execution(ended, TENANT, delete_logs=True)
    elif way == "ids":
        assert sdk.executions.delete_executions_by_ids(TENANT, [ended], include_non_terminated=True).count == 1
    else:
        found = sdk.executions.delete_executions_by_query(TENANT, where(namespace=namespace), delete_storage=False)
        assert found == {"count": 1}
    with pytest.raises(Exception, match="404"):
        sdk.executions.execution(ended, TENANT)


@pytest.mark.parametrize("way", ["one", "ids", "query"])
def test_sdk_restarts(sdk: Any, api: httpx.Client, namespace: str, way: str) -> None:
    deploy(api, GATED.format(namespace=namespace))
    failed = ran(api, namespace, "gated")["id"]
    put(api, namespace, "gate", "open")
    if way == "one":
        assert sdk.executions.restart_execution(failed, TENANT).id == failed
    elif way == "ids":
        assert sdk.executions.restart_executions_by_ids(TENANT, [failed]) == {"count": 1}
    else:
        assert sdk.executions.restart_executions_by_query(TENANT, where(namespace=namespace)) == {"count": 1}
    came(api, failed, "SUCCESS")


@pytest.mark.parametrize("way", ["one", "inputs", "ids", "query"])
def test_sdk_replays(sdk: Any, api: httpx.Client, namespace: str, way: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    first = ran(api, namespace, "word")
    run = run_of(first, "second")["id"]
    if way == "one":
        new = sdk.executions.replay_execution(first["id"], TENANT, task_run_id=run, revision=1)
        assert value(came(api, new.id, "SUCCESS"), "second") == "second one"
    elif way == "inputs":
        new = sdk.executions.replay_execution_with_inputs(first["id"], TENANT, inputs={"word": "two"})
        assert value(came(api, new.id, "SUCCESS"), "second") == "second two"
    elif way == "ids":
        assert sdk.executions.replay_executions_by_ids(TENANT, [first["id"]], latest_revision=True) == {"count": 1}
    else:
        assert sdk.executions.replay_executions_by_query(TENANT, where(namespace=namespace)) == {"count": 1}
    until(
        lambda: (
            sdk.executions.search_executions(TENANT, filters=where(namespace=namespace, state="SUCCESS"))["total"] == 2
        )
    )


@pytest.mark.parametrize("way", ["one", "ids", "query"])
def test_sdk_forces_to_run(sdk: Any, api: httpx.Client, namespace: str, queued: list[str], way: str) -> None:
    if way == "one":
        assert sdk.executions.force_run_execution(queued[1], TENANT).id == queued[1]
    elif way == "ids":
        assert sdk.executions.force_run_by_ids(TENANT, queued[1:2]) == {"count": 1}
    else:
        assert sdk.executions.force_run_executions_by_query(TENANT, where(namespace=namespace, state="QUEUED")) == {
            "count": 2
        }
    came(api, queued[1], "RUNNING")


@pytest.mark.parametrize("way", ["one", "ids", "query"])
def test_sdk_unqueues(sdk: Any, api: httpx.Client, namespace: str, queued: list[str], way: str) -> None:
    cancelled = states("CANCELLED")
    if way == "one":
        assert sdk.executions.unqueue_execution(queued[1], TENANT, cancelled).id == queued[1]
    elif way == "ids":
        assert sdk.executions.unqueue_executions_by_ids(TENANT, cancelled, queued[1:2]) == {"count": 1}
    else:
        found = sdk.executions.unqueue_executions_by_query(
            TENANT, cancelled, where(namespace=namespace, state="QUEUED")
        )
        assert found == {"count": 2}
    came(api, queued[1], "CANCELLED")


@pytest.mark.parametrize("way", ["one", "ids", "query"])
def test_sdk_sets_labels(sdk: Any, api: httpx.Client, namespace: str, way: str) -> None:
    from kestrapy import ExecutionControllerSetLabelsByIdsRequest, Label

    deploy(api, WORD.format(namespace=namespace))
    ended, labels = ran(api, namespace, "word")["id"], [Label(key="team", value="red")]
    if way == "one":
        sdk.executions.set_labels_on_terminated_execution(ended, TENANT, labels)
    elif way == "ids":
        request = ExecutionControllerSetLabelsByIdsRequest(executionsId=[ended], executionLabels=labels)
        assert sdk.executions.set_labels_on_terminated_executions_by_ids(TENANT, request) == {"count": 1}
    else:
        found = sdk.executions.set_labels_on_terminated_executions_by_query(TENANT, labels, where(namespace=namespace))
        assert found == {"count": 1}
    found = {(label.key, label.value) for label in sdk.executions.execution(ended, TENANT).labels}
    assert ("team", "red") in found


@pytest.mark.parametrize("way", ["one", "ids", "query"])
def test_sdk_changes_states(sdk: Any, api: httpx.Client, namespace: str, way: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    ended, warning = ran(api, namespace, "word")["id"], states("WARNING")
    if way == "one":
        sdk.executions.update_execution_status(ended, warning, TENANT)
    elif way == "ids":
        assert sdk.executions.update_executions_status_by_ids(TENANT, warning, [ended]) == {"count": 1}
    else:
        assert sdk.executions.update_executions_status_by_query(TENANT, warning, where(namespace=namespace)) == {
            "count": 1
        }
    came(api, ended, "WARNING")


def test_sdk_changes_a_task_run(sdk: Any, api: httpx.Client, namespace: str) -> None:
    from kestrapy import ExecutionControllerStateRequest

    deploy(api, GATED.format(namespace=namespace))
    failed = ran(api, namespace, "gated")
    request = ExecutionControllerStateRequest(taskRunId=run_of(failed, "gate")["id"], state=states("SUCCESS"))
    assert sdk.executions.update_task_run_state(failed["id"], TENANT, request).id == failed["id"]
    came(api, failed["id"], "SUCCESS")
