"""The guard over the logs of all tests."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import RunPytest

GUARD = "--kestra-fail-on-log-level=WARN"
TESTS = """
    import pytest

    def test_failed(kestra):
        assert kestra.deploy("orders.yaml").run({"count": 7}).state == "FAILED"

    def test_fine(kestra):
        assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
"""


def test_log_that_nobody_expects_fails_the_test(run_pytest: RunPytest) -> None:
    result = run_pytest(TESTS, GUARD)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_failed _*",
            "orders logged ERROR, which this test does not expect: check: too many",
            "  ERROR check: too many",
            "Execution: * in company.team.test-failed-*",
            "Where it is as it should be, mark the test with @pytest.mark.kestra_allow_logs: *",
        ]
    )
    assert "guard.py" not in result.stdout.str()


def test_without_the_option_logs_are_nobodys_business(run_pytest: RunPytest) -> None:
    run_pytest(TESTS).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("mark", "passes"),
    [
        ("kestra_allow_logs", True),
        ('kestra_allow_logs(matching="too many|exit code")', True),
        ('kestra_allow_logs(task="check")', True),
        ('kestra_allow_logs(level="ERROR")', True),
        ('kestra(fail_on_log_level="none")', True),
        ('kestra_allow_logs(matching="too many")', False),
        ('kestra_allow_logs(task="done")', False),
        ('kestra_allow_logs(level="WARN")', False),
    ],
)
def test_marks_lift_it(run_pytest: RunPytest, mark: str, passes: bool) -> None:
    result = run_pytest(TESTS.replace("def test_failed", f"@pytest.mark.{mark}\n    def test_failed"), GUARD)

    result.assert_outcomes(passed=1 + passes, failed=1 - passes)


def test_one_test_may_have_it_alone(run_pytest: RunPytest) -> None:
    mark = '@pytest.mark.kestra(fail_on_log_level="ERROR")\n    def test_failed'

    run_pytest(TESTS.replace("def test_failed", mark)).assert_outcomes(passed=1, failed=1)


def test_executions_that_the_test_has_not_started_count_too(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        PARENT = '''
        id: parent
        namespace: company.team
        tasks:
          - id: child
            type: io.kestra.plugin.core.flow.Subflow
            namespace: company.team
            flowId: orders
            inputs: {count: 7}
            transmitFailed: false
        '''

        def test_parent(kestra):
            kestra.deploy("orders.yaml")
            assert kestra.deploy(PARENT).run().state == "SUCCESS"
        """,
        GUARD,
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["orders logged ERROR, which this test does not expect: check: too many"])


def test_failure_of_the_test_itself_comes_first(run_pytest: RunPytest) -> None:
    result = run_pytest(TESTS.replace('"FAILED"', '"SUCCESS"'), GUARD)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*does not expect*")


def test_wrong_arguments_are_told(run_pytest: RunPytest) -> None:
    result = run_pytest(TESTS.replace("def test_fine", "@pytest.mark.kestra_allow_logs('x')\n    def test_fine"), GUARD)

    result.stdout.fnmatch_lines(["the mark `kestra_allow_logs` of test_fine takes matching=, task=, level=, not 'x'."])

    wrong = "@pytest.mark.kestra_allow_logs(level='WARNING')\n    def test_fine"
    result = run_pytest(TESTS.replace("def test_fine", wrong))
    result.stdout.fnmatch_lines(["the mark `kestra_allow_logs` of test_fine: There is no log level 'WARNING'*"])
