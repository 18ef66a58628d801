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
            "Logged by: check (orders.yaml:6)",
            "Flow: orders.yaml, revision 1: CREATED > RUNNING > FAILED in * s",
            "  check  FAILED * s",
            "Logs that this test does not expect:",
            "  ERROR check: too many",
            'Inputs: {"count": 7}',
            "Execution: *company.team.test-failed-*",
            "Where it is as it should be, mark the test with @pytest.mark.kestra_allow_logs: *",
            "Run it again: pytest test_log_that_nobody_expects_fails_the_test.py::test_failed "
            f"--kestra-server=http://127.0.0.1:* {GUARD}",
        ]
    )
    assert "guard.py" not in result.stdout.str()


def test_less_is_told_with_q(run_pytest: RunPytest) -> None:
    result = run_pytest(TESTS, GUARD, "-q")

    result.stdout.fnmatch_lines(
        ["orders logged ERROR, which this test does not expect: *", "  ERROR check: too many", "Execution: *"]
    )
    result.stdout.no_fnmatch_line("Flow: *")


def test_other_executions_and_more_logs_are_named(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        FLOW = '''
        id: loud
        namespace: company.team
        tasks:
          - id: each
            type: io.kestra.plugin.core.flow.ForEach
            values: [1, 2, 3, 4, 5, 6, 7]
            tasks: [{id: cry, type: io.kestra.plugin.core.log.Log, message: "no {{ taskrun.value }}", level: WARN}]
        '''

        def test_it(kestra):
            for _ in range(2):
                kestra.deploy(FLOW).run()
        """,
        GUARD,
    )

    result.stdout.fnmatch_lines(["Logged by: cry (<text>:8)", "  … 2 earlier ones", "So did: loud (*)"])


@pytest.mark.parametrize(("task", "told"), [("chek", "; did you mean 'check'?"), ("else", ".")])
def test_mark_that_names_no_task_of_the_test_is_told(run_pytest: RunPytest, task: str, told: str) -> None:
    mark = f'@pytest.mark.kestra_allow_logs(task="{task}")\n    def test_failed'
    result = run_pytest(TESTS.replace("def test_failed", mark), GUARD)

    named = f"The mark kestra_allow_logs names the task '{task}', which no flow of this test has{told}"
    result.stdout.fnmatch_lines([f"{named} It has: check, done."])


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
