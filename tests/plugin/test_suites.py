"""Unit-test suites as tests: each good one passes, and each has a twin that fails with the words in its first lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_kestra import Kestra, Server, cli
from tests.plugin.conftest import RunPytest
from tests.suites import SUITES, TWINS, missing_words

INI = """
[pytest]
markers =
    slow
    suites
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """Return a project with the flows of the suites."""
    pytester.makefile(".ini", pytest=INI)
    shutil.copytree(SUITES / "flows", pytester.path / "flows")
    return pytester.path


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["", "n2"])
def test_good_suites_pass(run_pytest: RunPytest, project: Path, workers: list[str]) -> None:
    shutil.copytree(SUITES / "good", project / "tests")
    result = run_pytest("", "tests", *workers)

    result.assert_outcomes(passed=32, skipped=1)


def test_each_has_its_twin() -> None:
    assert sorted(path.stem for path in (SUITES / "good").glob("*.yaml")) == TWINS
    assert len(TWINS) >= 12


def test_twins_fail_with_their_words(run_pytest: RunPytest, project: Path) -> None:
    shutil.copytree(SUITES / "twins", project / "tests")
    result = run_pytest("", "tests")

    assert missing_words(result.stdout.str()) == set()
    assert "passed" not in result.stdout.lines[-1]
    assert "error" not in result.stdout.lines[-1]


