"""The engine's REST API answers as a recorded Kestra 1.3.19 server did, as far as it is served."""

from __future__ import annotations

import httpx
import polling2
import pytest

from tests.engine.replay import Replay


def test_life_of_a_flow(replay: Replay) -> None:
    for number in ("001", "002", "008", "009", "010", "011", "012", "013", "014", "015"):
        replay.same(number)


@pytest.mark.parametrize("number", ["003", "004", "005", "006", "007"])
def test_flow_that_is_refused(replay: Replay, number: str) -> None:
    replay.same(number)


def test_flows_are_searched_and_validated(replay: Replay) -> None:
    replay.deploy("hello_world", "one_return", "logs_only", "disabled")
    for number in ("018", "019", "020", "029"):
        replay.same(number)


def test_executions_are_created(replay: Replay) -> None:
    replay.deploy("hello_world", "one_return", "disabled", "mandatory")
    for number in ("030", "034", "035", "036", "039", "040", "041", "042", "043", "044", "046", "047"):
        replay.same(number)


def test_inputs_of_every_type(replay: Replay) -> None:
    replay.deploy("all_inputs", "one_return", "inputs", "every_input", "input_types")
    body = replay.same("031")
    assert body["state"]["current"] == "SUCCESS"
    replay.same("032")


def test_executions_are_read_and_deleted(replay: Replay) -> None:
    replay.deploy("hello_world", "one_return")
    for number in ("043", "039", "048", "049", "050", "051", "052", "054", "055", "056", "057", "058", "066", "067"):
        replay.same(number)


@pytest.mark.parametrize("number", ["062", "063", "064", "065"])
def test_expressions_are_rendered(replay: Replay, number: str) -> None:
    replay.deploy("hello_world")
    replay.same("039")
    replay.same(number)


@pytest.mark.parametrize("number", ["095", "097", "098", "099", "100", "101", "102", "103", "104"])
def test_shapes_of_executions(replay: Replay, number: str) -> None:
    flow = replay.recorded(number)["request"]["path"].rpartition("/")[2]
    replay.deploy(flow, "child", "one_return")
    replay.same(number)


def test_nothing_is_answered_without_the_right_credentials(http: httpx.Client) -> None:
    for auth in (None, ("ada", "wrong")):
        answer = httpx.get(http.base_url.join("/api/v1/main/flows/search"), auth=auth)
        assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (401, b"", None)


def test_triggers_are_listed(replay: Replay) -> None:
    replay.deploy("scheduled")
    url = f"/api/v1/main/triggers/{replay.namespace}/scheduled"
    # The scheduler takes note of a flow's triggers a moment after the flow is stored.
    polling2.poll(lambda: replay.http.get(url).json()["total"] == 2, step=0.02, timeout=600)

    body = replay.same("117")
    assert [trigger["triggerId"] for trigger in body["results"]] == ["daily", "never"]
    params = {"filters[flowId][EQUALS]": "scheduled", "filters[namespace][EQUALS]": replay.namespace}
    found = replay.http.get("/api/v1/main/triggers/search", params=params).json()
    definitions = {entry["abstractTrigger"]["id"]: entry["abstractTrigger"] for entry in found["results"]}
    assert definitions["daily"]["cron"] == "0 9 * * *"


def test_files_of_an_execution(replay: Replay) -> None:
    replay.deploy("files")
    body = replay.same("070")
    uri = body["taskRunList"][0]["outputs"]["uri"]
    url = f"/api/v1/main/executions/{body['id']}/file"

    assert replay.http.get(url, params={"path": uri}).status_code == 200
    assert replay.http.get(f"{url}/metas", params={"path": uri}).json()["size"] > 0
    for params, status, message in (
        ({}, 422, "Invalid route params: Required QueryValue [path] not specified"),
        ({"path": "kestra:///elsewhere/x"}, 422, "Illegal argument: Invalid prefix path"),
        ({"path": uri + "x"}, 404, "Not Found: "),
    ):
        answer = replay.http.get(url, params=params)
        assert answer.status_code == status
        assert answer.json()["message"].startswith(message)
    assert replay.http.get("/api/v1/main/executions/nothing/file", params={"path": uri}).status_code == 404


