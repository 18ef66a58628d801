"""The routes and bodies that Kestra 2.0 has otherwise than 1.3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import polling2
import pytest

from pytest_kestra import Execution, Kestra, Server
from pytest_kestra.connection import http_client
from tests.engine.two.test_face import DAILY, GATED, GREETING, LIMITED, PAUSED, SLOW
from tests.waits import WAIT_S


@pytest.fixture
def http(kestra_server: Server) -> Iterator[httpx.Client]:
    """Return a client of the engine, below its tenant."""
    with http_client(kestra_server.address, timeout=httpx.Timeout(WAIT_S)) as client:
        client.base_url = httpx.URL(f"{kestra_server.address.url}/api/v1/main/")
        yield client


@pytest.fixture
def failed(kestra: Kestra) -> Execution:
    """Return an execution that has failed."""
    return kestra.deploy(GATED).run()


def act(http: httpx.Client, execution: Execution, action: str, method: str = "POST", **options: Any) -> httpx.Response:
    """Do something to an execution and return the answer."""
    return http.request(method, f"executions/{execution.id}/actions/{action}", **options)


def state(http: httpx.Client, execution: Execution) -> str:
    """Return the state of an execution."""
    return str(http.get(f"executions/{execution.id}").json()["state"]["current"])


def becomes(http: httpx.Client, execution: Execution, wished: str) -> None:
    """Return when an execution is in a state."""
    polling2.poll(lambda: state(http, execution) == wished, step=0.02, timeout=WAIT_S)


def test_actions_answer_with_the_execution(http: httpx.Client, kestra: Kestra, failed: Execution) -> None:
    running, paused = kestra.deploy(SLOW).run_until("RUNNING"), kestra.deploy(PAUSED).run_until("PAUSED")

    labels = act(http, failed, "labels", json=[{"key": "team", "value": "a"}])
    assert {"key": "team", "value": "a"} in labels.json()["labels"]
    status = act(http, failed, "change-status", params={"status": "WARNING"})
    assert (status.status_code, status.json()["state"]["current"]) == (200, "WARNING")
    killed = act(http, running, "kill", "DELETE")
    # It is read when the executor has marked it, and by then the worker may have ended its task.
    assert (killed.status_code, killed.json()["state"]["current"]) in ((200, "KILLING"), (200, "KILLED"))
    resumed = act(http, paused, "resume", files=[("reason", (None, "fine"))])
    assert (resumed.status_code, resumed.json()["id"]) == (200, paused.id)
    becomes(http, paused, "SUCCESS")


def test_task_run_is_given_another_state(http: httpx.Client, failed: Execution) -> None:
    changed = act(http, failed, "state", json={"taskRunId": failed.task("gate").id, "state": "SUCCESS"})

    assert changed.status_code == 200
    becomes(http, failed, "SUCCESS")


@pytest.mark.parametrize(("action", "params"), [("unqueue", {"state": "RUNNING"}), ("force-run", {})])
def test_execution_is_taken_out_of_the_queue(
    http: httpx.Client, kestra: Kestra, action: str, params: dict[str, str]
) -> None:
    flow = kestra.deploy(LIMITED % "QUEUE")
    with flow.saturated() as running:
        queued = flow.run_until("QUEUED")
        assert act(http, queued, action, params=params).status_code == 200
        becomes(http, queued, "SUCCESS")
        assert len(running) == 2


def test_execution_is_paused_from_outside(http: httpx.Client, kestra: Kestra) -> None:
    slow = kestra.deploy(SLOW).run_until("RUNNING")
    assert act(http, slow, "pause").json()["state"]["current"] == "PAUSED"


@pytest.mark.parametrize(
    ("action", "method", "options", "told"),
    [
        ("pause", "POST", {}, "Cannot pause execution: execution is not running."),
        ("force-run", "POST", {}, "Cannot force run execution: only non-terminated executions can be force run."),
        ("unqueue", "POST", {}, "Cannot unqueue execution: only QUEUED executions can be unqueued."),
        ("resume-from-breakpoint", "POST", {}, "Illegal state: Execution is not suspended"),
    ],
)
def test_action_that_does_not_fit_is_a_conflict(
    http: httpx.Client, failed: Execution, action: str, method: str, options: dict[str, Any], told: str
) -> None:
    answer = act(http, failed, action, method, **options)

    assert answer.status_code == 409
    assert answer.json()["message"].endswith(told)


def test_execution_that_runs_is_not_restarted_and_has_no_other_state(http: httpx.Client, kestra: Kestra) -> None:
    running = kestra.deploy(SLOW).run_until("RUNNING")
    body = {"taskRunId": running.task_runs[0].id, "state": "SUCCESS"}

    restarted = act(http, running, "restart")
    assert (restarted.status_code, "expected terminated or paused" in restarted.text) == (409, True)
    assert act(http, running, "state", json=body).status_code == 409
    assert act(http, running, "change-status", params={"status": "SUCCESS"}).status_code == 422


@pytest.mark.parametrize("path", ["kill", "restart", "pause", "resume", "replay", "labels", "eval"])
def test_older_paths_are_gone(http: httpx.Client, failed: Execution, path: str) -> None:
    method = "DELETE" if path == "kill" else "POST"

    assert http.request(method, f"executions/{failed.id}/{path}").status_code in (404, 405)


def test_outputs_are_told_apart(http: httpx.Client, kestra: Kestra) -> None:
    execution = kestra.deploy(GREETING).run()
    told = http.get(f"executions/{execution.id}").json()

    assert not any(run.get("outputs") for run in [told, *told["taskRunList"]])
    assert http.get(f"outputs/executions/{execution.id}").json() == {"greeting": "Bonjour World"}
    (information,) = http.get(f"outputs/tasks/{execution.id}").json()
    assert (information["taskId"], information["inline"]) == ("greet", True)
    run = f"outputs/tasks/{execution.id}/{information['taskRunId']}"
    assert http.get(run).json() == {"value": "Bonjour World"}
    assert http.get(f"outputs/tasks/{execution.id}/none").status_code == 404


def test_search_leaves_out_task_runs(http: httpx.Client, kestra: Kestra) -> None:
    execution = kestra.deploy(GREETING).run()
    params = {"namespace": execution.namespace, "flowId": execution.flow_id}

    for path in ("executions", "executions/search"):
        (found,) = http.get(path, params=params).json()["results"]
        assert found["id"] == execution.id
        assert "taskRunList" not in found


def test_triggers_are_changed_by_name_and_by_query(http: httpx.Client, kestra: Kestra) -> None:
    trigger = kestra.deploy(DAILY).trigger("morning")
    trigger.status()
    place = {"namespace": trigger.flow.namespace, "flowId": "daily", "triggerId": "morning"}
    base, where = f"triggers/{place['namespace']}/daily", {"filters[namespace][EQUALS]": place["namespace"]}

    def told() -> dict[str, Any]:
        (found,) = http.get(base).json()["results"]
        assert isinstance(found, dict)
        return found

    assert (told()["triggerId"], told()["kind"], told()["locked"]) == ("morning", "SCHEDULE", False)
    body = {"triggers": [place], "disabled": True}
    accepted = http.post("triggers/set-disabled/by-triggers", json=body)
    assert (accepted.status_code, accepted.json()["totalItems"], told()["disabled"]) == (202, 1, True)
    assert http.post("triggers/set-disabled/by-query", params={**where, "disabled": "false"}).status_code == 202
    assert told()["disabled"] is False
    for path in ("unlock", "restart"):
        assert http.post(f"{base}/morning/{path}").status_code == 200
    for path in ("unlock", "backfill/pause", "backfill/unpause", "backfill/delete"):
        assert http.post(f"triggers/{path}/by-triggers", json=[place]).json()["totalItems"] == 1
        assert http.post(f"triggers/{path}/by-query", params=where).json()["totalItems"] == 1
    for method, path in (("PUT", "pause"), ("PUT", "unpause"), ("POST", "delete")):
        assert http.request(method, f"triggers/backfill/{path}", json=place).status_code == 200
    (entry,) = http.get("triggers/search", params=where).json()["results"]
    assert (entry["trigger"]["cron"], entry["state"]["flowId"]) == ("30 2 * * *", "daily")
    assert "morning" in http.get("triggers/export/by-query/csv", params=where).text
    assert http.request("DELETE", "triggers/delete/by-triggers", json=[place]).status_code == 202
    assert http.get(base).json()["total"] == 0


def test_triggers_that_are_wrong_are_refused(http: httpx.Client, kestra: Kestra) -> None:
    flow = kestra.deploy(DAILY)
    place = {"namespace": flow.namespace, "flowId": "daily", "triggerId": "none"}

    assert http.put("triggers/set-disabled", json={**place, "disabled": True}).status_code == 404
    assert http.put("triggers/set-disabled", json={"disabled": True}).status_code == 422
    assert http.post("triggers/set-disabled/by-triggers", json={"disabled": True}).status_code == 422
    assert http.delete(f"triggers/{flow.namespace}/daily/none").status_code == 404


def test_configuration_tells_the_line(kestra_server: Server) -> None:
    told = httpx.get(f"{kestra_server.address.url}/api/v1/configs").json()

    assert told["version"] == kestra_server.address.version == "2.0.0"
    assert told["systemNamespace"] == "system"


def test_values_of_a_field_are_told_once(http: httpx.Client, kestra: Kestra) -> None:
    flow = kestra.deploy(GREETING)
    flow.run()
    flow.run()
    kestra.deploy(GATED).run()

    def told(**params: str) -> Any:
        params |= {"filters[namespace][EQUALS]": flow.namespace}
        return http.get("executions/distinct-field-values", params=params).json()

    both = told(field="FLOW_ID")
    assert (len(both), both) == (2, sorted(both))
    assert told(field="FLOW_ID", size="1") == both[:1]
    assert told(field="flowId", **{"filters[flowId][CONTAINS]": flow.id}) == [flow.id]
    assert told(field="NAMESPACE") == [flow.namespace]
    assert told(field="STATE")["message"].startswith("Illegal argument: Column ")  # Kestra has it in no column
    assert told(field="USERNAME")["message"].startswith("Invalid query filters: USERNAME is no field of executions")
    assert told(field="nothing")["message"].startswith("Internal server error: Failed to convert argument [field]")
    assert told(field="FLOW_ID", size="0")["message"].startswith("Invalid entity: size: ")
    assert http.get("executions/distinct-field-values").status_code == 422


def test_what_is_not_served_of_this_line_alone_is_told(http: httpx.Client) -> None:
    for path in ("mcp-servers", "dashboards/settings/default-dashboards"):
        assert http.get(path).status_code == 501


def test_draft_is_not_checked_and_runs_where_its_revision_is_named(http: httpx.Client, kestra: Kestra) -> None:
    flow, yaml = kestra.deploy(GREETING), {"content-type": "application/x-yaml"}
    flows, runs = f"flows/{flow.namespace}/{flow.id}", f"executions/{flow.namespace}/{flow.id}"
    text, wrong = f"{flow.source}\ndescription: new\n", f"{flow.source}\nnobody: knows\n"

    draft = http.put(flows, content=text, headers=yaml, params={"draft": "true"}).raise_for_status().json()
    assert (draft["revision"], draft["draft"]) == (2, True)
    assert http.get(flows).json()["revision"] == 2
    ran = [http.post(runs, params={"wait": "true", **which}).json() for which in ({}, {"revision": "2"})]
    assert [(run["flowRevision"], run["state"]["current"]) for run in ran] == [(1, "SUCCESS"), (2, "SUCCESS")]

    assert http.put(flows, content=wrong, headers=yaml).status_code == 422
    assert http.put(flows, content=wrong, headers=yaml, params={"draft": "true"}).json()["revision"] == 3
    other = wrong.replace(f"id: {flow.id}", "id: other")
    assert http.post("flows", content=other, headers=yaml, params={"draft": "true"}).json()["draft"]
    assert http.post(f"executions/{flow.namespace}/other").status_code == 404
    assert http.put(flows, content=text, headers=yaml).json()["revision"] == 4
    assert http.post(runs, params={"wait": "true"}).json()["flowRevision"] == 4
