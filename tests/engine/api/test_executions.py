"""The endpoints that create, find, export and delete executions, and render expressions, as Kestra 1.3 answers."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest

from tests.engine.replay import Replay
from tests.engine.running import PAUSED, SLEEPER, WORD, came, kill, ran, run_of, start
from tests.engine.scheduling import deploy, update

LABELLED = """\
id: labelled
namespace: {namespace}
labels: {{team: red}}
tasks:
  - {{id: only, type: io.kestra.plugin.core.debug.Return, format: x}}
"""
SECRETS = """\
id: secrets
namespace: {namespace}
inputs:
  - {{id: password, type: SECRET}}
tasks:
  - {{id: only, type: io.kestra.plugin.core.debug.Return, format: "{{{{ secret('KESTRA_API_USER') }}}}"}}
"""
BOUNDARY = "multipart/form-data; boundary=x"


@pytest.mark.parametrize("number", ["030", "034", "035", "036", "038", "042", "044", "046", "047"])
def test_recorded_refusals(replay: Replay, number: str) -> None:
    replay.deploy("hello_world", "one_return", "disabled", "mandatory")
    replay.same(number)


@pytest.mark.parametrize("number", ["037", "040", "041", "043", "045"])
def test_recorded_creations(replay: Replay, number: str) -> None:
    replay.deploy("hello_world", "one_return", "mandatory")
    replay.same(number)


def test_recorded_reads_and_deletion(replay: Replay) -> None:
    replay.deploy("hello_world", "one_return")
    for number in (
        "043",
        "039",
        "048",
        "049",
        "050",
        "051",
        "052",
        "061",
        "062",
        "063",
        "064",
        "065",
        "060",
        "066",
        "067",
    ):
        replay.same(number)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"scheduleDate": "soon"},
            "Failed to convert argument [scheduleDate] for value [soon] due to: Text 'soon' could",
        ),
        ({"kind": "TOY"}, "Failed to convert argument [kind] for value [TOY] due to: No enum constant io.kestra.core"),
        ({"revision": "last"}, "Failed to convert argument [revision] for value [last] due to: For input string:"),
        ({"labels": ":x"}, "Can't split the queryString parameter by ':'"),
        ({"labels": "x: "}, "Can't have an empty part of queryString"),
        ({"labels": "x y:z"}, "Key of queryString can't contain a whitespace character"),
        ({"labels": ["x:1", "x:2"]}, "The queryString parameter keys contains duplicities: Duplicate key x (attempted"),
        (
            {"labels": "system.replay:true"},
            "System labels can only be set by Kestra itself, offending label: system.re",
        ),
    ],
)
@pytest.mark.parametrize("more", ["", "/validate"])
def test_wrong_parameters(api: httpx.Client, namespace: str, params: dict[str, Any], message: str, more: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    answer = api.post(f"executions/{namespace}/word{more}", params=params)

    if more and ("scheduleDate" in params or "kind" in params):
        assert answer.status_code == 200
    else:
        assert (answer.status_code, message in answer.json()["message"]) == (422, True), answer.text


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"--x\r\n"),
        (BOUNDARY, b"nothing"),
        (BOUNDARY, b'--x\r\nContent-Disposition: form-data; name="word"\r\n\r\ncut'),
        (BOUNDARY, b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n"),
        (BOUNDARY, b"--x\r\n:\r\n\r\n--x--\r\n"),
    ],
)
def test_broken_forms(api: httpx.Client, namespace: str, kind: str, content: bytes) -> None:
    deploy(api, WORD.format(namespace=namespace))
    answer = api.post(f"executions/{namespace}/word", content=content, headers={"content-type": kind})

    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (400, "Bad Request")


def test_form_without_fields(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    for content in (b"", b"--x--\r\n"):
        answer = api.post(f"executions/{namespace}/word", content=content, headers={"content-type": BOUNDARY})
        assert answer.status_code == 200, answer.text


def test_executions_of_a_flow(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    ids = [ran(api, namespace, "word")["id"] for _ in range(3)]

    page = api.get("executions", params={"namespace": namespace, "flowId": "word", "size": "2", "page": "2"}).json()
    assert (page["total"], [found["id"] in ids for found in page["results"]]) == (3, [True])
    assert api.get("executions", params={"namespace": namespace, "flowId": "other"}).json()["total"] == 0
    missing = api.get("executions", params={"namespace": namespace})
    assert missing.json()["message"] == "Invalid route params: Required QueryValue [flowId] not specified"


def test_search_by_every_filter(api: httpx.Client, namespace: str) -> None:
    deploy(api, LABELLED.format(namespace=namespace))
    deploy(api, WORD.format(namespace=f"{namespace}.below"))
    one = ran(api, namespace, "labelled", labels="color:blue")["id"]
    two = ran(api, f"{namespace}.below", "word")["id"]
    try:
        for params, expected in (
            ({}, [one, two]),
            ({"filters[namespace][EQUALS]": namespace}, [one]),
            ({"filters[namespace][IN]": f"{namespace},{namespace}.below"}, [one, two]),
            ({"filters[namespace][IN]": f"[{namespace}]"}, [one]),
            ({"filters[flowId][EQUALS]": "word"}, [two]),
            ({"filters[flowId][NOT_EQUALS]": "word"}, [one]),
            ({"filters[state][IN]": "SUCCESS,FAILED"}, [one, two]),
            ({"filters[state][NOT_IN]": "SUCCESS,FAILED"}, []),
            ({"filters[labels][EQUALS][color]": "blue", "filters[labels][EQUALS][team]": "red"}, [one]),
            ({"filters[labels][NOT_EQUALS][color]": "blue"}, [two]),
            ({"filters[timeRange][EQUALS]": "PT1H"}, [one, two]),
            ({"filters[timeRange][EQUALS]": "PT0S"}, []),
            ({"filters[endDate][LESS_THAN]": "2026-01-01T00:00:00Z"}, []),
            ({"filters[scope][EQUALS]": "SYSTEM"}, []),
            ({"filters[childFilter][EQUALS]": "MAIN"}, [one, two]),
            ({"filters[childFilter][EQUALS]": "CHILD"}, []),
            ({"filters[q][EQUALS]": "labelled"}, [one]),
            ({"filters[triggerExecutionId][EQUALS]": "none"}, []),
        ):
            space = {"filters[namespace][PREFIX]": namespace, "sort": "state.startDate:asc"}
            if any("namespace" in name for name in params):
                space.pop("filters[namespace][PREFIX]")
            found = api.get("executions/search", params={**space, **params}).raise_for_status().json()
            assert [item["id"] for item in found["results"]] == expected, params
    finally:
        api.delete(f"flows/{namespace}.below/word").raise_for_status()


def test_search_by_every_old_parameter(api: httpx.Client, namespace: str) -> None:
    deploy(api, LABELLED.format(namespace=namespace))
    deploy(api, WORD.format(namespace=namespace))
    one, two = ran(api, namespace, "labelled", labels="color:blue")["id"], ran(api, namespace, "word")["id"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [one, two]),
        ({"flowId": "word"}, [two]),
        ({"q": "labelled"}, [one]),
        ({"scope": "USER"}, [one, two]),
        ({"scope": "system"}, []),
        ({"state": ["SUCCESS", "FAILED"]}, [one, two]),
        ({"state": "RUNNING,FAILED"}, []),
        ({"labels": ["color:blue", "team:red"]}, [one]),
        ({"labels": ["color:blue", "team:blue"]}, []),
        ({"startDate": "2026-01-01T00:00:00Z"}, [one, two]),
        ({"startDate": "2036-01-01T00:00Z"}, []),
        ({"endDate": "2036-01-01T00:00:00.000Z"}, [one, two]),
        ({"endDate": "2026-01-01T00:00:00+02:00"}, []),
        ({"timeRange": "PT1H"}, [one, two]),
        ({"timeRange": "1h"}, [one, two]),
        ({"timeRange": "PT0S"}, []),
        ({"childFilter": "MAIN"}, [one, two]),
        ({"childFilter": "CHILD"}, []),
        ({"triggerExecutionId": "none"}, []),
        # What no search of executions knows is ignored.
        ({"triggerId": "none", "minLevel": "ERROR", "other": "x"}, [one, two]),
        # Filters make the old parameters count no more.
        ({"filters[namespace][EQUALS]": namespace, "flowId": "word"}, [one, two]),
    ]
    for params, expected in cases:
        query = {"namespace": namespace, "sort": "state.startDate:asc", **params}
        found = api.get("executions/search", params=query).raise_for_status().json()
        assert [item["id"] for item in found["results"]] == expected, params


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"state": "NOTHING"}, "Failed to convert argument [state] for value [NOTHING] due to: No enum constant"),
        ({"scope": "ALL"}, "Failed to convert argument [scope] for value [ALL] due to: No enum constant"),
        ({"childFilter": "AUNT"}, "Failed to convert argument [childFilter] for value [AUNT] due to: No enum constant"),
        ({"childFilter": ""}, "Invalid route params: Required QueryValue [childFilter] not specified"),
        ({"timeRange": "long"}, "Failed to convert argument [timeRange] for value [long] due to: Unparseable"),
        (
            {"startDate": "soon"},
            "Failed to convert argument [startDate] for value [soon] due to: Text 'soon' could not",
        ),
        ({"startDate": "2026-01-01T00:00"}, "Failed to convert argument [startDate] for value [2026-01-01T00:00] due"),
        ({"startDate": "2026-02-01T00:00Z", "endDate": "2026-01-01T00:00Z"}, "Start date must be before End Date"),
        ({"labels": "x"}, "Can't split the queryString parameter by ':'"),
        ({"filters[state][EQUALS]": "NOTHING"}, "No enum constant io.kestra.core.models.flows.State.Type.NOTHING"),
        ({"filters[timeRange][EQUALS]": "long"}, "Text cannot be parsed to a Duration"),
        ({"filters[startDate][EQUALS]": "soon"}, "Text 'soon' could not be parsed"),
        ({"filters[nothing][EQUALS]": "x"}, "nothing"),
        ({"filters[level][EQUALS]": "INFO"}, "Field MIN_LEVEL is not supported for resource EXECUTION"),
        ({"filters[flowId][GREATER_THAN]": "x"}, "Operation GREATER_THAN is not supported for field FLOW_ID"),
        ({"sort": "nothing:asc"}, "nothing"),
    ],
)
def test_wrong_searches(api: httpx.Client, params: dict[str, str], message: str) -> None:
    answer = api.get("executions/search", params=params)
    assert (answer.status_code, message in answer.json()["message"]) == (422, True), answer.text


def test_executions_are_exported(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    ids = {ran(api, namespace, "word", {"word": word})["id"] for word in ("one", 'two, "three"\nfour')}
    answer = api.get("executions/export/by-query/csv", params={"filters[namespace][EQUALS]": namespace})

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == "attachment; filename=executions.csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["id"] for row in rows} == ids
    assert {row["flowId"] for row in rows} == {"word"}
    nothing = api.get("executions/export/by-query/csv", params={"filters[namespace][EQUALS]": "nowhere"})
    assert (nothing.status_code, nothing.text) == (200, "")


def test_latest_execution_of_flows(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    deploy(api, LABELLED.format(namespace=namespace))
    ran(api, namespace, "word")
    last, other = ran(api, namespace, "word"), ran(api, namespace, "labelled")
    flows = [{"namespace": namespace, "id": name} for name in ("word", "labelled", "nothing")]

    found = {item["flowId"]: item for item in api.post("executions/latest", json=flows).json()}
    assert set(found) == {"word", "labelled"}
    assert found["labelled"]["id"] == other["id"]
    assert found["word"] == {
        "id": last["id"],
        "flowId": "word",
        "namespace": namespace,
        "startDate": last["state"]["startDate"],
        "status": "SUCCESS",
    }
    assert api.post("executions/latest", json=[namespace]).status_code == 422


def test_flows_that_can_be_executed(api: httpx.Client, namespace: str) -> None:
    source = WORD.format(namespace=namespace)
    deploy(api, source)
    deploy(api, f"{LABELLED.format(namespace=namespace)}disabled: true\n")
    update(api, namespace, "word", source.replace("second {{", "changed {{"))
    execution = ran(api, namespace, "word", revision="1")

    assert namespace in api.get("executions/namespaces").json()
    flows = api.get(f"executions/namespaces/{namespace}/flows").json()
    assert sorted((flow["id"], flow["disabled"]) for flow in flows) == [("labelled", True), ("word", False)]
    flow = api.get(f"executions/flows/{namespace}/word").json()
    assert (flow["revision"], [task["id"] for task in flow["tasks"]]) == (2, ["first", "second"])
    assert "format" not in json.dumps(flow)
    assert api.get(f"executions/flows/{namespace}/word", params={"revision": "1"}).json()["revision"] == 1
    assert api.get(f"executions/{execution['id']}/flow").json()["revision"] == 1
    for path, message in (
        (f"executions/flows/{namespace}/nothing", "Not Found: No value present"),
        ("executions/nothing/flow", "Not Found: Execution nothing not found when fetching flow"),
    ):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["message"]) == (404, message)


def test_expressions_do_not_tell_secrets(api: httpx.Client, namespace: str) -> None:
    deploy(api, SECRETS.format(namespace=namespace))
    execution = ran(api, namespace, "secrets", {"password": "hush"})
    headers = {"content-type": "text/plain"}
    for path in ("eval", f"eval/{run_of(execution, 'only')['id']}"):
        for expression in ("{{ secret('KESTRA_API_USER') }}", "{{ inputs.password }}"):
            url = f"executions/{execution['id']}/{path}"
            answer = api.post(url, content=expression, headers=headers)
            assert answer.status_code == 200
            assert "pytest-kestra.local" not in answer.text
            assert "hush" not in answer.text


def test_expressions_of_what_is_not_there(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    execution, headers = ran(api, namespace, "word"), {"content-type": "text/plain"}

    for path, status in (("nothing/eval", 404), ("nothing/eval/x", 404), (f"{execution['id']}/eval/nothing", 422)):
        answer = api.post(f"executions/{path}", content="{{ 1 }}", headers=headers)
        assert (answer.status_code, bool(answer.json()["message"])) == (status, True)
    json_body = api.post(f"executions/{execution['id']}/eval", json="{{ 1 }}")
    assert json_body.status_code == 415
    url = f"executions/{execution['id']}/eval/{run_of(execution, 'second')['id']}"
    assert (
        api.post(url, content="{{ taskrun.id }}", headers=headers).json()["result"] == run_of(execution, "second")["id"]
    )


def test_deletion_leaves_what_it_is_told_to(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    kept, gone = ran(api, namespace, "word")["id"], ran(api, namespace, "word")["id"]
    keep = {"deleteLogs": "false", "deleteMetrics": "false", "deleteStorage": "false"}

    assert api.delete(f"executions/{kept}", params=keep).status_code == 204
    assert api.delete(f"executions/{gone}").status_code == 204
    assert api.get(f"logs/{kept}").json()
    assert api.get(f"logs/{gone}").json() == []
    for execution_id in (kept, "nothing"):
        assert api.get(f"executions/{execution_id}").status_code == 404
        again = api.delete(f"executions/{execution_id}")
        assert (again.status_code, again.json()["message"]) == (404, "Not Found")


def test_execution_that_runs_is_not_told_as_ended(api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    deploy(api, PAUSED.format(namespace=namespace))
    running = start(api, namespace, "sleeper")
    assert not {"duration", "endDate"} & set(came(api, running, "RUNNING")["state"])
    paused = came(api, start(api, namespace, "paused"), "PAUSED")
    assert {"duration", "endDate"} <= set(paused["state"])
    kill(api, running, paused["id"])
