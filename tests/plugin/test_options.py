"""Options, marks, fixtures that are overridden, and servers that cannot be had."""

from __future__ import annotations

import json

import pytest

from pytest_kestra import Server
from tests.plugin.conftest import RunPytest
from tests.unit.conftest import Stub, stub

__all__ = ["stub"]

USES_KESTRA = """
    def test_it(kestra):
        pass
"""


def test_header_tells_what_is_set(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_KESTRA_TOKEN", "t0ken")
    pytester.makeini("[pytest]\nkestra_timeout = 7\n")
    result = pytester.runpytest("--kestra-keep=all")

    result.stdout.fnmatch_lines(["kestra: server=auto, version=1.3, timeout=7.0, keep=all"])
    assert "t0ken" not in result.stdout.str()


@pytest.mark.parametrize(
    ("table", "version"),
    [("tool.pytest", '"1.3"'), ("tool.pytest", '["1.3"]'), ("tool.pytest.ini_options", '["1.3"]')],
)
def test_values_in_toml_have_its_types(pytester: pytest.Pytester, table: str, version: str) -> None:
    if table == "tool.pytest" and pytest.version_tuple < (9,):
        pytest.skip("pytest 9 brought this table")
    text = f"[{table}]\nkestra_timeout = 7\nkestra_reuse = true\nkestra_version = {version}\n"
    pytester.makepyprojecttoml(f'{text}kestra_side_effects = ["a.*", "!a.b"]\n')
    result = pytester.runpytest("-W", "error")

    result.stdout.fnmatch_lines(["kestra: server=auto, version=1.3, timeout=7.0, reuse=True, side_effects=a.[*] !a.b"])


def test_wrong_value_in_toml(pytester: pytest.Pytester) -> None:
    if pytest.version_tuple < (9,):
        pytest.skip("pytest 9 brought this table")
    pytester.makepyprojecttoml("[tool.pytest]\nkestra_timeout = -1\n")
    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: kestra_timeout in the ini file: '-1' is not a number of seconds above 0, *"])


def test_wrong_value_ends_the_run_before_it_begins(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--kestra-timeout=soon")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --kestra-timeout: 'soon' is not a number of seconds above 0, such as *"])


def test_marks_are_registered(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--markers").stdout.fnmatch_lines(
        [
            "@pytest.mark.kestra(timeout=, isolation=, keep=, fail_on_log_level=, strict_mocks=): *",
            "@pytest.mark.kestra_requires(version=, capability=): *",
        ]
    )


def test_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest("--fixtures").stdout.str()

    for name in ("", "_client", "_server", "_settings", "_server_config", "_secrets", "_plugins"):
        assert f"\nkestra{name} " in text


def test_run_without_kestra_starts_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            assert not {"httpx", "yaml", "filelock", "jpype", "starlette"} & set(sys.modules)
    """)

    pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:anyio").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (
            "kestra(timeot=3)",
            "the mark `kestra` of test_it takes timeout=, isolation=, keep=, fail_on_log_level=, strict_mocks=, not timeot.",  # noqa: E501
        ),
        (
            "kestra(3)",
            "the mark `kestra` of test_it takes timeout=, isolation=, keep=, fail_on_log_level=, strict_mocks=, not 3.",
        ),
        ("kestra(timeout='soon')", "the mark `kestra` of test_it: 'soon' is not a number of seconds above 0, *"),
        ("kestra_requires(version='new')", "the mark `kestra_requires` of test_it: 'new' is not a range of versions *"),
        (
            "kestra_requires(versoin='>1')",
            "the mark `kestra_requires` of test_it takes version=, capability=, not versoin.",
        ),
        (
            "kestra_requires(capability='docker')",
            "the mark `kestra_requires` of test_it: there is no capability 'docker'*",
        ),
    ],
)
def test_wrong_mark_is_told_in_a_sentence(run_pytest: RunPytest, mark: str, message: str) -> None:
    result = run_pytest(f"""
        import pytest

        @pytest.mark.{mark}
        def test_it(kestra):
            pass
    """)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    assert "fixtures.py" not in result.stdout.str()


def test_requirements_skip_with_their_reason(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        import pytest

        @pytest.mark.kestra_requires(version=">=1.3,<2")
        def test_runs(kestra):
            pass

        @pytest.mark.kestra_requires(version=">=2")
        def test_newer(kestra):
            pass

        @pytest.mark.kestra_requires(capability="embedded")
        def test_embedded(kestra):
            pass

        @pytest.fixture
        def needs():
            raise AssertionError("not on this server")

        @pytest.mark.kestra_requires(version=">=2")
        def test_client(kestra_client, needs):
            pass

        @pytest.mark.kestra_requires(version=">=2")
        def test_of_something_else():
            pass
        """,
        "-rs",
    )

    result.assert_outcomes(passed=2, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED * needs Kestra >=2, and the server is 1.3.*",
            "SKIPPED * needs a server with the capability 'embedded', and this one has: mocks, pages",
        ]
    )


