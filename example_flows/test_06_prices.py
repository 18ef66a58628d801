"""The flow that reaches out: nothing of what it calls is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kestra import Call, Kestra, Mock, MockError

pytestmark = [pytest.mark.kestra(strict_mocks=True), pytest.mark.kestra_requires(capability="mocks")]
PRICES = json.dumps({"A-1": 4.5, "A-2": 12})


@pytest.fixture
def store(kestra: Kestra) -> Mock:
    """Mock the shop."""
    return kestra.mock("store", {"code": 204}, required=False)


@pytest.fixture
def alert(kestra: Kestra) -> Mock:
    """Mock the alert."""
    return kestra.mock("alert", required=False)


def test_stores_every_price(kestra: Kestra, flows: Path, store: Mock, alert: Mock) -> None:
    fetch = kestra.mock("fetch", {"code": 200, "body": PRICES})
    execution = kestra.deploy(flows / "06_prices.yaml").run(inputs={"supplier": "globex"})

    assert execution.state == "SUCCESS"
    assert execution.logs(task="tell").messages == ["globex: 2 prices"]
    fetch.assert_called_once_with(uri="https://prices.supplier.invalid/globex/prices")
    assert {(call.value, call.properties["uri"], call.properties["body"]) for call in store.calls} == {
        ("A-1", "https://shop.invalid/articles/A-1", "4.5"),
        ("A-2", "https://shop.invalid/articles/A-2", "12"),
    }
    alert.assert_not_called()


def test_supplier_that_answers_late_is_asked_again(kestra: Kestra, flows: Path, store: Mock, alert: Mock) -> None:
    fetch = kestra.mock("fetch", side_effect=[ConnectionError("no host"), "FAILED", {"body": PRICES}])
    execution = kestra.deploy(flows / "06_prices.yaml").run()

    assert execution.state == "SUCCESS"
    assert [call.attempt for call in fetch.calls] == [1, 2, 3]
    assert store.call_count == 2
    alert.assert_not_called()


def test_alert_where_there_are_no_prices(kestra: Kestra, flows: Path, store: Mock, alert: Mock) -> None:
    def answer(call: Call) -> None:
        raise TimeoutError(f"{call.properties['uri']} does not answer")

    kestra.mock("fetch", side_effect=answer)
    execution = kestra.deploy(flows / "06_prices.yaml").run()

    assert execution.state == "FAILED"
    alert.assert_called_once_with(method="POST", body="acme has no prices")
    store.assert_not_called()


def test_strict_mocks_do_not_let_it_reach_out(kestra: Kestra, flows: Path) -> None:
    flow = kestra.deploy(flows / "06_prices.yaml")

    with pytest.raises(MockError, match=r"fetch .*\n.*store .*\n.*alert "):
        flow.run()