@pytest.mark.parametrize("number", ["068", "069"])
def test_metrics_of_an_execution(replay: Replay, number: str) -> None:
    replay.deploy("metrics")
    body = replay.same("068")
    replay.same(number)
    run = body["taskRunList"][0]
    for params, total in (({"taskId": run["taskId"]}, 2), ({"taskRunId": run["id"]}, 2), ({"taskId": "other"}, 0)):
        assert replay.http.get(f"/api/v1/main/metrics/{body['id']}", params=params).json()["total"] == total


def test_logs_are_chosen_and_deleted(replay: Replay) -> None:
    replay.deploy("hello_world")
    body = replay.same("039")
    url = f"/api/v1/main/logs/{body['id']}"
    run = body["taskRunList"][0]

    for params in ({"taskRunId": run["id"]}, {"taskRunId": run["id"], "attempt": "0"}, {"taskId": run["taskId"]}):
        assert {entry["taskId"] for entry in replay.http.get(url, params=params).json()} == {run["taskId"]}
    wrong = replay.http.get(url, params={"minLevel": "LOUD"})
    assert (wrong.status_code, "Failed to convert argument [minLevel]" in wrong.text) == (422, True)
    assert replay.http.delete(url, params={"minLevel": "ERROR"}).status_code == 200
    assert {entry["level"] for entry in replay.http.get(url).json()} == {"DEBUG", "INFO"}


@pytest.mark.parametrize("number", ["083", "084"])
def test_kill_of_what_has_ended_or_never_was(replay: Replay, number: str) -> None:
    replay.deploy("one_return")
    ended = replay.same("041")
    url = replay.recorded(number)["request"]["path"]
    replay.ids[url.split("/")[5]] = ended["id"] if number == "083" else "doesNotExist"
    replay.same(number)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"page": "0"}, "Illegal argument: Page must be positive, 0 given"),
        ({"size": "0"}, "Illegal argument: Size must be positive, 0 given"),
        ({"size": "many"}, "Internal server error: Failed to convert argument [size] for value [many] due to: "),
        ({"sort": "id:up"}, "Illegal argument: Invalid sort parameter 'id:up'"),
        ({"labels": "blue"}, "Unprocessable Entity: Can't split the queryString parameter by ':'"),
        ({"filters[namespace][LIKES]": "x"}, "Illegal argument: Unsupported operation 'LIKES'."),
    ],
)
def test_wrong_searches_are_refused(http: httpx.Client, params: dict[str, str], message: str) -> None:
    answer = http.get("/api/v1/main/flows/search", params=params)

    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)


def test_searches_are_filtered_and_sorted(replay: Replay) -> None:
    replay.deploy("one_return", "hello_world")
    search = "/api/v1/main/flows/search"
    params = {"namespace": replay.namespace, "sort": "id:desc"}
    assert [flow["id"] for flow in replay.http.get(search, params=params).json()["results"]] == [
        "one_return",
        "hello_world",
    ]
    params = {"namespace": replay.namespace, "labels": "env:test"}
    assert [flow["id"] for flow in replay.http.get(search, params=params).json()["results"]] == ["hello_world"]
    replay.same("041")
    executions = "/api/v1/main/executions/search"
    for more, total in (
        ({"filters[startDate][GREATER_THAN]": "2026-01-01T00:00:00Z"}, 1),
        ({"filters[startDate][LESS_THAN]": "2026-01-01T00:00:00Z"}, 0),
        ({"filters[state][EQUALS]": "FAILED"}, 0),
        ({"filters[state][NOT_EQUALS]": "FAILED"}, 1),
    ):
        params = {"filters[namespace][EQUALS]": replay.namespace, **more}
        assert replay.http.get(executions, params=params).json()["total"] == total


def test_labels_of_the_system_are_refused(replay: Replay) -> None:
    replay.deploy("one_return")
    url = f"/api/v1/main/executions/{replay.namespace}/one_return"
    answer = replay.http.post(url, params={"labels": "system.app:me"})

    assert answer.status_code == 422
    assert "System labels can only be set by Kestra itself, offending label: system.app=me" in answer.text
    assert replay.http.post(url, params={"labels": "system.correlationId:x", "wait": "true"}).status_code == 200


def test_execution_may_be_a_test_or_later(replay: Replay) -> None:
    replay.deploy("one_return")
    url = f"/api/v1/main/executions/{replay.namespace}/one_return"

    assert replay.http.post(url, params={"kind": "TEST", "wait": "true"}).json()["kind"] == "TEST"
    later = replay.http.post(url, params={"scheduleDate": "2036-01-01T00:00:00Z"}).json()
    assert later["scheduleDate"].startswith("2036-01-01T00:00:00")
