"""How long the guard over logs waits on servers that write them late; tests/plugin/test_guard.py is about the rest."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import UnexpectedLogsError
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.records import ExecutionRecord
from pytest_kestra.report import guard
from pytest_kestra.report.guard import check_logs
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.session import SETTLE_S, Session
from tests.unit.conftest import Stub

ENTRY = {"level": "ERROR", "message": "no", "timestamp": "2026-01-01T00:00:00Z"}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, instead of waiting."""
    waits: list[float] = []

    def poll(read: Callable[[], object], _: object, timeout: float) -> object:
        waits.append(timeout)
        return read()

    for module in ("report.guard", "run.session"):
        monkeypatch.setattr(f"pytest_kestra.{module}.poll", poll, raising=False)
    return waits


def executions(client: Client, stub: Stub, state: str = "SUCCESS", *, settled: bool = False) -> list[Execution]:
    """Return three executions that have logged nothing."""
    session = Session(client, Deployer(client, Namespaces("t")), 5, settled=settled)
    at = {"current": state, "histories": [{"state": state, "date": "2026-01-01T00:00:00Z"}]}
    found = []
    for execution_id in "abc":
        stub.on("GET", f"/api/v1/main/logs/{execution_id}", "[]")
        record = ExecutionRecord.of({"id": execution_id, "namespace": "a.b", "flowId": "orders", "state": at})
        found.append(Execution.reading(record, session))
    return found


def test_late_logs_are_waited_for_once(client: Client, stub: Stub, waits: list[float]) -> None:
    check_logs(executions(client, stub), "WARN", [])

    assert waits == [SETTLE_S]
    assert [asked.path[-1] for asked in stub.asked] == ["a", "b", "c"]


@pytest.mark.parametrize(("state", "settled"), [("RUNNING", False), ("SUCCESS", True)])
def test_nothing_is_waited_for_where_no_log_comes_late(
    client: Client, stub: Stub, waits: list[float], state: str, *, settled: bool
) -> None:
    check_logs(executions(client, stub, state, settled=settled), "WARN", [])

    assert waits == []


def test_log_that_comes_late_is_found(client: Client, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    every = executions(client, stub)

    def poll(*_: object) -> None:
        stub.on("GET", "/api/v1/main/logs/b", json.dumps([ENTRY]))

    monkeypatch.setattr(guard, "poll", poll)
    with pytest.raises(UnexpectedLogsError, match="orders logged ERROR, which this test does not expect"):
        check_logs(every, "WARN", [])
