"""The endpoints of executions create them, find them, and tell what can be executed."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import httpx
import pytest

from tests.engine.replay import YAML, Replay

FLOW = """\
id: {id}
namespace: {namespace}
labels: {{team: red}}
inputs:
  - {{id: name, type: STRING, required: false}}
tasks:
  - {{id: only, type: io.kestra.plugin.core.debug.Return, format: "{{{{ inputs.name }}}}"}}
  - {{id: last, type: io.kestra.plugin.core.debug.Return, format: x}}
"""
PARENT = """\
id: parent
namespace: {namespace}
tasks:
  - {{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: {namespace}, flowId: one, wait: true}}
"""
CHECKED = """\
id: checked
namespace: {namespace}
inputs:
  - {{id: count, type: INT, defaults: 1}}
checks:
  - {{condition: "{{{{ inputs.count < 10 }}}}", message: too many, style: ERROR, behavior: BLOCK_EXECUTION}}
  - {{condition: "{{{{ inputs.count < 5 }}}}", message: many, behavior: FAIL_EXECUTION}}
  - {{condition: "{{{{ inputs.count < 3 }}}}", message: some, behavior: CREATE_EXECUTION}}
tasks:
  - {{id: only, type: io.kestra.plugin.core.debug.Return, format: x}}
"""
SEARCH = "executions/search"


@pytest.fixture
def one(api: httpx.Client, namespace: str) -> str:
    """Return the path that creates executions of a flow with two tasks."""
    return store(api, FLOW.format(namespace=namespace, id="one"), namespace, "one")


def store(api: httpx.Client, source: str, namespace: str, flow_id: str) -> str:
    api.post("flows", content=source, headers=YAML).raise_for_status()
    return f"executions/{namespace}/{flow_id}"


def run(api: httpx.Client, path: str, **params: Any) -> Any:
    return api.post(path, params={"wait": "true", **params}).raise_for_status().json()


def labels(execution: Any) -> dict[str, str]:
    return {label["key"]: label["value"] for label in execution["labels"]}


def ids(answer: httpx.Response) -> list[str]:
    found = answer.raise_for_status().json()
    assert found["total"] == len(found["results"])
    return sorted(execution["id"] for execution in found["results"])


@pytest.mark.parametrize("number", ["030", "034", "035", "036", "037", "038", "042", "044", "046", "047"])
def test_creation_as_recorded(replay: Replay, number: str) -> None:
    replay.deploy("mandatory", "disabled", "one_return", "hello_world")
    replay.same(number)


def test_older_revision_as_recorded(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("hello_world")
    source = api.get(f"flows/{replay.namespace}/hello_world", params={"source": "true"}).json()["source"]
    api.put(f"flows/{replay.namespace}/hello_world", content=source + "\n# more\n", headers=YAML).raise_for_status()

    assert replay.same("045")["flowRevision"] == 1
    assert replay.same("050")["total"] == 1


def test_bad_state_as_recorded(replay: Replay) -> None:
    replay.same("052")


def test_labels_of_an_execution(api: httpx.Client, one: str) -> None:
    given = ["a: b:c ", "system.from:ui", "system.correlationId:x"]
    made = labels(run(api, one, labels=given))

    assert made == {"team": "red", "a": "b:c", "system.from": "ui", "system.correlationId": "x"}
    assert labels(run(api, one))["system.from"] == "api"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"labels": ":b"}, "Unprocessable Entity: Can't split the queryString parameter by ':'"),
        ({"labels": "a:"}, "Unprocessable Entity: Can't have an empty part of queryString"),
        ({"labels": "a b:c"}, "Unprocessable Entity: Key of queryString can't contain a whitespace character"),
        ({"labels": ["a:b", "a:c"]}, "Unprocessable Entity: The queryString parameter keys contains duplicities: "),
        ({"labels": "system.app:x"}, "Illegal argument: System labels can only be set by Kestra itself, offending "),
        ({"kind": "GAME"}, "Internal server error: Failed to convert argument [kind] for value [GAME] due to: No enum"),
        ({"scheduleDate": "soon"}, "Internal server error: Failed to convert argument [scheduleDate] for value [soon]"),
        ({"revision": "new"}, "Internal server error: Failed to convert argument [revision] for value [new] due to: "),
    ],
)
def test_wrong_parameters_are_refused(api: httpx.Client, one: str, params: dict[str, Any], message: str) -> None:
    answer = api.post(one, params=params)

    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n--a--"),
        # Cut off on the way.
        ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="name"\r\n\r\nx'),
    ],
)
def test_broken_forms_are_refused(api: httpx.Client, one: str, kind: str, body: bytes) -> None:
    for path in (one, f"{one}/validate"):
        answer = api.post(path, content=body, headers={"content-type": kind})
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("Bad Request: ")


def test_parameters_are_read_as_by_micronaut(api: httpx.Client, one: str) -> None:
    for date in ("Tue, 1 Jan 2036 00:00:00 GMT", "2036-01-01T01:00:00+01:00[Europe/Paris]"):
        made = api.post(one, params={"scheduleDate": date, "kind": "test"}).raise_for_status().json()
        assert (made["scheduleDate"][:19], made["kind"]) == ("2036-01-01T00:00:00", "TEST")
    made = api.post(one, params={"scheduleDate": "", "kind": "", "wait": "true"}).raise_for_status().json()
    assert not {"scheduleDate", "kind"} & set(made)
    status = api.post(f"executions/{made['id']}/change-status", params={"status": "warning"}).raise_for_status()
    assert status.json()["state"]["current"] == "WARNING"


def test_flow_of_an_unknown_execution(api: httpx.Client) -> None:
    answer = api.get("executions/nothing/flow")
    message = "Not Found: Execution nothing not found when fetching flow"
    assert (answer.status_code, answer.json()["message"]) == (404, message)


def test_breakpoint_stops_an_execution_before_a_task(api: httpx.Client, one: str) -> None:
    made = api.post(one, params={"breakpoints": "last.some,only"}).json()

    assert made["breakpoints"] == [{"id": "last", "value": "some"}, {"id": "only"}]
    assert "breakpoints" not in api.post(one, params={"breakpoints": ""}).json()


def test_older_way_to_create(api: httpx.Client, namespace: str, one: str) -> None:
    path = f"executions/trigger/{namespace}/one"
    params = {"wait": "true", "labels": "a:b", "revision": "1", "scheduleDate": "soon", "kind": "GAME"}
    made = api.post(path, params=params, files={"name": (None, "Ada")}).raise_for_status().json()

    assert (made["state"]["current"], made["inputs"], labels(made)["a"]) == ("SUCCESS", {"name": "Ada"}, "b")
    assert "scheduleDate" not in made
    assert api.post(f"executions/trigger/{namespace}/none").status_code == 404


def test_deleted_flow_is_executed_as_kestra_does(api: httpx.Client, namespace: str, one: str) -> None:
    api.delete(f"flows/{namespace}/one").raise_for_status()
    made = run(api, one)

    assert (made["state"]["current"], made["flowRevision"]) == ("SUCCESS", 2)


@pytest.mark.parametrize(("count", "state"), [(1, "SUCCESS"), (4, "SUCCESS"), (7, "FAILED")])
def test_checks_of_a_flow(api: httpx.Client, namespace: str, count: int, state: str) -> None:
    path = store(api, CHECKED.format(namespace=namespace), namespace, "checked")
    files = {"count": (None, str(count))}
    made = api.post(path, params={"wait": "true"}, files=files).raise_for_status().json()

    assert made["state"]["current"] == state
    failed = api.post(f"{path}/validate", files=files).raise_for_status().json()["checks"]
    assert [check["message"] for check in failed] == ["many", "some"][2 - (count > 3) - (count > 5) :]


def test_check_that_blocks(api: httpx.Client, namespace: str) -> None:
    path = store(api, CHECKED.format(namespace=namespace), namespace, "checked")
    files = {"count": (None, "12")}
    refused = api.post(path, files=files)

    assert refused.status_code == 422
    assert refused.json()["message"] == (
        "Illegal argument: Flow execution blocked: one or more condition checks evaluated to false.\n"
        "Failed checks: too many, many, some"
    )
    first = api.post(f"{path}/validate", files=files).json()["checks"][0]
    assert first == {"message": "too many", "style": "ERROR", "behavior": "BLOCK_EXECUTION"}
    assert api.get(SEARCH, params={"namespace": namespace}).json()["total"] == 0


def test_validation_of_what_cannot_be_executed(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("disabled", "one_return")
    path = f"executions/{replay.namespace}"

    assert api.post(f"{path}/disabled/validate").status_code == 409
    assert api.post(f"{path}/none/validate").status_code == 404
    assert api.post(f"{path}/one_return/validate", params={"revision": "3"}).status_code == 404
    assert api.post(f"{path}/one_return/validate", params={"labels": "x"}).status_code == 422


def test_executions_are_found_by_every_older_parameter(api: httpx.Client, namespace: str, one: str) -> None:
    parent_path = store(api, PARENT.format(namespace=namespace), namespace, "parent")
    parent = run(api, parent_path, labels="a:b")["id"]
    child = ids(api.get(SEARCH, params={"namespace": namespace, "flowId": "one"}))[0]
    both = sorted([parent, child])
    now = dt.datetime.now(dt.timezone.utc)
    before, after = (f"{now + dt.timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (-1, 1))
    for params, expected in (
        ({}, both),
        ({"namespace": namespace.rpartition(".")[0], "triggerExecutionId": parent}, [child]),
        ({"flowId": "parent"}, [parent]),
        ({"q": "parent"}, [parent]),
        ({"q": child}, [child]),
        ({"state": ["SUCCESS", "FAILED"]}, both),
        ({"state": "FAILED,KILLED"}, []),
        ({"labels": "a:b"}, [parent]),
        ({"labels": ["a:b", "team:red"]}, []),
        ({"startDate": before, "endDate": after}, both),
        ({"startDate": after}, []),
        ({"endDate": before}, []),
        ({"timeRange": "PT1H"}, both),
        ({"timeRange": "1h"}, both),
        ({"timeRange": "PT0S"}, []),
        ({"triggerExecutionId": parent}, [child]),
        ({"childFilter": "CHILD"}, [child]),
        ({"childFilter": "main"}, [parent]),
        ({"scope": "USER"}, both),
        ({"scope": "SYSTEM"}, []),
    ):
        found = api.get(SEARCH, params={"namespace": namespace, **params, "size": "1000"})
        assert [item for item in ids(found) if item in both] == expected, params


def test_executions_are_found_by_every_filter(api: httpx.Client, namespace: str, one: str) -> None:
    parent_path = store(api, PARENT.format(namespace=namespace), namespace, "parent")
    parent = run(api, parent_path, labels="a:b")["id"]
    place = {"filters[namespace][EQUALS]": namespace}
    child = ids(api.get(SEARCH, params={**place, "filters[flowId][EQUALS]": "one"}))[0]
    both = sorted([parent, child])
    for name, value, expected in (
        ("namespace][PREFIX", "company", both),
        ("namespace][IN", f"[{namespace},x]", both),
        ("flowId][STARTS_WITH", "par", [parent]),
        ("flowId][REGEX", "^o.e$", [child]),
        ("flowId][NOT_IN", "one,two", [parent]),
        ("state][EQUALS", "SUCCESS", both),
        ("state][NOT_EQUALS", "SUCCESS", []),
        ("state][IN", "SUCCESS,FAILED", both),
        ("state][NOT_IN", "SUCCESS,FAILED", []),
        ("labels][EQUALS][a", "b", [parent]),
        ("labels][NOT_EQUALS][a", "b", [child]),
        ("q][NOT_EQUALS", "parent", [child]),
        ("startDate][GREATER_THAN_OR_EQUAL_TO", "2026-01-01T00:00:00Z", both),
        ("endDate][LESS_THAN", "2026-01-01T00:00:00Z", []),
        ("timeRange][EQUALS", "P1D", both),
        ("triggerExecutionId][EQUALS", parent, [child]),
        ("childFilter][EQUALS", "MAIN", [parent]),
        ("childFilter][NOT_EQUALS", "MAIN", [child]),
        ("scope][EQUALS", "user", both),
        ("scope][NOT_EQUALS", "USER", []),
        ("kind][EQUALS", "TEST", []),
    ):
        # Older parameters do not count where there is a filter.
        params = {**place, f"filters[{name}]": value, "flowId": "nothing"}
        found = api.get(SEARCH, params={**params, "size": "100"})
        assert [item for item in ids(found) if item in both] == expected, name


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"startDate": "today"}, "Internal server error: Failed to convert argument [startDate] for value [today]"),
        ({"timeRange": "1 day"}, "Internal server error: Failed to convert argument [timeRange] for value [1 day]"),
        ({"childFilter": "ALL"}, "Internal server error: Failed to convert argument [childFilter] for value [ALL]"),
        ({"scope": "MINE"}, "Internal server error: Failed to convert argument [scope] for value [MINE] due to: "),
        (
            {"startDate": "2026-02-01T00:00Z", "endDate": "2026-01-01T00:00Z"},
            "Illegal argument: Start date must be before End Date",
        ),
        ({"startDate": "2026-02-01T00:00Z", "timeRange": "P1D"}, "Illegal argument: Parameters 'startDate'/'endDate'"),
        ({"filters[startDate][EQUALS]": "today"}, "Illegal argument: Text 'today' could not be parsed"),
        ({"filters[timeRange][EQUALS]": "1 day"}, "Illegal argument: Invalid duration: 1 day"),
        ({"filters[scope][EQUALS]": "MINE"}, "Illegal argument: Invalid FlowScope value: MINE"),
        ({"filters[state][EQUALS]": "NOTHING"}, "Illegal argument: No enum constant"),
        ({"filters[labels][EQUALS]": "a:b"}, "Illegal argument: Unsupported operation"),
        ({"filters[metadata][EQUALS][a]": "b"}, "Invalid query filters: "),
        ({"filters[nothing][EQUALS]": "x"}, "Illegal argument: Unsupported field 'nothing'"),
    ],
)
def test_wrong_searches_are_refused(api: httpx.Client, params: dict[str, str], message: str) -> None:
    answer = api.get(SEARCH, params=params)

    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)


def test_pattern_that_is_none_is_refused(api: httpx.Client, one: str) -> None:
    # The database looks at it when it compares it with something.
    run(api, one)
    answer = api.get(SEARCH, params={"filters[namespace][REGEX]": "["})

    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Illegal argument: ")


def test_executions_of_a_flow(api: httpx.Client, namespace: str, one: str) -> None:
    made = sorted(run(api, one)["id"] for _ in range(2))
    place = {"namespace": namespace, "flowId": "one"}

    assert ids(api.get("executions", params=place)) == made
    page = api.get("executions", params={**place, "size": "1", "page": "2"}).json()
    assert (page["total"], len(page["results"])) == (2, 1)
    assert api.get("executions", params={**place, "page": "0"}).status_code == 422
    for name in place:
        missing = api.get("executions", params={key: value for key, value in place.items() if key != name})
        assert missing.status_code == 422
        assert missing.json()["message"] == f"Invalid route params: Required QueryValue [{name}] not specified"


def test_latest_executions(api: httpx.Client, namespace: str, one: str) -> None:
    run(api, one)
    last = run(api, one)
    flows = [{"namespace": namespace, "id": name} for name in ("one", "none")]

    assert api.post("executions/latest", json=flows).json() == [
        {
            "id": last["id"],
            "flowId": "one",
            "namespace": namespace,
            "startDate": last["state"]["startDate"],
            "status": "SUCCESS",
        }
    ]
    assert last["id"] in [item["id"] for item in api.post("executions/latest", json=[]).json()]
    assert api.post("executions/latest", json=[None]).status_code == 422
    assert api.post("executions/latest", json="x").status_code == 422


def test_what_can_be_executed(api: httpx.Client, namespace: str, one: str) -> None:
    assert one
    assert namespace in api.get("executions/namespaces").json()
    flow = api.get(f"executions/flows/{namespace}/one").json()
    assert [task["id"] for task in flow["tasks"]] == ["only", "last"]
    assert [given["id"] for given in flow["inputs"]] == ["name"]
    assert api.get(f"executions/namespaces/{namespace}/flows").json() == [flow]
    assert api.get(f"executions/flows/{namespace}/one", params={"revision": "1"}).json() == flow
    assert api.get(f"executions/flows/{namespace}/one", params={"revision": "2"}).status_code == 404
    assert api.get(f"executions/flows/{namespace}/none").status_code == 404


def test_executions_are_exported(api: httpx.Client, namespace: str, one: str) -> None:
    made = sorted(run(api, one)["id"] for _ in range(2))
    answer = api.get("executions/export/by-query/csv", params={"filters[namespace][EQUALS]": namespace})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv")
    assert answer.headers["content-disposition"] == "attachment; filename=executions.csv"
    assert sorted(row["id"] for row in rows) == made
    assert rows[0]["state"].startswith("{current=SUCCESS, histories=[{state=CREATED, ")
    nothing = api.get("executions/export/by-query/csv", params={"filters[namespace][EQUALS]": "nowhere"})
    assert (nothing.status_code, nothing.text) == (200, "")


def test_deletion_keeps_what_it_is_told_to(api: httpx.Client, one: str) -> None:
    made = run(api, one)["id"]
    kept = {"deleteLogs": "false", "deleteMetrics": "false", "deleteStorage": "false"}

    assert api.delete(f"executions/{made}", params=kept).status_code == 204
    assert api.get(f"logs/{made}").json() != []
    assert api.delete(f"executions/{made}").status_code == 404
