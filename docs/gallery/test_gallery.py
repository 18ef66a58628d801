"""Tests that fail, each in a way that is typical: docs/failures.md shows what pytest tells about them."""

import pytest


def test_value_is_another(kestra):
    """A value is not as expected.

    pytest shows the values, a section what the execution did.
    """
    execution = kestra.deploy("order.yaml").run({"price": 30})
    assert execution.task("total").outputs["value"] == "90"


def test_script_fails(kestra):
    """A script fails.

    The line of the flow's file is found from the traceback.
    """
    execution = kestra.deploy("shares.yaml").run({"numbers": [0, 0]})
    assert execution.state == "SUCCESS"


def test_one_round_of_a_loop_fails(kestra):
    """One round of a loop fails.

    The task run is named with its value.
    """
    execution = kestra.deploy("order.yaml").run({"items": ["book", "piano"]})
    assert execution.state == "SUCCESS"


def test_all_attempts_fail(kestra):
    """All attempts of a retry fail."""
    execution = kestra.deploy("retry.yaml").run()
    assert execution.state == "SUCCESS"


def test_subflow_fails(kestra):
    """A subflow fails.

    The failure is followed to where it began, however deep.
    """
    kestra.deploy("order.yaml")
    assert kestra.deploy("month.yaml").run().state == "SUCCESS"


def test_expression_cannot_be_rendered(kestra):
    """An expression names what is not there.

    It is shown with its line, and with the names that there are.
    """
    assert kestra.deploy("invoice.yaml").run().state == "SUCCESS"


def test_secret_is_missing(kestra):
    """A secret is missing."""
    assert kestra.deploy("token.yaml").run().state == "SUCCESS"


def test_takes_too_long(kestra):
    """An execution takes too long.

    The state it has reached, the task that runs and its last logs are told.
    """
    kestra.deploy("payment.yaml").run(timeout=2)


def test_state_that_can_no_longer_come(kestra):
    """A state can no longer come.

    The wait ends at once, not after the timeout.
    """
    kestra.deploy("order.yaml").run_until("PAUSED")


def test_path_is_another(kestra):
    """Other tasks ran than expected."""
    execution = kestra.deploy("order.yaml").run({"price": 120})
    assert execution.path == ["total", "pack", "wrap[book]", "wrap[lamp]", "thank"]


def test_log_level_is_another(kestra):
    """A log has another level."""
    execution = kestra.deploy("order.yaml").run()
    assert execution.logs(task="thank").levels == {"WARN"}


@pytest.mark.kestra(fail_on_log_level="ERROR")
def test_log_that_nobody_expects(kestra):
    """An error is logged that the test does not expect.

    `--kestra-fail-on-log-level=ERROR` asks for this in all tests.
    """
    kestra.deploy("retry.yaml").run()


def test_limit_refuses(kestra):
    """The concurrency limit refuses an execution."""
    flow = kestra.deploy("order.yaml")
    with flow.saturated() as running:
        second = flow.run()
    assert [run.wait().state for run in running] == ["SUCCESS"]
    assert second.state == "SUCCESS"


def test_limit_behaves_otherwise(kestra):
    """The concurrency limit behaves otherwise than expected.

    The proof has passed, and says what it is a proof of.
    """
    proof = kestra.deploy("order.yaml").assert_concurrency_limit()
    assert proof.behavior == "QUEUE"


def test_trigger_is_disabled(kestra):
    """A trigger is disabled."""
    flow = kestra.deploy("order.yaml")
    assert flow.trigger("nightly").status().enabled


def test_nothing_was_triggered(kestra):
    """No execution was triggered."""
    stock = kestra.deploy("stock.yaml")
    execution = kestra.deploy("order.yaml").run()
    kestra.wait_for_execution(stock, triggered_by=execution, timeout=1)


def test_task_that_there_is_not(kestra):
    """A task is misspelled in the test."""
    execution = kestra.deploy("order.yaml").run()
    assert execution.task("totl").outputs["value"] == "40"


def test_task_did_not_run(kestra):
    """A task did not run.

    Why it did not, is told as far as Kestra has kept it.
    """
    execution = kestra.deploy("delivery.yaml").run()
    assert execution.task("truck").state == "SUCCESS"


def test_output_that_there_is_not(kestra):
    """An output is misspelled in the test."""
    execution = kestra.deploy("order.yaml").run()
    assert execution.task("total").outputs["valu"] == "40"


def test_input_of_another_type(kestra):
    """An input has the wrong type."""
    kestra.deploy("order.yaml").run({"price": "a lot"})


def test_flow_that_kestra_refuses(kestra):
    """Kestra refuses a flow."""
    kestra.deploy("""\
id: typo
namespace: shop
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    mesage: hello
""")


def test_mock_was_never_called(kestra):
    """A mock was never called."""
    flow = kestra.deploy("prices.yaml")
    kestra.mock("fetch", {"body": 21})
    kestra.mock("tell")
    assert flow.run().state == "SUCCESS"


def test_mock_was_called_otherwise(kestra):
    """A mocked task was called with another value than expected."""
    flow = kestra.deploy("prices.yaml")
    kestra.mock("fetch", {"body": 60})
    tell = kestra.mock("tell")
    flow.run()
    tell.assert_called_once_with(method="POST", body="12")


def test_output_that_the_type_has_not(kestra):
    """A mock gives an output that the type of its task does not have."""
    kestra.deploy("prices.yaml")
    kestra.mock("fetch", {"bdy": 21})


@pytest.mark.kestra(strict_mocks=True)
def test_task_would_reach_out(kestra):
    """A task would reach out, and mocks are strict."""
    flow = kestra.deploy("prices.yaml")
    kestra.mock("fetch", {"body": 21})
    flow.run()
