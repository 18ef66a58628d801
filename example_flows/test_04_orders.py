"""The orders flow: its branches, its retries, its error path and the subflow it calls for each order."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra import Flow, Kestra


@pytest.fixture
def orders(kestra: Kestra, flows: Path) -> Flow:
    """Deploy the folder of both flows and return the parent."""
    _, parent = kestra.deploy_folder(flows / "04_orders")
    return parent


def test_charges_every_order(orders: Flow) -> None:
    execution = orders.run()

    assert execution.state == "SUCCESS"
    assert execution.outputs["orders"] == 2
    charges = execution.tasks("charge")
    assert [charge.outputs["outputs"]["receipt"] for charge in charges] == ["A-1: 40.0", "A-2: 144.0"]


def test_each_charge_is_a_child_execution(orders: Flow) -> None:
    execution = orders.run(inputs={"orders": [{"id": "X-9", "amount": 80}]})

    (child,) = execution.children()
    assert (child.flow_id, child.state) == ("charge_order", "SUCCESS")
    assert child.inputs == {"order_id": "X-9", "amount": 80.0}
    assert child.outputs["charged"] == 80.0


@pytest.mark.parametrize(
    ("carrier", "task", "text"),
    [
        ("courier", "call_courier", "courier called for 2 orders"),
        ("post", "print_labels", "2 labels printed"),
        ("pickup", "hold_for_pickup", "2 orders held"),
    ],
)
def test_ships_as_asked(orders: Flow, carrier: str, task: str, text: str) -> None:
    execution = orders.run(inputs={"carrier": carrier})

    assert execution.state == "SUCCESS"
    assert execution.task(task).outputs["value"] == text
    assert execution.path.only("call_courier", "print_labels", "hold_for_pickup") == [task]


def test_takes_its_path(orders: Flow) -> None:
    path = orders.run().path

    assert path.counts["charge"] == 2
    ends = ["ship", "print_labels", "tell", {"tell_customers", "tell_warehouse"}]
    assert [*path.only("check_stock", "ask_stock", "charge_each")] == ["check_stock", "ask_stock", "charge_each"]
    assert path.only("ship", "print_labels", "tell", "tell_customers", "tell_warehouse") == ends


def test_tells_customers_and_warehouse(orders: Flow) -> None:
    execution = orders.run(inputs={"carrier": "courier"})

    assert execution.logs(task="tell_customers").levels == {"INFO"}
    assert execution.logs(task="tell_warehouse", level="WARN").messages == ["shipping by courier"]


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (1, 2), (2, 3)])
def test_asks_the_stock_again_until_it_answers(orders: Flow, failures: int, attempts: int) -> None:
    execution = orders.run(inputs={"failures_before_stock_answers": failures})

    assert execution.state == "SUCCESS"
    asked = execution.task("ask_stock")
    assert [attempt.state for attempt in asked.attempts] == ["FAILED"] * failures + ["SUCCESS"]
    assert len(asked.attempts) == attempts


def test_gives_up_after_three_attempts(orders: Flow) -> None:
    execution = orders.run(inputs={"failures_before_stock_answers": 3})

    assert execution.state == "FAILED"
    assert [attempt.state for attempt in execution.task("ask_stock").attempts] == ["FAILED"] * 3
    assert "the stock does not answer" in execution.logs(task="ask_stock").text
    assert execution.task("alert").state == "SUCCESS"


def test_no_orders_is_an_error(orders: Flow) -> None:
    execution = orders.run(inputs={"orders": []})

    assert execution.state == "FAILED"
    assert execution.task("no_orders").state == "FAILED"
    assert execution.logs(task="alert", matching=r"failed in no_orders").levels == {"ERROR"}
    assert not execution.tasks("charge")


def test_order_above_the_limit_fails_the_batch(orders: Flow) -> None:
    execution = orders.run(inputs={"orders": [{"id": "B-1", "amount": 20}, {"id": "B-2", "amount": 2000}]})

    assert execution.state == "FAILED"
    states = {child.inputs["order_id"]: child.state for child in execution.children()}
    assert states == {"B-1": "SUCCESS", "B-2": "FAILED"}
    (failed,) = (child for child in execution.children() if child.state == "FAILED")
    assert "Order B-2 is above the limit of 1000." in failed.logs(task="refuse").text
    assert "ship" in execution.skipped
    assert execution.task("alert").state == "SUCCESS"
