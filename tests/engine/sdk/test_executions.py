"""Kestra's own Python SDK drives every way to deal with executions that the open-source server has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import polling2
import pytest

from tests.engine.replay import YAML

FLOWS = {
    "ends": "- {id: only, type: io.kestra.plugin.core.debug.Return, format: '{{ inputs.name }}'}",
    "fails": "- {id: only, type: io.kestra.plugin.core.execution.Fail}",
    "pauses": "- {id: wait, type: io.kestra.plugin.core.flow.Pause, "
    "onResume: [{id: given, type: STRING, required: false}]}\n"
    "  - {id: last, type: io.kestra.plugin.core.debug.Return, format: x}",
    "sleeps": "- {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT10S}\n"
    "  - {id: last, type: io.kestra.plugin.core.debug.Return, format: x}",
}
HEADS = {
    "ends": "inputs:\n  - {id: name, type: STRING, required: false}\n  - {id: data, type: FILE, required: false}\n"
    "  - {id: list, type: ARRAY, itemType: INT, required: false}\n",
    "pauses": "concurrency: {limit: 1, behavior: QUEUE}\n",
}
MAIN = "main"


class Runs:
    """Start executions with the SDK, and wait for their states."""

    def __init__(self, sdk: Any, api: httpx.Client, namespace: str) -> None:
        self.sdk, self.api, self.namespace = sdk.executions, api, namespace

    def store(self, flow: str) -> None:
        source = f"id: {flow}\nnamespace: {self.namespace}\n{HEADS.get(flow, '')}tasks:\n  {FLOWS[flow]}\n"
        if self.api.get(f"flows/{self.namespace}/{flow}").status_code == 404:
            self.api.post("flows", content=source, headers=YAML).raise_for_status()

    def start(self, flow: str, state: str, **options: Any) -> str:
        self.store(flow)
        started = self.sdk.create_execution(MAIN, self.namespace, flow, **options)
        self.wait(started.id, state)
        return str(started.id)

    def state(self, execution_id: str) -> str:
        return str(self.sdk.execution(execution_id, MAIN).state.current.value)

    def wait(self, execution_id: str, state: str) -> None:
        polling2.poll(lambda: self.state(execution_id) == state, step=0.05, timeout=600)


@pytest.fixture
def kestrapy() -> Any:
    return pytest.importorskip("kestrapy")


@pytest.fixture
def runs(sdk: Any, api: httpx.Client, namespace: str) -> Runs:
    return Runs(sdk, api, namespace)


@pytest.fixture
def filters(kestrapy: Any, namespace: str) -> list[Any]:
    """Return the filter that finds the executions of the test's namespace."""
    # The SDK's model of a value is an object, though values are texts: without its checks it sends what is right.
    field, operation = kestrapy.QueryFilterField.NAMESPACE, kestrapy.QueryFilterOp.EQUALS
    return [kestrapy.QueryFilter.model_construct(var_field=field, operation=operation, value=namespace)]


@pytest.fixture(params=["ids", "query"])
def many(request: pytest.FixtureRequest, sdk: Any, filters: list[Any]) -> Callable[..., int]:
    """Return what deals with many executions, by their ids or by a query."""

    def do(name: str, ids: list[str], *before: Any, **options: Any) -> int:
        if request.param == "ids":
            method = {"force_run_executions": "force_run"}.get(name, name)
            found = getattr(sdk.executions, f"{method}_by_ids")(MAIN, *before, ids, **options)
        else:
            found = getattr(sdk.executions, f"{name}_by_query")(MAIN, *before, filters=filters, **options)
        return int(found["count"] if isinstance(found, dict) else found.count)

    return do


def test_execution_is_created_with_all_there_is(kestrapy: Any, runs: Runs) -> None:
    runs.store("ends")
    made = runs.sdk.create_execution(
        MAIN,
        runs.namespace,
        "ends",
        labels=["a:b"],
        wait=True,
        revision=1,
        kind=kestrapy.ExecutionKind.TEST,
        inputs={"name": "Ada", "data": ("a.txt", b"hi"), "list": [1, 2]},
    )
    assert made.state.current.value == "SUCCESS"
    assert (made.inputs["name"], made.inputs["list"], made.kind.value) == ("Ada", [1, 2], "TEST")
    assert ("a", "b") in [(label.key, label.value) for label in made.labels]
    later = runs.sdk.create_execution(
        MAIN, runs.namespace, "ends", schedule_date="2036-01-01T00:00:00Z", breakpoints="only"
    )
    assert (later.schedule_date.year, later.breakpoints[0].id) == (2036, "only")
    path = made.inputs["data"]
    assert runs.sdk.download_file_from_execution(made.id, path, MAIN) == b"hi"
    assert runs.sdk.file_metadatas_from_execution(made.id, path, MAIN).size == 2
    assert runs.sdk.eval_expression(made.id, MAIN, "{{ inputs.name }}") == {"result": "Ada"}


