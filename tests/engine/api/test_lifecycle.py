"""The endpoints that change what an execution does, as Kestra 1.3 answers, and what they refuse."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.replay import Replay
from tests.engine.running import GATED, PAUSED, SLEEPER, WORD, came, current, kill, put, ran, run_of, start
from tests.engine.scheduling import deploy, update

JSON = {"content-type": "application/json"}


@pytest.fixture
def ended(api: httpx.Client, namespace: str) -> Any:
    """Return an execution that has ended well."""
    deploy(api, WORD.format(namespace=namespace))
    return ran(api, namespace, "word")


def recorded(api: httpx.Client, replay: Replay, number: str, flow: str, *states: str) -> Any:
    """Start the execution that a recorded request is about."""
    execution = came(api, start(api, replay.namespace, flow), *states)
    replay.alias(number, execution["id"])
    return execution


def test_recorded_resume(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("paused")
    execution = recorded(api, replay, "075", "paused", "PAUSED")
    for number in ("075", "076", "077"):
        replay.same(number)
    came(api, execution["id"], "SUCCESS")
    for number in ("078", "079"):
        replay.same(number)


def test_recorded_kill(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("sleeper", "one_return")
    execution = recorded(api, replay, "080", "sleeper", "RUNNING")
    replay.same("080")
    came(api, execution["id"], "KILLED")
    replay.same("082")
    recorded(api, replay, "083", "one_return")
    for number in ("083", "084"):
        replay.same(number)


def test_recorded_restart_and_replay(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("gated")
    for number in ("085", "086"):
        replay.same(number)
    put(api, replay.namespace, "gate", "open")
    restarted = replay.same("087")
    came(api, restarted["id"], "SUCCESS")
    for number in ("088", "089"):
        replay.same(number)
    came(api, replay.same("090")["id"])
    replay.same("091")


def test_recorded_changes_of_states(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("failing")
    execution = recorded(api, replay, "092", "failing")
    replay.ids[replay.recorded("092")["request"]["body"]["taskRunId"]] = execution["taskRunList"][0]["id"]
    replay.same("092")
    came(api, execution["id"], "SUCCESS")
    for number in ("093", "094"):
        replay.same(number)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("pause", 404, "Not Found"),
        ("resume", 404, "Not Found: Execution 'nothing' not found."),
        ("resume/validate", 404, "Not Found: Execution 'nothing' not found."),
        ("resume-from-breakpoint", 404, "Not Found: Execution 'nothing' not found."),
        ("restart", 404, "Not Found"),
        ("replay", 404, "Not Found"),
        ("replay-with-inputs", 404, "Not Found"),
        ("change-status?status=FAILED", 404, "Not Found"),
        ("change-status?status=RUNNING", 422, "Illegal argument: You can only change the state of an execution to a"),
        (
            "change-status?status=DONE",
            422,
            "Internal server error: Failed to convert argument [status] for value [DONE]",
        ),
        ("change-status?status=", 422, "Invalid route params: Required QueryValue [status] not specified"),
        ("change-status", 422, "Invalid route params: Required QueryValue [status] not specified"),
        ("unqueue", 404, "Not Found"),
        ("force-run", 404, "Not Found"),
    ],
)
def test_unknown_execution(api: httpx.Client, path: str, status: int, message: str) -> None:
    answer = api.post(f"executions/nothing/{path}")
    assert (answer.status_code, answer.json()["message"][: len(message)]) == (status, message)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("pause", 422, "Illegal argument: The execution is not running"),
        ("resume", 409, "Illegal state: Execution '{id}' is not paused, can't resume it"),
        ("resume/validate", 409, "Illegal state: Execution '{id}' is not paused, can't resume it"),
        ("resume-from-breakpoint", 409, "Illegal state: Execution is not suspended"),
        ("restart", 422, "Illegal argument: No task found to restart execution from!"),
        ("restart?revision=9", 404, "Not Found: Unable to find revision 9 on flow {namespace}.word"),
        ("restart?revision=x", 422, "Internal server error: Failed to convert argument [revision] for value [x] due"),
        ("replay?revision=9", 404, "Not Found: Unable to find revision 9 on flow {namespace}.word"),
        ("replay?taskRunId=nothing", 422, "Illegal argument: No task found to restart execution from!"),
        ("replay-with-inputs?revision=9", 404, "Not Found: Unable to find revision 9 on flow {namespace}.word"),
        ("unqueue", 422, "Illegal argument: Only QUEUED execution can be unqueued"),
        (
            "unqueue?state=NONE",
            422,
            "Internal server error: Failed to convert argument [state] for value [NONE] due to",
        ),
        ("force-run", 422, "Illegal argument: Only non terminated executions can be forced run."),
    ],
)
def test_execution_that_has_ended(api: httpx.Client, ended: Any, path: str, status: int, message: str) -> None:
    answer = api.post(f"executions/{ended['id']}/{path}")
    text = message.format(id=ended["id"], namespace=ended["namespace"])
    assert (answer.status_code, answer.json()["message"][: len(text)]) == (status, text)
    assert current(api, ended["id"])["state"] == ended["state"]


def test_kill_of_what_has_ended_without_its_subflows(api: httpx.Client, ended: Any) -> None:
    answer = api.delete(f"executions/{ended['id']}/kill", params={"isOnKillCascade": "false"})
    message = "Illegal state: Execution is already finished, can't kill it"
    assert (answer.status_code, answer.json()["message"]) == (409, message)


def test_restart_of_what_was_killed(api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    running = start(api, namespace, "sleeper")
    came(api, running, "RUNNING")
    kill(api, running)

    answer = api.post(f"executions/{running}/restart")
    assert (answer.status_code, "current state is 'KILLED'" in answer.json()["message"]) == (409, True)


def test_execution_that_runs_keeps_status_labels_and_task_runs(api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    running = start(api, namespace, "sleeper")
    run = run_of(came(api, running, "RUNNING"), "sleep")
    url = f"executions/{running}"

    status = api.post(f"{url}/change-status", params={"status": "SUCCESS"})
    message = "Illegal argument: You can only change the state of a terminated execution."
    assert (status.status_code, status.json()["message"]) == (422, message)
    state = api.post(f"{url}/state", json={"taskRunId": run["id"], "state": "SUCCESS"})
    assert (state.status_code, "terminated non killed execution" in state.json()["message"]) == (422, True)
    labels = api.post(f"{url}/labels", json=[{"key": "team", "value": "red"}])
    assert (labels.status_code, labels.text) == (400, "The execution is not terminated")
    kill(api, running)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Invalid json"),
        ("[]", "Invalid json"),
        ("", "Invalid route params: Required Body [stateRequest] not specified"),
        ('{"taskRunId": "nothing", "state": "SUCCESS"}', "Illegal argument: No task found to restart execution from!"),
        ('{"state": "SUCCESS"}', "Illegal argument: No task found to restart execution from!"),
        ('{"taskRunId": "{run}", "state": "DONE"}', "Invalid json mapping"),
        ('{"taskRunId": "{run}"}', "Invalid json mapping"),
    ],
)
def test_wrong_changes_of_task_runs(api: httpx.Client, ended: Any, content: str, message: str) -> None:
    content = content.replace("{run}", run_of(ended, "second")["id"])
    answer = api.post(f"executions/{ended['id']}/state", content=content, headers=JSON)

    assert (answer.status_code, answer.json()["message"][: len(message)]) == (422, message)
    assert current(api, ended["id"])["state"] == ended["state"]
    assert api.post("executions/nothing/state", json={"taskRunId": "x", "state": "SUCCESS"}).status_code == 404


def test_task_run_is_changed_twice(api: httpx.Client, ended: Any) -> None:
    for _ in range(2):
        body = {"taskRunId": run_of(ended, "second")["id"], "state": "FAILED"}
        changed = api.post(f"executions/{ended['id']}/state", json=body).json()
        assert [label for label in changed["labels"] if label["key"] == "system.restarted"] == [
            {"key": "system.restarted", "value": "true"}
        ]
        came(api, ended["id"], "FAILED")


def test_labels_replace_those_of_users_only(api: httpx.Client, ended: Any) -> None:
    url = f"executions/{ended['id']}/labels"
    correlation = {"key": "system.correlationId", "value": ended["id"]}
    system = [{"key": "system.from", "value": "api"}, correlation]

    def labels(body: Any) -> list[Any]:
        found: list[Any] = api.post(url, json=body).raise_for_status().json()["labels"]
        assert found == current(api, ended["id"])["labels"]
        return sorted(found, key=lambda label: str(label["key"]))

    assert labels([{"key": "team", "value": "red"}, correlation]) == [
        *reversed(system),
        {"key": "team", "value": "red"},
    ]
    assert labels([{"key": "env", "value": "test"}])[0] == {"key": "env", "value": "test"}
    assert labels([]) == [*reversed(system)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Invalid json"),
        ("", "Invalid route params: Required Body [labels] not specified"),
        ('[{"key": "Team", "value": "red"}]', "Invalid entity: setLabelsOnTerminatedExecution.labels[0].key: Invalid"),
        ('[{"key": "team"}]', "Invalid entity: setLabelsOnTerminatedExecution.labels[0].value: must not be empty"),
        ("[null]", "Invalid entity: setLabelsOnTerminatedExecution.labels[0]: must not be null"),
        ('[{"key": "system.from", "value": "x"}]', "Illegal argument: System labels can only be set by Kestra itself"),
    ],
)
def test_wrong_labels(api: httpx.Client, ended: Any, content: str, message: str) -> None:
    answer = api.post(f"executions/{ended['id']}/labels", content=content, headers=JSON)
    assert (answer.status_code, answer.json()["message"][: len(message)]) == (422, message)
    unknown = api.post("executions/nothing/labels", json=[{"key": "team", "value": "red"}])
    assert (unknown.status_code, unknown.json()["message"]) == (404, "Not Found")


def test_inputs_of_a_pause_are_checked(api: httpx.Client, namespace: str) -> None:
    deploy(api, PAUSED.format(namespace=namespace))
    paused = came(api, start(api, namespace, "paused"), "PAUSED")["id"]

    files = [("count", (None, "x"))]
    body = api.post(f"executions/{paused}/resume/validate", files=files).json()
    errors = {item["input"]["id"]: [error["message"] for error in item["errors"]] for item in body["inputs"]}
    assert errors["reason"] == ["Missing required input:reason"]
    assert errors["count"][0].startswith("Invalid value for input `count`.")
    assert (body["id"], body["namespace"], body["checks"]) == ("paused", namespace, [])
    kill(api, paused)


def test_pause_from_outside_has_no_inputs(api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    running = start(api, namespace, "sleeper")
    came(api, running, "RUNNING")
    api.post(f"executions/{running}/pause").raise_for_status()
    came(api, running, "PAUSED")

    assert api.post(f"executions/{running}/resume/validate").json()["inputs"] == []
    assert api.post(f"executions/{running}/resume").status_code == 204
    came(api, running, "RUNNING")
    kill(api, running)


def test_execution_without_breakpoints_cannot_go_on_from_one(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    stopped = came(api, start(api, namespace, "word", breakpoints=",first,"), "BREAKPOINT")["id"]
    url = f"executions/{stopped}/resume-from-breakpoint"

    assert api.post(url, params={"breakpoints": "first"}).status_code == 200
    came(api, stopped, "BREAKPOINT")
    kill(api, stopped)


def test_replay_with_inputs_refuses_wrong_ones(api: httpx.Client, namespace: str) -> None:
    deploy(api, GATED.format(namespace=namespace).replace("type: STRING, defaults: one", "type: INT"))
    first = ran(api, namespace, "gated", {"word": "1"})
    answer = api.post(f"executions/{first['id']}/replay-with-inputs", files=[("word", (None, "x"))])

    assert (answer.status_code, "Invalid value for input `word`" in answer.text) == (422, True)
    assert current(api, first["id"])["inputs"] == {"word": 1}


def test_replay_of_a_task_that_a_revision_has_not(api: httpx.Client, ended: Any) -> None:
    namespace = ended["namespace"]
    update(api, namespace, "word", WORD.format(namespace=namespace).replace("id: first", "id: other"))
    run = run_of(ended, "second")["id"]

    answer = api.post(f"executions/{ended['id']}/replay", params={"taskRunId": run, "revision": "2"})
    assert (answer.status_code, "first" in answer.json()["message"]) == (422, True)
    assert api.post(f"executions/{ended['id']}/replay", params={"taskRunId": run}).status_code == 200


def test_replay_to_a_revision_that_is_disabled(api: httpx.Client, ended: Any) -> None:
    namespace = ended["namespace"]
    update(api, namespace, "word", f"{WORD.format(namespace=namespace)}disabled: true\n")

    answer = api.post(f"executions/{ended['id']}/replay", params={"revision": "2"})
    assert (answer.status_code, answer.json()["message"]) == (409, "Illegal state: Requested Flow is disabled.")
    assert api.post(f"executions/{ended['id']}/replay-with-inputs").status_code == 409
