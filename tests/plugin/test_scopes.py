"""What tests share: one `kestra` for a class, a module or a run."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from pytest_kestra import Client
from tests.plugin.conftest import RunPytest

SHARED = """
    import pytest

    @pytest.fixture(scope="module")
    def order(kestra_module):
        return kestra_module.deploy("orders.yaml").run({"count": 3})
"""


@pytest.mark.parametrize("workers", [(), ("-n2", "--dist=loadscope")])
def test_tests_of_a_module_share_an_execution(
    run_pytest: RunPytest, kestra_client: Client, workers: tuple[str, ...]
) -> None:
    result = run_pytest(
        SHARED
        + """
    def test_state(order):
        assert order.state == "SUCCESS"

    def test_task(order, kestra, kestra_module, kestra_session):
        print("shared in", order.namespace)
        assert order.task("done").outputs["value"] == "3"
        assert kestra_module.started == [order.id] and kestra.started == kestra_session.started == []
        spaces = [one.deploy("orders.yaml").namespace for one in (kestra, kestra_module, kestra_session)]
        assert len({*spaces}) == 3 and spaces[1] == order.namespace

    class TestOfOne:
        def test_first(self, kestra_class):
            kestra_class.deploy("orders.yaml").run()

        def test_second(self, kestra_class, order):
            assert len(kestra_class.started) == 1 and kestra_class.started != [order.id]

    def test_without_a_class_has_one_alone(kestra_class):
        assert kestra_class.started == []
    """,
        "-rP",
        *workers,
    )

    result.assert_outcomes(passed=5)
    shared = re.search(r"shared in (\S+)", result.stdout.str())
    assert shared is not None
    assert shared[1].startswith("company.team.test-tests-of-a-module-share-")
    assert kestra_client.flows.search(shared[1]) == []


def test_failure_tells_what_is_shared(run_pytest: RunPytest) -> None:
    result = run_pytest(
        SHARED
        + """
    def test_alone(order):
        assert order.task("done").outputs["value"] == "4"

    def test_beside_its_own(order, kestra):
        own = kestra.deploy("orders.yaml").run()
        assert own.task("done").outputs["value"] == order.task("done").outputs["value"]

    def test_without(kestra_session):
        assert kestra_session is None
    """
    )

    result.assert_outcomes(failed=3)
    file = "test_failure_tells_what_is_shared.py"
    story = ["orders is SUCCESS", "Flow: orders.yaml, *", "  check *", "  done *", 'Inputs: {"count": 3}']
    result.stdout.fnmatch_lines(
        ["*_ test_alone _*", "E * - 4", "*the executions of this test*", *story, f"Run it again: pytest {file} --*"]
    )
    own = ["*_ test_beside_its_own _*", "*the executions of this test*", *story, 'Inputs: {"count": 1}']
    result.stdout.fnmatch_lines([*own, f"Run it again: pytest {file}::test_beside_its_own --*"])
    assert result.stdout.str().count("the executions of this test") == 2


def test_fixture_that_fails_tells_it(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        import pytest

        @pytest.fixture(scope="module")
        def order(kestra_module):
            order = kestra_module.deploy("orders.yaml").run({"count": 3})
            assert order.task("done").outputs["value"] == "4"

        def test_it(order):
            pass
        """
    )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the executions of this test*", "orders is SUCCESS", 'Inputs: {"count": 3}'])


