"""What a test's end may delete, and what it refuses to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError
from pytest_kestra.records import ExecutionRecord
from pytest_kestra.run.belongings import Belongings, Removal
from tests.unit.conftest import Stub

API = "/api/v1/main"
OWN = "company.team.test-a-pytest-4fac22-12ab"
MARKED = Belongings(namespaces=[OWN], flows={}, started=["asked"])
NAMED = Belongings(namespaces=["company.team.mine"], flows={("company.team.mine", "f"): 3}, started=["asked"])
NONE = Belongings(namespaces=[], flows={("company.team", "f"): 3}, started=["asked"])


def execution(namespace: str, *, flow: str = "f", revision: int | None = 3, execution_id: str = "e") -> ExecutionRecord:
    state = {"current": "SUCCESS", "histories": [{"state": "CREATED", "date": "2026-01-01T00:00:00Z"}]}
    data = {"id": execution_id, "namespace": namespace, "flowId": flow, "flowRevision": revision, "state": state}
    return ExecutionRecord.of(data)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (MARKED, execution(OWN), True),
        (MARKED, execution(f"{OWN}.below", flow="other"), True),
        (MARKED, execution(f"{OWN}4"), False),
        (MARKED, execution("company.team"), False),
        (MARKED, execution("company.other", execution_id="asked"), True),
        (NAMED, execution("company.team.mine"), True),
        (NAMED, execution("company.team.mine", revision=None), True),
        (NAMED, execution("company.team.mine", revision=2), False),
        (NAMED, execution("company.team.mine", flow="other"), False),
        (NONE, execution("company.team"), True),
        (NONE, execution("company.team", revision=2), False),
        (NONE, execution("company.team", revision=2, execution_id="asked"), True),
        (NONE, execution("company.other"), False),
    ],
)
def test_executions_that_belong_to_a_test(ours: Belongings, theirs: ExecutionRecord, expected: bool) -> None:
    assert ours.has_execution(theirs) is expected


@pytest.mark.parametrize(
    ("ours", "namespace", "flow_id", "expected"),
    [
        (MARKED, OWN, "any", True),
        (MARKED, f"{OWN}.below", "any", True),
        (MARKED, "company.team", "f", False),
        (NAMED, "company.team.mine", "f", True),
        (NAMED, "company.team.mine", "other", False),
        (NAMED, "company.team.mine.below", "f", False),
        (NONE, "company.team", "f", True),
        (NONE, "company.team", "other", False),
    ],
)
def test_flows_that_belong_to_a_test(ours: Belongings, namespace: str, flow_id: str, expected: bool) -> None:
    assert ours.has_flow(namespace, flow_id) is expected


@pytest.mark.parametrize(
    ("ours", "namespace", "expected"),
    [
        (MARKED, OWN, True),
        (MARKED, f"{OWN}.below", True),
        (MARKED, "company.team", False),
        (NAMED, "company.team.mine", True),
        (NAMED, "company.team.mine.below", False),
        (NONE, "company.team", False),
    ],
)
def test_namespaces_that_belong_to_a_test(ours: Belongings, namespace: str, expected: bool) -> None:
    assert ours.has_namespace(namespace) is expected


@pytest.mark.parametrize(
    ("remove", "what"),
    [
        (lambda removal: removal.flow("company.team", "f"), "flow company.team.f"),
        (lambda removal: removal.execution(execution("company.team")), "execution e of company.team.f"),
        (lambda removal: removal.contents("company.team"), "namespace company.team"),
    ],
)
def test_what_belongs_to_others_is_not_even_asked_for(
    client: Client, stub: Stub, remove: Callable[[Removal], None], what: str
) -> None:
    with pytest.raises(KestraError, match=f"^The {what} does not belong to the test: it was not deleted\\.$"):
        remove(Removal(client, MARKED))

    assert stub.asked == []


def test_flow_goes_with_what_its_triggers_leave(client: Client, stub: Stub) -> None:
    stub.on("DELETE", f"{API}/flows/{OWN}/f", "", 204)
    stub.on("GET", f"{API}/triggers/{OWN}/f", '{"results": [{"triggerId": "daily"}], "total": 1}')
    stub.on("DELETE", f"{API}/triggers/{OWN}/f/daily", "")
    stub.on("DELETE", f"{API}/logs/{OWN}/f", "")

    Removal(client, MARKED).flow(OWN, "f", ["daily", "hook"])

    assert [f"{asked.method} {asked.path.removeprefix(API)}" for asked in stub.asked if asked.method == "DELETE"] == [
        f"DELETE /flows/{OWN}/f",
        f"DELETE /triggers/{OWN}/f/daily",
        f"DELETE /logs/{OWN}/f?triggerId=daily",
        f"DELETE /logs/{OWN}/f?triggerId=hook",
    ]


def test_contents_of_a_namespace_go(client: Client, stub: Stub) -> None:
    stub.on("GET", f"{API}/namespaces/{OWN}/kv", '[{"key": "a"}, {"key": "b"}]')
    stub.on("GET", f"{API}/namespaces/{OWN}/files/directory", '[{"fileName": "rules"}]')
    for path in ("kv/a", "kv/b", "files"):
        stub.on("DELETE", f"{API}/namespaces/{OWN}/{path}", "true")

    Removal(client, MARKED).contents(OWN)

    assert [asked.path.rpartition(f"{OWN}/")[2] for asked in stub.asked if asked.method == "DELETE"] == [
        "kv/a",
        "kv/b",
        "files?path=%2Frules",
    ]
