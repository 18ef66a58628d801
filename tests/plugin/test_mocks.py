"""Mocks as a run tells them."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import RunPytest

FETCH = """
FLOW = '''
id: shop
namespace: company.shop
tasks:
  - id: fetch
    type: io.kestra.plugin.core.http.Request
    uri: http://nowhere.invalid/
  - id: told
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.fetch.body ?? '' }}"
'''
"""


def test_mock_that_is_never_called_fails_the_test(run_pytest: RunPytest) -> None:
    result = run_pytest(
        FETCH
        + """
def test_unused(kestra):
    kestra.mock("fetch", {"body": "x"})
    kestra.deploy(FLOW)

def test_may_be_unused(kestra):
    kestra.mock("fetch", {"body": "x"}, required=False)
    kestra.deploy(FLOW)

def test_failure_comes_first(kestra):
    kestra.mock("fetch", {"body": "x"})
    assert kestra.deploy(FLOW) is None
"""
    )

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*_ test_unused _*",
            "test_*.py:*: the mock of 'fetch' was never called: the task did not run.",
            "Remove it, or say required=False where it may be unused.",
            "*_ test_failure_comes_first _*",
            "E       assert * is None",
        ]
    )
    # Not of the test that has failed before; once more in a summary that is wide enough.
    assert result.stdout.str().count("the mock of 'fetch' was never called: the task did not run.") == 1
    assert "mocks.py" not in result.stdout.str().replace("test_mocks.py", "")


STRICT = """
import pytest

def test_unmocked(kestra):
    kestra.deploy(FLOW).run()

def test_mocked(kestra):
    kestra.mock("fetch", {"body": "x"})
    assert kestra.deploy(FLOW).run().state == "SUCCESS"

@pytest.mark.kestra(strict_mocks=False)
def test_lifted(kestra):
    assert kestra.deploy(FLOW.replace("http.Request", "debug.Return").replace("uri", "format")).run().state == "SUCCESS"
"""


@pytest.mark.parametrize("arguments", [["--kestra-strict-mocks"], ["--kestra-strict-mocks", "-n2"]], ids=["", "n2"])
def test_strict_mocks(run_pytest: RunPytest, arguments: list[str]) -> None:
    result = run_pytest(FETCH + STRICT, *arguments)

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * shop was not run: with strict mocks, each task that reaches out has a mock. These have none:",
            "E *   <text>:5: fetch (io.kestra.plugin.core.http.Request)",
            'E * Mock them, as with kestra.mock("fetch", outputs={…}), or leave their type out of kestra_side_effects.',
        ]
    )


def test_strict_mocks_of_one_test_with_types_of_ones_own(run_pytest: RunPytest) -> None:
    result = run_pytest(
        FETCH
        + """
import pytest

@pytest.mark.kestra(strict_mocks=True)
def test_logs_are_forbidden(kestra):
    kestra.mock("fetch", {"body": "x"}, required=False)
    kestra.deploy(FLOW).run()
""",
        "--kestra-side-effects=io.kestra.plugin.core.log.*",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *   <text>:8: told (io.kestra.plugin.core.log.Log)"])


def test_patterns_that_are_none(run_pytest: RunPytest) -> None:
    result = run_pytest(FETCH, "--kestra-side-effects=io/kestra")

    result.stderr.fnmatch_lines(["*--kestra-side-effects*types of tasks, or patterns such as io.kestra.plugin.jdbc.*"])