@pytest.fixture
def without_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server be one that knows no suites, such as an open-source one in a container."""
    monkeypatch.setattr("pytest_kestra.client.suites.Suites.served", lambda _: False)


@pytest.mark.usefixtures("without_api")
def test_same_verdicts_without_the_api(run_pytest: RunPytest, project: Path) -> None:
    shutil.copytree(SUITES / "good", project / "good")
    shutil.copytree(SUITES / "twins", project / "twins")
    result = run_pytest("", "good", "-rs")

    # One is disabled, one has a trigger.
    result.assert_outcomes(passed=31, skipped=2)
    result.stdout.fnmatch_lines(["*without it an execution cannot be given a `trigger`*"])
    twins = run_pytest("", "twins")
    assert set(twins.parseoutcomes()) == {"failed"}


def test_failure_tells_the_whole(run_pytest: RunPytest, project: Path) -> None:
    shutil.copy(SUITES / "twins" / "equality.yaml", project / "equality.yaml")
    result = run_pytest("", "equality.yaml")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*_ equalTo _*",
            "equalTo: 1 of 1 assertions failed: expected '{{ outputs.price.value }}' to equal '43' but was '42'",
            "Suite: equality.yaml:7, equality-twin of the flow shop",
            "  FAILED equalTo: {{ outputs.price.value }}",
            "    expected '{{ outputs.price.value }}' to equal '43' but was '42'",
            "    expected: '43'",
            "    actual:   '42'",
            "Flow: flows/shop.yaml, revision 1: CREATED > RUNNING > SUCCESS in * s",
            "  fetch * SUCCESS *",
            "Execution: *",
            "Run it again: pytest equality.yaml::equalTo --kestra-server=http://127.0.0.1:*",
        ]
    )
    assert "items.py" not in result.stdout.str()


def test_broken_suites_do_not_stop_others(run_pytest: RunPytest, project: Path) -> None:
    good = (SUITES / "good" / "equality.yaml").read_text()
    (project / "good.yaml").write_text(good)
    broken = {
        "key": good.replace("equalTo:", "equalsTo:", 1),
        "yaml": good + "\n - [",
        "flow": good.replace("flowId: shop", "flowId: shp"),
        "none": good.replace(", equalTo: '42'", ""),
        "kind": good.replace("flow.UnitTest", "flow.Test", 1),
        "twice": good.replace("id: notEqualTo", "id: equalTo"),
        "state": good.replace("{id: store}", "{id: store, state: DONE}", 1),
        "lacks": good.replace("namespace: company.suites\n", ""),
        "cases": good.replace("testCases:", "test_cases:"),
        "flow_id": good.replace("flowId:", "flow_id:"),
    }
    for name, text in broken.items():
        (project / f"{name}.yaml").write_text(text)
    result = run_pytest("")

    # The one without its flow has two cases.
    result.assert_outcomes(passed=2, failed=len(broken) + 1)
    result.stdout.fnmatch_lines_random(
        [
            "key.yaml:10: `testCases[[]0].assertions[[]0]` has no key 'equalsTo'; did you mean 'equalTo'? It has: *",
            "yaml.yaml:* this is not YAML: *",
            "flow.yaml:3: there is no flow company.suites.shp below *; did you mean 'company.suites.shop'? *",
            "none.yaml:10: `testCases[[]0].assertions[[]0]` has no operator; it takes one or more of isNull, *",
            "kind.yaml:6: `testCases[[]0].type` is 'io.kestra.core.tests.flow.Test'; it has to be *UnitTest'.",
            "twice.yaml:11: the case 'equalTo' is there twice, first in line 5.",
            "state.yaml:8: `testCases[[]0].fixtures.tasks[[]1].state` is 'DONE'. It has: SUCCESS, *",
            "lacks.yaml:1: the suite lacks the key 'namespace'.",
            "cases.yaml:4: the suite has no key 'test_cases'; did you mean 'testCases'? It has: *",
            "flow_id.yaml:3: the suite has no key 'flow_id'; did you mean 'flowId'? It has: *",
        ]
    )


def test_flow_that_is_there_twice(run_pytest: RunPytest, project: Path) -> None:
    shutil.copy(SUITES / "good" / "equality.yaml", project / "equality.yaml")
    shutil.copytree(project / "flows", project / "copy")
    twice = "the flow company.suites.shop is there more than once, in copy/shop.yaml and flows/shop.yaml."
    run_pytest("").stdout.fnmatch_lines([f"equality.yaml:3: {twice}"])
    run_pytest("", "--kestra-flow-folders=flows").assert_outcomes(passed=2)


def test_marks_and_names_choose_cases(run_pytest: RunPytest, project: Path) -> None:
    shutil.copytree(SUITES / "good", project / "tests")
    result = run_pytest("", "tests", "-m", "slow", "-v")

    result.assert_outcomes(passed=3, deselected=30)
    result.stdout.fnmatch_lines(["tests/parametrize.yaml::runs[[]two] PASSED *"])
    run_pytest("", "tests", "-k", "runs and fails").assert_outcomes(passed=1, deselected=32)


def test_recorded_execution_is_a_suite(
    run_pytest: RunPytest, project: Path, kestra: Kestra, kestra_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {"body": "42 {{ b }} {% c %} {# d", "code": 200, "uri": "kestra:///a/file"}
    kestra.mock("fetch", side_effect=lambda _: answer)
    kestra.mock("store", side_effect=["FAILED", "FAILED", None])
    flow = kestra.deploy(project / "flows" / "shop.yaml")
    execution = flow.run({"count": 7})
    arguments = ["record", execution.id, f"--server={kestra_server.address.url}"]

    assert cli.main([*arguments, f"--output={project / 'shop_tests.yaml'}"]) == 0

    text = (project / "shop_tests.yaml").read_text(encoding="utf-8")
    assert "# Left out, as it is a secret or a file of that execution: the output of fetch 'uri'." in text
    assert "count: 7" in text
    assert flow.namespace not in text
    run_pytest("").assert_outcomes(passed=1)
    assert cli.main(arguments) == 0
    assert text in capsys.readouterr().out
    assert cli.main([*arguments, f"--output={project / 'shop_tests.yaml'}"]) == 1
    assert "is there already" in capsys.readouterr().err


def test_recorded_execution_with_a_pause_and_a_subflow_is_a_suite(
    run_pytest: RunPytest, project: Path, kestra: Kestra, kestra_server: Server
) -> None:
    _, flow = (kestra.deploy(project / "flows" / f"{name}.yaml") for name in ("child", "parent"))
    execution = flow.start({"who": "Ada"}).wait("PAUSED").resume().wait()
    for recorded in (execution, *execution.children()):
        output = project / f"{recorded.flow_id}_tests.yaml"
        assert cli.main(["record", recorded.id, f"--server={kestra_server.address.url}", f"--output={output}"]) == 0

    text = (project / "parent_tests.yaml").read_text(encoding="utf-8")
    assert "outputs.call.executionId" not in text
    assert "value: '{{ outputs.call.outputs.said }}'\n    equalTo: hello\n" in text
    assert "- id: wait\n" in text
    text = (project / "child_tests.yaml").read_text(encoding="utf-8")
    assert "value: '{{ execution.outputs.said }}'\n    equalTo: hello\n" in text
    run_pytest("").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--server=embedded"], "Which server has the execution? Give its address: --server=http://localhost:8080."),
        (["--server={url}"], "There is no execution 'none' at {url}."),
    ],
)
def test_execution_that_cannot_be_recorded(
    arguments: list[str],
    message: str,
    run_pytest: RunPytest,
    kestra_server: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del run_pytest  # which sets the credentials
    url = kestra_server.address.url
    assert cli.main(["record", "none", *(argument.format(url=url) for argument in arguments)]) == 1
    assert message.format(url=url) in capsys.readouterr().err
