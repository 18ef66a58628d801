"""The invoices: a webhook, rules in a namespace file, an approval, key-value pairs, and a flow that a flow triggers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_kestra import ApiError, Execution, Flow, Kestra

Send = Callable[[str, float], Execution]

# The webhook's key is one of `kestra_secrets`.
pytestmark = pytest.mark.kestra_requires(capability="secrets")


@pytest.fixture
def report(kestra: Kestra, flows: Path) -> Flow:
    """Deploy the flow that is triggered by a booked invoice."""
    return kestra.deploy(flows / "05_invoices" / "report_invoice.yaml")


@pytest.fixture
def receive(kestra: Kestra, flows: Path) -> Flow:
    """Deploy the flow that the webhook calls, and its rules."""
    flow = kestra.deploy(flows / "05_invoices" / "receive_invoice.yaml")
    flow.files["rules/limits.json"] = flows / "05_invoices" / "rules" / "limits.json"
    return flow


@pytest.fixture
def send(receive: Flow, kestra_secrets: dict[str, str]) -> Send:
    """Return what sends an invoice to the webhook."""
    key = kestra_secrets["INVOICE_HOOK_KEY"]

    def send(number: str, amount: float) -> Execution:
        return receive.trigger("arrived").webhook({"id": number, "amount": amount}, key=key)

    return send


def test_small_invoice_is_booked_at_once(receive: Flow, send: Send) -> None:
    execution = send("A-1", 250.5).wait()

    assert execution.state == "SUCCESS"
    assert execution.outputs == {"invoice": "A-1", "amount": 250.5}
    assert receive.kv["invoice_A-1"] == 250.5
    assert not execution.tasks("approve")


def test_large_invoice_waits_for_its_approval(receive: Flow, send: Send) -> None:
    waiting = send("B-1", 5000).wait(until="PAUSED")

    assert waiting.logs(task="ask").messages == ["Invoice B-1 of 5000 needs an approval."]
    assert "invoice_B-1" not in receive.kv

    execution = waiting.resume(inputs={"approved": True, "by": "Grace"}).wait()
    assert execution.state == "SUCCESS"
    assert execution.logs(task="told").text == "Approved by Grace."
    assert receive.kv["invoice_B-1"] == 5000


def test_refused_invoice_is_not_booked(receive: Flow, send: Send) -> None:
    waiting = send("B-2", 5000).wait(until="PAUSED")
    execution = waiting.resume(inputs={"approved": False, "by": "Grace"}).wait()

    assert execution.state == "FAILED"
    assert "Invoice B-2 was refused by Grace." in execution.logs(task="refuse").text
    assert "invoice_B-2" not in receive.kv


def test_rules_are_read_anew_for_each_invoice(receive: Flow, send: Send) -> None:
    receive.files["rules/limits.json"] = '{"approval_above": 100}'

    assert send("C-1", 250.5).wait(until="PAUSED").state == "PAUSED"


def test_booked_invoices_are_added_up(kestra: Kestra, report: Flow, send: Send) -> None:
    kestra.kv["booked_total"] = 100
    first = send("D-1", 20).wait()
    reported = kestra.wait_for_execution(report, triggered_by=first)

    assert reported.state == "SUCCESS"
    assert reported.inputs["invoice"] == "D-1"
    assert reported.logs(task="report").messages == ["Booked invoice D-1: 20.0, 120.0 in all."]
    assert kestra.kv["booked_total"] == 120


def test_refused_invoice_is_not_reported(kestra: Kestra, report: Flow, send: Send) -> None:
    waiting = send("E-1", 5000).wait(until="PAUSED")
    waiting.resume(inputs={"approved": False, "by": "Grace"}).wait()
    booked = send("E-2", 5).wait()
    kestra.wait_for_execution(report, triggered_by=booked)

    assert [execution.inputs["invoice"] for execution in report.executions()] == ["E-2"]


def test_wrong_key_is_refused(receive: Flow) -> None:
    with pytest.raises(ApiError) as refused:
        receive.trigger("arrived").webhook({"id": "F-1", "amount": 1}, key="guessed")

    assert refused.value.status == 404
    assert receive.executions() == []
