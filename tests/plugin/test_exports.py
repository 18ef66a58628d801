"""What a run leaves for others: files, JUnit properties, GitHub's annotations, the HTML page."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytest_kestra import Server
from tests.plugin.conftest import RunPytest

TESTS = """
    import pytest

    def test_failed(kestra):
        assert kestra.deploy("orders.yaml").run({"count": 7}).state == "SUCCESS"

    def test_fine(kestra):
        assert kestra.deploy("orders.yaml").run().state == "SUCCESS"

    @pytest.mark.skip(reason="not today")
    def test_skipped(kestra):
        pass

    def test_plain():
        pass
"""
WAYS = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one process", "workers"])


@WAYS
def test_artifacts_of_a_failed_test(run_pytest: RunPytest, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    stale = pytester.path / "kept/test_artifacts_of_a_failed_test.py-test_failed/old"
    stale.mkdir(parents=True)
    result = run_pytest(TESTS, "--kestra-artifacts=kept", *workers)

    result.stdout.fnmatch_lines(["Files of its executions: kept/test_artifacts_of_a_failed_test.py-test_failed"])
    (folder,) = (pytester.path / "kept").iterdir()
    (place,) = folder.iterdir()
    assert place.name.startswith("orders-")
    assert sorted(file.name for file in place.iterdir()) == ["diagnosis.txt", "execution.json", "flow.yaml", "logs.txt"]
    data = json.loads((place / "execution.json").read_text())
    assert (data["state"], data["inputs"], data["tasks"][0]["task"]) == ("FAILED", {"count": 7}, "check")
    assert "ERROR check: too many\n" in (place / "logs.txt").read_text()
    assert (place / "diagnosis.txt").read_text().startswith("orders is FAILED: task check failed: too many\n")
    assert (place / "flow.yaml").read_text().startswith("id: orders\nnamespace: company.team.test-failed-")


def test_artifacts_that_cannot_be_written_hide_no_failure(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    (pytester.path / "kept").write_text("a file")
    result = run_pytest(TESTS, "--kestra-artifacts=kept")

    result.assert_outcomes(failed=1, passed=2, skipped=1)
    result.stdout.fnmatch_lines(
        ["E * assert orders is FAILED, not SUCCESS: *", "What is to be kept of the executions cannot be had: *"]
    )


@WAYS
def test_junit_properties(
    run_pytest: RunPytest, pytester: pytest.Pytester, kestra_server: Server, workers: tuple[str, ...]
) -> None:
    run_pytest(TESTS, "--junit-xml=junit.xml", *workers)

    cases = {case.attrib["name"]: case for case in ET.parse(pytester.path / "junit.xml").iter("testcase")}
    found = {
        name: {item.attrib["name"]: item.attrib["value"] for item in case.iter("property")}
        for name, case in cases.items()
    }
    failed = found["test_failed"]
    assert failed["kestra_flow"].startswith("company.team.test-failed-")
    assert failed["kestra_flow"].endswith(".orders")
    assert failed["kestra_state"] == "FAILED"
    assert failed["kestra_url"].startswith(f"{kestra_server.address.url}/ui/main/executions/company.team.test-failed-")
    assert failed["kestra_url"].endswith(f"/orders/{failed['kestra_execution']}")
    assert found["test_fine"]["kestra_state"] == "SUCCESS"
    assert found["test_plain"] == {}


def test_junit_properties_of_a_rerun_are_its_own(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    run_pytest(TESTS, "--junit-xml=junit.xml", "--reruns=1")

    case = next(
        case for case in ET.parse(pytester.path / "junit.xml").iter("testcase") if case.attrib["name"] == "test_failed"
    )
    assert [item.attrib["name"] for item in case.iter("property")].count("kestra_execution") == 1


@WAYS
def test_annotations_on_github(
    run_pytest: RunPytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path.parent))
    folder = pytester.path.name
    (pytester.path / "wrong.yaml").write_text("id: wrong\nnamespace: a.b\ntasks:\n  - id: t\n    type: io.none.Such\n")
    result = run_pytest(
        TESTS
        + """
    def test_value(kestra):
        assert kestra.deploy("orders.yaml").run().task("done").outputs["value"] == "50%"

    def test_wrong(kestra):
        kestra.deploy("wrong.yaml")