@pytest.mark.parametrize(("keep", "kept"), [("no", False), ("failed", True), ("all", True)])
def test_what_is_kept_is_said(run_pytest: RunPytest, keep: str, kept: bool) -> None:
    result = run_pytest(
        """
        def test_it(kestra):
            kestra.deploy("orders.yaml").run()
            assert False
        """,
        f"--kestra-keep={keep}",
    )

    assert ("kept: flows and executions below …test-it-" in result.stdout.str()) is kept


def test_settings_can_be_overridden_in_a_conftest(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def kestra_settings(kestra_settings):
            return kestra_settings.override({"timeout": 2}, "conftest.py")
    """)
    result = run_pytest("""
        def test_it(kestra):
            kestra.deploy("slow.yaml").run()
    """)

    result.stdout.fnmatch_lines(["E       pytest_kestra.errors.WaitTimeout: slow was still RUNNING* after 2 s"])


def test_server_that_is_not_there(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_KESTRA)
    result = pytester.runpytest("--kestra-server=http://127.0.0.1:9")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "No Kestra server answers at http://127.0.0.1:9: the connection was refused.",
            "Start it, give another address with --kestra-server, or use --kestra-server=embedded.",
        ]
    )
    for unwanted in ("Traceback", "fixtures.py", "During handling of the above exception"):
        assert unwanted not in result.stdout.str()


def test_wrong_password(pytester: pytest.Pytester, kestra_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_KESTRA_USER", "ada")
    monkeypatch.setenv("PYTEST_KESTRA_PASSWORD", "wr0ng")
    pytester.makepyfile(USES_KESTRA)
    result = pytester.runpytest(f"--kestra-server={kestra_server.address.url}")

    result.stdout.fnmatch_lines(
        [
            "The Kestra server at http://127.0.0.1:* refused user 'ada' (401).",
            "Set the credentials in PYTEST_KESTRA_USER and PYTEST_KESTRA_PASSWORD, or PYTEST_KESTRA_TOKEN.",
        ]
    )
    assert "wr0ng" not in result.stdout.str()


def test_what_answers_is_not_kestra(pytester: pytest.Pytester, stub: Stub) -> None:
    stub.on("GET", "/api/v1/configs", json.dumps(["something else"]))
    pytester.makepyfile(USES_KESTRA)
    result = pytester.runpytest(f"--kestra-server={stub.url}")

    result.stdout.fnmatch_lines(
        ["What answers at http://127.0.0.1:* is not Kestra: /api/v1/configs gave application/json *"]
    )


def test_prefix_and_no_isolation_are_a_contradiction(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        import pytest

        @pytest.mark.kestra(isolation="none")
        def test_it(kestra):
            pass
        """,
        "--kestra-prefix=ci.tests",
    )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "isolation=none (the mark `kestra` of test_it) deploys flows where they say, but prefix=ci.tests "
            "(--kestra-prefix) wants them below it: leave one of them out."
        ]
    )


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_fixtures_without_effect_are_told_once(
    run_pytest: RunPytest, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def kestra_secrets():
            return {"API_KEY": "s3cret"}

        @pytest.fixture(scope="session")
        def kestra_server_config():
            return {"kestra": {}}
    """)
    result = run_pytest(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(kestra, number):
            pass

        @pytest.mark.kestra_requires(capability="secrets")
        def test_with_secrets(kestra):
            pass
        """,
        "-Werror",
        "-rs",
        *workers,
    )

    result.assert_outcomes(passed=4, skipped=1, warnings=2 if workers else 1)
    text = result.stdout.str()
    assert (
        text.count("kestra_secrets and kestra_server_config do nothing on a server that this run has not started") == 1
    )
    assert "s3cret" not in text


def test_leftovers_that_cannot_be_removed_are_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import os

        def test_it():
            os._exit(3)
    """)
    result = pytester.runpytest_subprocess("--kestra-server=http://127.0.0.1:9", "-n1")

    result.stderr.fnmatch_lines(["kestra: what the run has left could not be removed: No Kestra server answers at *"])


def test_version_that_there_is_not(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_KESTRA)
    result = pytester.runpytest("--kestra-server=embedded", "--kestra-version=0.9")

    result.stdout.fnmatch_lines(["The embedded engine has no Kestra 0.9; it has: 1.3.31, 2.0.0. Choose one of these*"])


def test_failure_without_a_terminal(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): assert False")
    result = pytester.runpytest_subprocess("-p", "no:terminal", "--junitxml=junit.xml")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert 'errors="0" failures="1"' in (pytester.path / "junit.xml").read_text(encoding="utf-8")


def test_version_of_a_test_that_is_none_for_each(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import unittest
        import pytest

        class TestOld(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def version(self, request):
                self.version = request.getfixturevalue("kestra_version")
                self.settings = request.getfixturevalue("kestra_settings")

            def test_it(self):
                assert (self.version, self.settings.version) == ("1.3", "1.3")
    """)
    pytester.runpytest("--kestra-version=1.3", "--kestra-version=2.0").assert_outcomes(passed=1)