def test_executions_are_found(kestrapy: Any, runs: Runs, filters: list[Any]) -> None:
    made = runs.start("ends", "SUCCESS")

    found = runs.sdk.search_executions(MAIN, page=1, size=5, sort=["state.startDate:desc"], filters=filters)
    assert [item["id"] for item in found["results"]] == [made]
    found = runs.sdk.search_executions_by_flow_id(MAIN, runs.namespace, "ends", page=1, size=5)
    assert (found["total"], found["results"][0]["id"]) == (1, made)
    flow = kestrapy.ExecutionRepositoryInterfaceFlowFilter(namespace=runs.namespace, id="ends")
    assert [(item.id, item.status.value) for item in runs.sdk.latest_executions(MAIN, [flow])] == [(made, "SUCCESS")]
    assert runs.sdk.flow_from_execution(MAIN, runs.namespace, "ends", revision=1).id == "ends"
    assert runs.sdk.flow_from_execution_by_id(made, MAIN).id == "ends"
    assert runs.sdk.execution_flow_graph(made, MAIN).nodes


def test_executions_are_deleted(runs: Runs, many: Callable[..., int]) -> None:
    made = [runs.start("ends", "SUCCESS") for _ in range(3)]

    runs.sdk.delete_execution(made[0], MAIN, delete_logs=True, delete_metrics=True, delete_storage=True)
    assert many("delete_executions", made[1:], include_non_terminated=True, delete_logs=False) == 2
    for execution_id in made:
        with pytest.raises(Exception, match="404"):
            runs.sdk.execution(execution_id, MAIN)


def test_executions_are_paused_resumed_and_killed(runs: Runs, api: httpx.Client, many: Callable[..., int]) -> None:
    sleeping = runs.start("sleeps", "RUNNING")

    runs.sdk.pause_execution(sleeping, MAIN)
    runs.wait(sleeping, "PAUSED")
    runs.sdk.resume_execution(sleeping, MAIN)
    runs.wait(sleeping, "SUCCESS")
    paused = runs.start("pauses", "PAUSED")
    runs.sdk.resume_execution(paused, MAIN, inputs={"given": "x"})
    runs.wait(paused, "SUCCESS")
    (waited, _) = api.get(f"executions/{paused}").json()["taskRunList"]
    assert waited["outputs"]["onResume"] == {"given": "x"}
    for execution_id in (sleeping, paused):
        runs.sdk.delete_execution(execution_id, MAIN)
    sleeping = runs.start("sleeps", "RUNNING")
    assert many("pause_executions", [sleeping]) == 1
    runs.wait(sleeping, "PAUSED")
    assert many("resume_executions", [sleeping]) == 1
    runs.wait(sleeping, "SUCCESS")
    runs.sdk.delete_execution(sleeping, MAIN)
    first = runs.start("pauses", "PAUSED")
    assert many("kill_executions", [first]) == 1
    runs.wait(first, "KILLED")
    second = runs.start("pauses", "PAUSED")
    runs.sdk.kill_execution(second, MAIN, is_on_kill_cascade=True)
    runs.wait(second, "KILLED")


def test_executions_are_restarted(runs: Runs, many: Callable[..., int]) -> None:
    failed = runs.start("fails", "FAILED")

    def attempts() -> int:
        return len(runs.sdk.execution(failed, MAIN).task_run_list[0].attempts or ())

    assert runs.sdk.restart_execution(failed, MAIN).id == failed
    polling2.poll(lambda: attempts() == 2 and runs.state(failed) == "FAILED", step=0.05, timeout=600)
    assert many("restart_executions", [failed]) == 1
    polling2.poll(lambda: attempts() == 3, step=0.05, timeout=600)


def test_executions_are_replayed(runs: Runs, many: Callable[..., int]) -> None:
    made = runs.start("ends", "SUCCESS")
    run = runs.sdk.execution(made, MAIN).task_run_list[0].id

    replayed = runs.sdk.replay_execution(made, MAIN, task_run_id=run, revision=1)
    assert replayed.original_id == made
    runs.wait(replayed.id, "SUCCESS")
    changed = runs.sdk.replay_execution_with_inputs(made, MAIN, inputs={"name": "Eve"})
    assert changed.inputs["name"] == "Eve"
    runs.wait(changed.id, "SUCCESS")
    for execution_id in (replayed.id, changed.id):
        runs.sdk.delete_execution(execution_id, MAIN)
    assert many("replay_executions", [made], latest_revision=True) == 1