""",
        *workers,
    )

    result.stdout.fnmatch_lines_random(
        [
            f"::error file={folder}/orders.yaml,line=6,title=test_annotations_on_github.py%3A%3Atest_failed::"
            "orders is FAILED: task check failed: too many",
            f"::error file={folder}/test_annotations_on_github.py,line=17,"
            "title=test_annotations_on_github.py%3A%3Atest_value::AssertionError: assert '1' == '50%25'",
            f"::error file={folder}/wrong.yaml,line=5,title=test_annotations_on_github.py%3A%3Atest_wrong::*"
            "wrong.yaml:5: *",
        ]
    )


def test_elsewhere_there_are_no_annotations(run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    run_pytest(TESTS).stdout.no_fnmatch_line("*::error*")


def test_colours_where_the_terminal_has_them(run_pytest: RunPytest) -> None:
    red, plain = "\x1b[31m", "\x1b[0m"

    assert f"{red}FAILED{plain} " in run_pytest(TESTS, "--color=yes").stdout.str()
    assert f"  check  {red}FAILED{plain} " in run_pytest(TESTS, "--color=yes", "-n2").stdout.str()
    assert "\x1b" not in run_pytest(TESTS, "--color=no").stdout.str()


def test_less_is_told_with_q_and_more_with_v(run_pytest: RunPytest) -> None:
    told = "orders is FAILED, not SUCCESS: task check failed: too many"
    quiet = run_pytest(TESTS, "-q")
    quiet.stdout.fnmatch_lines([f"E * assert {told}"])
    quiet.stdout.no_fnmatch_line("*- the executions of this test -*")
    quiet.stdout.no_fnmatch_line("Flow: *")

    more = run_pytest(TESTS, "-v")
    more.stdout.fnmatch_lines(["  check * FAILED *", '*"exitCode": 3*', "Logs of what went wrong:"])

    everything = run_pytest(TESTS, "-vv")
    everything.stdout.fnmatch_lines(["E         All logs:", "E           DEBUG check: *"])
    assert "at io.kestra" not in everything.stdout.str()


@WAYS
def test_html_page(run_pytest: RunPytest, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    result = run_pytest(TESTS, "--kestra-html=reports/kestra.html", *workers)

    path = pytester.path / "reports/kestra.html"
    result.stdout.fnmatch_lines([f"*- Kestra report: {path.as_uri()} -*"])
    text = path.read_text()
    assert "too many" in text
    assert "not today" in text
    assert "http://" not in text.replace("http://www.w3.org/", "").replace("http://127.0.0.1", "")


def test_nothing_that_is_left_behind_has_a_secret(
    run_pytest: RunPytest, pytester: pytest.Pytester, kestra_server: Server
) -> None:
    password = kestra_server.address.password or ""
    result = run_pytest(
        """
        FLOW = '''
        id: leak
        namespace: company.team
        inputs:
          - {id: word, type: STRING}
        tasks:
          - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ inputs.word }}"}
          - {id: end, type: io.kestra.plugin.core.execution.Fail, errorMessage: "{{ inputs.word }}"}
        '''

        def test_leak(kestra, kestra_client):
            execution = kestra.deploy(FLOW).run({"word": f"a {kestra_client.address.password} b"})
            assert execution.inputs["word"] == "c"
        """,
        f"--kestra-password={password}",
        *("--kestra-html=page.html", "--kestra-artifacts=kept"),
    )

    result.assert_outcomes(failed=1)
    assert password
    files = [file for file in pytester.path.rglob("*") if file.suffix in (".html", ".txt", ".json")]
    assert len(files) == 4
    assert not [file for file in files if password in file.read_text()]


def test_page_tells_of_a_worker_that_has_crashed(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    run_pytest(
        """
        import os

        def test_crash(kestra):
            kestra.deploy("orders.yaml").run()
            os._exit(3)
        """,
        *("--kestra-html=page.html", "-n2"),
    )

    text = (pytester.path / "page.html").read_text()
    assert "test_crash" in text
    assert "crashed while running" in text


def test_annotation_of_a_rerun_comes_once(run_pytest: RunPytest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = run_pytest(TESTS, "--reruns=2")

    assert result.stdout.str().count("::error file=") == 1


def test_page_that_cannot_be_written_is_told(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    (pytester.path / "file").touch()
    result = run_pytest(TESTS, "--kestra-html=file/page.html")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*! The Kestra report cannot be written to *file/page.html: * !*"])

    (pytester.path / "folder").mkdir()
    result = run_pytest(TESTS, "--kestra-html=folder")
    result.stderr.fnmatch_lines(["ERROR: --kestra-html: */folder is a folder, not a file for the page."])


def test_html_page_of_the_ini_file_and_of_errors(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nkestra_html = page.html\n")
    result = run_pytest(
        """
        import pytest

        @pytest.fixture
        def broken(kestra):
            kestra.deploy("orders.yaml").run()
            raise ValueError("the fixture is broken")

        @pytest.fixture
        def late(kestra):
            yield
            raise ValueError("the end is broken")

        def test_error(broken):
            pass

        def test_late(late):
            pass

        @pytest.mark.xfail(reason="known")
        def test_known(kestra):
            assert kestra.deploy("orders.yaml").run({"count": 7}).state == "SUCCESS"
        """
    )

    result.assert_outcomes(errors=2, passed=1, xfailed=1)
    text = Path("page.html").read_text()
    for word in ("the fixture is broken", "the end is broken", "known", "xfailed"):
        assert word in text


def test_executions_that_are_left_out_are_told(
    run_pytest: RunPytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_kestra.report.exports.MOST", 2)
    result = run_pytest(
        """
        def test_many(kestra):
            flow = kestra.deploy("orders.yaml")
            for count in (7, 1, 2, 3):
                flow.run({"count": count})
            assert False
        """,
        *("--kestra-html=page.html", "--kestra-artifacts=kept"),
    )

    result.stdout.fnmatch_lines(["Files of its executions: kept/* (2 of 4 executions kept, failing first)"])
    assert "2 of 4 executions kept, failing first" in (pytester.path / "page.html").read_text()
    (folder,) = (pytester.path / "kept").iterdir()
    kept = [json.loads(file.read_text()) for file in folder.glob("*/execution.json")]
    assert sorted(one["inputs"]["count"] for one in kept) == [3, 7]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one process", "workers"])
def test_what_cannot_be_collected_is_an_error_of_the_page(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytester.makepyfile(test_a="import nothing_of_this_name", test_b="def test_it(): pass")
    pytester.runpytest_subprocess("--kestra-html=page.html", "--continue-on-collection-errors", *workers)

    text = (pytester.path / "page.html").read_text(encoding="utf-8")
    assert "nothing_of_this_name" in text
    assert "<title>1 error, 1 passed" in text


@pytest.mark.parametrize("option", ["--collect-only", "--fixtures", "-knone-of-them"])
def test_page_of_the_last_run_stays_where_no_test_runs(pytester: pytest.Pytester, option: str) -> None:
    pytester.makepyfile("def test_it(): pass")
    (pytester.path / "page.html").write_text("that of the last run", encoding="utf-8")
    result = pytester.runpytest("--kestra-html=page.html", option)

    result.stdout.no_fnmatch_line("*Kestra report*")
    assert (pytester.path / "page.html").read_text(encoding="utf-8") == "that of the last run"
