"""Many executions are dealt with at once: those that a body names, or that a query finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import polling2
import pytest

from tests.engine.replay import YAML

FLOWS = {
    "ends": "- {id: only, type: io.kestra.plugin.core.debug.Return, format: x}",
    "fails": "- {id: only, type: io.kestra.plugin.core.execution.Fail}",
    "pauses": "- {id: wait, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: given, type: STRING}]}\n"
    "  - {id: last, type: io.kestra.plugin.core.debug.Return, format: x}",
    "sleeps": "- {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT10S}\n"
    "  - {id: last, type: io.kestra.plugin.core.debug.Return, format: x}",
    "calls": "- {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: NAMESPACE, flowId: pauses, wait: true}",
}
LIMIT = "concurrency: {limit: 1, behavior: QUEUE}\n"

# What is done, how, what it is called where it is refused, and which executions are refused for what reason.
WORKS = [
    ("", "DELETE", "delete", "pauses", "execution not found"),
    ("/kill", "DELETE", "kill", "ends", "execution already finished"),
    ("/restart", "POST", "restart", "sleeps", "execution not in state PAUSED or terminated"),
    ("/replay", "POST", "replay", None, None),
    ("/pause", "POST", "pause", "ends", "execution not in state RUNNING"),
    ("/resume", "POST", "resume", "ends", "execution not in state PAUSED"),
    ("/force-run", "POST", "force run", "ends", "execution in a terminated state"),
    ("/change-status", "POST", "change executions state", "pauses", "execution not in a terminated state"),
    ("/unqueue", "POST", "unqueue", "ends", "execution not in state QUEUED"),
    ("/labels", "POST", "set labels", "pauses", "execution is not terminated"),
]
# What those are to be changed to that are changed to something.
PARAMS = {"/change-status": {"newStatus": "WARNING"}}


class Executions:
    """Start executions, and wait for their states."""

    def __init__(self, api: httpx.Client, namespace: str) -> None:
        self.api, self.namespace = api, namespace

    def start(self, flow: str, state: str, *, count: int = 1, head: str = "") -> list[str]:
        """Return the ids of new executions of one of the flows that have come to a state."""
        if self.api.get(f"flows/{self.namespace}/{flow}").status_code == 404:
            self.store(flow, head)
        url = f"executions/{self.namespace}/{flow}"
        started = [self.api.post(url).raise_for_status().json()["id"] for _ in range(count)]
        return [self.wait(execution_id, state)["id"] for execution_id in started]

    def store(self, flow: str, head: str = "") -> None:
        tasks = FLOWS[flow].replace("NAMESPACE", self.namespace)
        source = f"id: {flow}\nnamespace: {self.namespace}\n{head}tasks:\n  {tasks}\n"
        self.api.post("flows", content=source, headers=YAML).raise_for_status()

    def get(self, execution_id: str) -> Any:
        return self.api.get(f"executions/{execution_id}").raise_for_status().json()

    def wait(self, execution_id: str, state: str) -> Any:
        """Return an execution when it has come to a state."""
        return polling2.poll(
            lambda: self.get(execution_id),
            check_success=lambda found: found["state"]["current"] == state,
            step=0.02,
            timeout=600,
        )

    def found(self, **params: str) -> list[Any]:
        place = {"namespace": self.namespace, "size": "100"}
        return list(self.api.get("executions/search", params=place | params).json()["results"])

    def do(self, path: str, by: str, ids: list[str], *, method: str = "POST", body: Any = None, **params: str) -> int:
        """Deal with executions by their ids, or by a query that finds those of the namespace."""
        url = f"executions{path}/by-{by}"
        if by == "ids":
            answer = self.api.request(method, url, json=ids if body is None else body, params=params)
        else:
            params["namespace"] = self.namespace
            answer = self.api.request(method, url, params=params, **({} if body is None else {"json": body}))
        assert answer.status_code == 200, answer.text
        return int(answer.json()["count"])


@pytest.fixture
def executions(api: httpx.Client, namespace: str) -> Executions:
    return Executions(api, namespace)


by = pytest.mark.parametrize("by", ["ids", "query"])


def body_of(path: str, ids: list[str]) -> Any:
    return {"executionsId": ids, "executionLabels": []} if path == "/labels" else ids


@pytest.mark.parametrize(("path", "method", "name", "flow", "reason"), WORKS)
def test_nothing_is_done_where_one_is_not_fit(
    api: httpx.Client, executions: Executions, path: str, method: str, name: str, flow: str | None, reason: str | None
) -> None:
    wrong = [("nothing", "execution not found")]
    if flow and reason:
        state = {"ends": "SUCCESS", "pauses": "PAUSED", "sleeps": "RUNNING"}[flow]
        wrong.append((executions.start(flow, state)[0], reason))
    body, params = body_of(path, [execution_id for execution_id, _ in wrong]), PARAMS.get(path, {})
    answer = api.request(method, f"executions{path}/by-ids", json=body, params=params)

    assert answer.status_code == 400
    assert answer.json()["message"] == f"invalid bulk {name}"
    assert [(item["invalidValue"], item["message"]) for item in answer.json()["invalids"]] == wrong
    assert answer.json()["invalids"][0]["propertyPath"][0]["name"] == "execution"


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method, *_ in WORKS])
def test_wrong_requests_are_refused(api: httpx.Client, path: str, method: str) -> None:
    url, params = f"executions{path}/by-", PARAMS.get(path, {})
    name = "setLabelsByIds" if path == "/labels" else "executionsId"
    missing = api.request(method, url + "ids", params=params)

    assert missing.status_code == 422
    assert missing.json()["message"] == f"Invalid route params: Required Body [{name}] not specified"
    assert api.request(method, url + "ids", params=params, content=b"[", headers=JSON).status_code == 422
    assert api.request(method, url + "ids", params=params, content=b"a", headers=YAML).status_code == 415
    for wrong in ({"state": "NOTHING"}, {"timeRange": "x"}, {"filters[nothing][EQUALS]": "x"}, {"labels": "x"}):
        assert api.request(method, url + "query", params=params | wrong, json=[]).status_code == 422
    nobody = body_of(path, [])
    assert api.request(method, url + "ids", params=params, json=nobody).json() == {"count": 0}


JSON = {"content-type": "application/json"}


@by
def test_deletion(executions: Executions, api: httpx.Client, by: str) -> None:
    ended, paused = executions.start("ends", "SUCCESS", count=2), executions.start("pauses", "PAUSED")

    assert executions.do("", by, ended, method="DELETE", state="SUCCESS", deleteLogs="false") == 2
    assert [item["id"] for item in executions.found()] == paused
    assert api.get(f"logs/{ended[0]}").json() != []
    assert executions.do("", by, paused, method="DELETE", includeNonTerminated="true") == 1
    assert executions.found() == []


@by
def test_kill_leaves_subflows(executions: Executions, by: str) -> None:
    executions.store("pauses")
    parent = executions.start("calls", "RUNNING")
    child = polling2.poll(lambda: executions.found(flowId="pauses"), step=0.02, timeout=600)[0]["id"]
    executions.wait(child, "PAUSED")

    assert executions.do("/kill", by, parent, method="DELETE", flowId="calls") == 1
    executions.wait(parent[0], "KILLED")
    assert executions.get(child)["state"]["current"] == "PAUSED"
    assert executions.do("/kill", "ids", [child], method="DELETE") == 1
    executions.wait(child, "KILLED")


@by
def test_restart(executions: Executions, by: str) -> None:
    failed = executions.start("fails", "FAILED", count=2)

    assert executions.do("/restart", by, failed) == 2
    for execution_id in failed:
        again = polling2.poll(
            lambda execution_id=execution_id: executions.get(execution_id),
            check_success=lambda found: len(found["taskRunList"][0].get("attempts", ())) == 2,
            step=0.02,
            timeout=600,
        )
        assert {"key": "system.restarted", "value": "true"} in again["labels"]


@by
@pytest.mark.parametrize("latest", ["false", "true"])
def test_replay(executions: Executions, api: httpx.Client, namespace: str, by: str, latest: str) -> None:
    ended = executions.start("ends", "SUCCESS")
    source = api.get(f"flows/{namespace}/ends", params={"source": "true"}).json()["source"]
    api.put(f"flows/{namespace}/ends", content=source + "\n# more\n", headers=YAML).raise_for_status()

    assert executions.do("/replay", by, ended, latestRevision=latest) == 1
    replayed = polling2.poll(
        lambda: [item for item in executions.found(state="SUCCESS") if item["id"] not in ended], step=0.02, timeout=600
    )[0]
    assert replayed["originalId"] == ended[0]
    assert replayed["flowRevision"] == (2 if latest == "true" else 1)
    assert {"key": "system.replayed", "value": "true"} in executions.get(ended[0])["labels"]


def test_replay_of_a_flow_that_was_deleted(executions: Executions, api: httpx.Client, namespace: str) -> None:
    ended = executions.start("ends", "SUCCESS")
    api.delete(f"flows/{namespace}/ends").raise_for_status()

    answer = api.post("executions/replay/by-ids", json=ended, params={"latestRevision": "true"})
    assert answer.status_code == 404


@by
def test_pause_and_resume(executions: Executions, by: str) -> None:
    sleeping = executions.start("sleeps", "RUNNING")

    assert executions.do("/pause", by, sleeping) == 1
    executions.wait(sleeping[0], "PAUSED")
    assert executions.do("/resume", by, sleeping) == 1
    executions.wait(sleeping[0], "SUCCESS")


def test_resume_asks_for_no_inputs(executions: Executions) -> None:
    paused = executions.start("pauses", "PAUSED")

    assert executions.do("/resume", "ids", paused) == 1
    assert executions.wait(paused[0], "SUCCESS")["taskRunList"][0]["outputs"].keys() == {"resumed"}


@by
def test_force_run(executions: Executions, by: str) -> None:
    first = executions.start("pauses", "PAUSED", head=LIMIT)
    queued = executions.start("pauses", "QUEUED")

    assert executions.do("/force-run", by, queued, state="QUEUED") == 1
    executions.wait(queued[0], "PAUSED")
    assert executions.do("/kill", "ids", [*first, *queued], method="DELETE") == 2
    for execution_id in (*first, *queued):
        executions.wait(execution_id, "KILLED")


@by
def test_unqueue(executions: Executions, by: str) -> None:
    first = executions.start("pauses", "PAUSED", head=LIMIT)
    queued = executions.start("pauses", "QUEUED", count=2)
    wished = {"state": "CANCELLED"} if by == "ids" else {"state": "QUEUED", "newState": "CANCELLED"}

    assert executions.do("/unqueue", by, queued, **wished) == 2
    for execution_id in queued:
        executions.wait(execution_id, "CANCELLED")
    assert executions.do("/kill", "ids", first, method="DELETE") == 1
    executions.wait(first[0], "KILLED")


@by
def test_change_of_states(executions: Executions, api: httpx.Client, by: str) -> None:
    ended = executions.start("ends", "SUCCESS", count=2)

    assert executions.do("/change-status", by, ended, newStatus="WARNING") == 2
    for execution_id in ended:
        executions.wait(execution_id, "WARNING")
    for status, message in (
        ({"newStatus": "RUNNING"}, "Illegal argument: You can only change the state of an execution to a terminal"),
        ({"newStatus": "NOTHING"}, "Internal server error: Failed to convert argument [newStatus] for value [NOTHING]"),
        ({}, "Invalid route params: Required QueryValue [newStatus] not specified"),
    ):
        refused = api.post("executions/change-status/by-query", params=status)
        assert refused.status_code == 422
        assert refused.json()["message"].startswith(message)


@by
def test_labels_are_added(executions: Executions, by: str) -> None:
    ended = executions.start("ends", "SUCCESS", count=2)

    def add(**labels: str) -> int:
        pairs = [{"key": key, "value": value} for key, value in labels.items()]
        body = pairs if by == "query" else {"executionsId": ended, "executionLabels": pairs}
        return executions.do("/labels", by, ended, body=body)

    assert (add(a="1", b="2"), add(b="3")) == (2, 2)
    for execution_id in ended:
        labels = {label["key"]: label["value"] for label in executions.get(execution_id)["labels"]}
        assert labels == {"a": "1", "b": "3", "system.from": "api", "system.correlationId": execution_id}


def test_wrong_labels_are_refused(executions: Executions, api: httpx.Client, namespace: str) -> None:
    executions.start("ends", "SUCCESS")
    refuse: Callable[[Any], httpx.Response] = lambda body: api.post(  # noqa: E731 - one line for each call
        "executions/labels/by-query", params={"namespace": namespace}, json=body
    )
    system = refuse([{"key": "system.from", "value": "me"}])
    assert (system.status_code, "offending label: system.from=me" in system.text) == (422, True)
    assert refuse([None]).status_code == 422
    assert refuse("x").status_code == 422


def test_labels_for_no_executions(api: httpx.Client) -> None:
    answer = api.post("executions/labels/by-ids", json={"executionLabels": []})
    message = "Invalid route params: Required Body [executionsId] not specified"
    assert (answer.status_code, answer.json()["message"]) == (422, message)