def test_queued_executions_are_run(runs: Runs, many: Callable[..., int]) -> None:
    first = runs.start("pauses", "PAUSED")
    queued = [runs.start("pauses", "QUEUED") for _ in range(2)]

    runs.sdk.force_run_execution(queued[0], MAIN)
    runs.wait(queued[0], "PAUSED")
    for execution_id in (first, queued[0]):
        runs.sdk.delete_execution(execution_id, MAIN)
    assert many("force_run_executions", [queued[1]]) == 1
    runs.wait(queued[1], "PAUSED")
    runs.sdk.kill_execution(queued[1], MAIN)
    runs.wait(queued[1], "KILLED")


@pytest.mark.parametrize("by", ["id", "ids", "query"])
def test_queued_executions_are_given_up(kestrapy: Any, runs: Runs, namespace: str, filters: list[Any], by: str) -> None:
    field, operation = kestrapy.QueryFilterField.STATE, kestrapy.QueryFilterOp.EQUALS
    first, queued = runs.start("pauses", "PAUSED"), runs.start("pauses", "QUEUED")
    cancelled = kestrapy.StateType.CANCELLED

    if by == "id":
        assert runs.sdk.unqueue_execution(queued, MAIN, state=cancelled).state.current == cancelled
    elif by == "ids":
        assert runs.sdk.unqueue_executions_by_ids(MAIN, cancelled, [queued])["count"] == 1
    else:
        filters.append(kestrapy.QueryFilter.model_construct(var_field=field, operation=operation, value="QUEUED"))
        assert runs.sdk.unqueue_executions_by_query(MAIN, cancelled, filters)["count"] == 1
    runs.wait(queued, "CANCELLED")
    runs.sdk.kill_execution(first, MAIN)
    runs.wait(first, "KILLED")


def test_labels_and_states_are_changed(kestrapy: Any, runs: Runs, filters: list[Any]) -> None:
    made = runs.start("ends", "SUCCESS")
    label, states = kestrapy.Label, kestrapy.StateType

    def labels() -> dict[str, str]:
        return {item.key: item.value for item in runs.sdk.execution(made, MAIN).labels}

    runs.sdk.set_labels_on_terminated_execution(made, MAIN, [label(key="a", value="1")])
    assert labels()["a"] == "1"
    request = kestrapy.ExecutionControllerSetLabelsByIdsRequest(
        executionsId=[made], executionLabels=[label(key="b", value="2")]
    )
    assert runs.sdk.set_labels_on_terminated_executions_by_ids(MAIN, request) == {"count": 1}
    by_query = runs.sdk.set_labels_on_terminated_executions_by_query
    assert by_query(MAIN, [label(key="c", value="3")], filters) == {"count": 1}
    assert {key: value for key, value in labels().items() if len(key) == 1} == {"a": "1", "b": "2", "c": "3"}
    assert runs.sdk.update_execution_status(made, states.WARNING, MAIN).state.current.value == "WARNING"
    runs.wait(made, "WARNING")
    assert runs.sdk.update_executions_status_by_ids(MAIN, states.FAILED, [made]) == {"count": 1}
    runs.wait(made, "FAILED")
    assert runs.sdk.update_executions_status_by_query(MAIN, states.CANCELLED, filters) == {"count": 1}
    runs.wait(made, "CANCELLED")


def test_state_of_a_task_run_is_changed(kestrapy: Any, runs: Runs) -> None:
    failed = runs.start("fails", "FAILED")
    run = runs.sdk.execution(failed, MAIN).task_run_list[0].id
    request = kestrapy.ExecutionControllerStateRequest(taskRunId=run, state=kestrapy.StateType.SUCCESS)

    assert runs.sdk.update_task_run_state(failed, MAIN, request).id == failed
    runs.wait(failed, "SUCCESS")


def test_executions_are_followed(runs: Runs) -> None:
    made = runs.start("ends", "SUCCESS")

    told = list(runs.sdk.follow_execution(made, MAIN))
    assert told[-1].state.current.value == "SUCCESS"
    followed = list(runs.sdk.follow_dependencies_execution(made, MAIN, destination_only=True, expand_all=True))
    assert {item.execution_id for item in followed} == {made}