def test_files_have_it_once_and_with_each_failure(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    run_pytest(
        SHARED
        + """
    def test_first(order):
        pass

    def test_second(order):
        pass

    def test_fails(order):
        assert order.state == "FAILED"
    """,
        "--junit-xml=junit.xml",
        "--kestra-artifacts=left",
    )

    found = {
        case.get("name"): [one.get("value") for one in case.iter("property") if one.get("name") == "kestra_execution"]
        for case in ET.parse(pytester.path / "junit.xml").iter("testcase")
    }
    shared = found["test_first"]
    assert len(shared) == 1
    assert found == {"test_first": shared, "test_second": [], "test_fails": shared}
    assert [path.parent.name for path in (pytester.path / "left").rglob("execution.json")] == [f"orders-{shared[0]}"]


def test_guard_looks_at_it_for_each_test_that_does_not_expect_its_logs(run_pytest: RunPytest) -> None:
    result = run_pytest(
        SHARED.replace('{"count": 3}', '{"count": 7}')
        + """
    @pytest.mark.kestra_allow_logs(matching="too many")
    @pytest.mark.kestra_allow_logs(matching="exit code 3")
    def test_expected(order):
        pass

    def test_not(order):
        pass

    def test_without():
        pass
    """,
        "--kestra-fail-on-log-level=ERROR",
    )

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["orders logged ERROR, which this test does not expect: check: too many"])


MOCKS = """
    import pytest

    @pytest.fixture(scope="module")
    def orders(kestra_module):
        kestra_module.mock("check")
        return kestra_module.deploy("orders.yaml")

    def test_first(orders):
        pass

    def test_second(orders):
        %s
"""


@pytest.mark.parametrize(
    ("last", "outcomes"),
    [
        ("orders.run()", {"passed": 2}),
        ("pass", {"passed": 2, "errors": 1}),
        ("assert False", {"passed": 1, "failed": 1}),
    ],
)
def test_mock_has_to_be_called_by_one_of_the_tests(run_pytest: RunPytest, last: str, outcomes: dict[str, int]) -> None:
    result = run_pytest(MOCKS % last)

    result.assert_outcomes(**outcomes)
    if "errors" in outcomes:
        result.stdout.fnmatch_lines(["*_ ERROR at teardown of test_second _*", "*check*never called*"])


@pytest.mark.parametrize(("fails", "kept"), [("test_first", True), ("test_second", True), ("nothing", False)])
def test_it_is_kept_where_one_of_the_tests_has_failed(
    run_pytest: RunPytest, kestra_client: Client, fails: str, kept: bool
) -> None:
    result = run_pytest(
        SHARED
        + f"""
    def test_first(order):
        print("shared in", order.namespace)
        assert "test_first" != "{fails}"

    def test_second(order):
        assert "test_second" != "{fails}"
    """,
        "--kestra-keep=failed",
        "-rP",
    )
    shared = re.search(r"shared in (\S+)", result.stdout.str())
    assert shared is not None
    flows = kestra_client.flows.search(shared[1])
    for flow in flows:
        kestra_client.flows.delete(flow.namespace, flow.id)

    assert [flow.id for flow in flows] == (["orders"] if kept else [])


def test_marks_of_the_module_count(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        import pytest

        pytestmark = pytest.mark.kestra(timeout=7)

        def test_it(kestra_module, kestra_session):
            assert (kestra_module.timeout, kestra_session.timeout) == (7, 60)
        """
    )

    result.assert_outcomes(passed=1)


def test_what_the_module_requires_is_asked_before_anything_is_run(run_pytest: RunPytest) -> None:
    result = run_pytest(
        SHARED.replace("import pytest", 'import pytest\n\n    pytestmark = pytest.mark.kestra_requires(version=">=9")')
        + """
    def test_first(order):
        pass

    def test_second(order):
        pass
    """,
        "-rs",
    )

    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED * needs Kestra >=9, and the server is *"])


def test_secrets_of_what_is_shared_are_masked(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    pytester.makefile(
        ".yaml",
        secret="""
        id: secret
        namespace: company.team
        inputs: [{id: token, type: SECRET}]
        tasks: [{id: check, type: io.kestra.plugin.core.debug.Return, format: done}]
        """,
    )
    result = run_pytest(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared(kestra_module):
            return kestra_module.deploy("secret.yaml").run({"token": "quite-secret"})

        def test_it(shared):
            print("it is quite-secret")
            assert "quite-secret" == "another"
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["it is *[*]*", "*the executions of this test*"])
    result.stdout.no_fnmatch_line("* is quite-secret")
