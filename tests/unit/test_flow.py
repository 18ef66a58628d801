"""Running a flow on a server that answers what it is told to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import ApiError, InputError
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.records import FlowRecord
from pytest_kestra.run import flow as runs
from pytest_kestra.run.flow import Flow
from pytest_kestra.run.session import Session
from tests.unit.conftest import Stub

API = "/api/v1/main"
PAGE = "<html>\n<title>504 Gateway Time-out</title></html>"


@pytest.fixture
def flow(client: Client) -> Flow:
    data = {"id": "f", "namespace": "a.b", "revision": 1, "source": "", "inputs": [{"id": "token", "type": "SECRET"}]}
    return Flow.deployed(FlowRecord.of(data), "f.yaml", Session(client, Deployer(client, Namespaces("t")), 5))


def execution(state: str) -> dict[str, Any]:
    history = [{"state": state, "date": "2026-01-01T00:00:00Z"}]
    return {"id": "e1", "namespace": "a.b", "flowId": "f", "state": {"current": state, "histories": history}}


def found(stub: Stub, *executions: dict[str, Any]) -> None:
    page = {"results": list(executions), "total": len(executions)}
    stub.on("GET", f"{API}/executions/search", json.dumps(page))


@pytest.mark.parametrize("status", [502, 504, 524])
def test_execution_that_a_proxy_did_not_wait_for_is_waited_for(stub: Stub, flow: Flow, status: int) -> None:
    stub.on("POST", f"{API}/executions/a.b/f", PAGE, status)
    found(stub, execution("RUNNING"))
    stub.on("GET", f"{API}/executions/e1", json.dumps(execution("SUCCESS")))

    assert flow.run(timeout=60).state == "SUCCESS"
    assert flow.session.started == ["e1"]
    (search,) = [asked.path for asked in stub.asked if "/search" in asked.path]
    assert "correlationId" in search


def test_execution_that_never_was_is_told_as_the_proxy_does(
    stub: Stub, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "SHOWN_S", 0.05)
    stub.on("POST", f"{API}/executions/a.b/f", '{"message": "no Kestra behind it"}', 502)
    found(stub)

    with pytest.raises(ApiError, match=r"^no Kestra behind it \(status 502"):
        flow.run(timeout=60)


def test_secret_is_known_also_where_an_input_is_refused(flow: Flow) -> None:
    with pytest.raises(InputError, match="no input 'tokn'"):
        flow.run({"token": "s3cret-value", "tokn": "x"})

    assert flow.session.secrets == ["s3cret-value"]
