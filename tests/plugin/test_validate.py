from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pytest_kestra import Server
from tests.plugin.conftest import RunPytest

BROKEN = """\
id: broken
namespace: company.team
inputs:
  - {id: amount, type: INT}
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: |
      first
      {{ inputs.amonut }} {{ outputs.none.value }}
  - {id: typo, type: io.kestra.plugin.core.log.Log, mesage: x}
"""
DOUBTFUL = """\
id: doubtful
namespace: company.team
tasks:
  - id: old
    type: io.kestra.core.tasks.log.Log
    message: "{{ trigger.date }}"
  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: orders}
"""
WARNINGS = [
    "*doubtful.yaml:5: FlowWarning: the type io.kestra.core.tasks.log.Log is replaced by io.kestra.plugin.core.log.*",
    "*doubtful.yaml:6: FlowWarning: `trigger.date`: the flow has no triggers, so that nothing sets it.",
]


@pytest.fixture
def folder(flows: pytest.Pytester) -> pytest.Pytester:
    flows.makefile(".yaml", broken=BROKEN, doubtful=DOUBTFUL, unreadable="id: a\ntasks: [\n", other="services: {}\n")
    return flows


def validate(run_pytest: RunPytest, *arguments: str) -> pytest.RunResult:
    # The run around this one makes every warning an error.
    return run_pytest(
        "def test_other(): pass", "--kestra-validate", "-W", "default::pytest_kestra.FlowWarning", *arguments
    )


@pytest.mark.usefixtures("folder")
def test_every_flow_is_a_test(run_pytest: RunPytest) -> None:
    result = validate(run_pytest, "-v")

    result.assert_outcomes(passed=4, failed=2, warnings=2)
    result.stdout.fnmatch_lines_random(
        [
            "orders.yaml::flow PASSED*",
            "slow.yaml::flow PASSED*",
            "doubtful.yaml::flow PASSED*",
            "broken.yaml::flow FAILED*",
        ]
    )
    result.stdout.no_fnmatch_line("*other.yaml*")


@pytest.mark.usefixtures("folder")
def test_failure_has_only_the_lines(run_pytest: RunPytest) -> None:
    result = validate(run_pytest)

    result.stdout.fnmatch_lines(
        [
            "_* broken.yaml *_",
            "broken.yaml:10: `inputs.amonut`: there is no input 'amonut'; did you mean 'amount'? It has: amount.",
            "broken.yaml:10: `outputs.none`: there is no task 'none'. It has: log, typo.",
            "broken.yaml:11: io.kestra.plugin.core.log.Log has no property 'mesage'; did you mean 'message'? It has: *",
            "_* unreadable.yaml *_",
            "unreadable.yaml:2: this is not YAML: *",
            "=* warnings summary *=",
            *WARNINGS,
        ],
        consecutive=False,
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*validation.py*")


@pytest.mark.usefixtures("folder")
def test_warnings_can_be_errors(run_pytest: RunPytest) -> None:
    result = validate(run_pytest, "doubtful.yaml", "-W", "error::pytest_kestra.FlowWarning")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([warning.replace(" FlowWarning:", "") for warning in WARNINGS], consecutive=False)


@pytest.mark.usefixtures("folder")
def test_warnings_can_be_ignored(run_pytest: RunPytest) -> None:
    result = validate(run_pytest, "doubtful.yaml", "-W", "ignore::pytest_kestra.FlowWarning")

    result.assert_outcomes(passed=1)


def test_one_file_may_name_those_beside_it(run_pytest: RunPytest, folder: pytest.Pytester) -> None:
    folder.makefile(".yaml", doubtful=DOUBTFUL.replace("flowId: orders", "flowId: ordres"))

    result = validate(run_pytest, "doubtful.yaml")

    result.stdout.fnmatch_lines(["doubtful.yaml:7: the flow company.team.ordres is neither * did you mean *.orders?"])


@pytest.mark.usefixtures("folder")
def test_workers_share_the_work(run_pytest: RunPytest, flows: pytest.Pytester, kestra_server: Server) -> None:
    del run_pytest  # which gives the credentials
    server = f"--kestra-server={kestra_server.address.url}"

    flows.runpytest_subprocess("--kestra-validate", server, "-n2").assert_outcomes(passed=3, failed=2, warnings=2)


@pytest.mark.usefixtures("folder")
def test_last_failed_and_names_choose(run_pytest: RunPytest) -> None:
    validate(run_pytest, "-k", "broken or orders").assert_outcomes(passed=1, failed=1, deselected=4)
    validate(run_pytest, "--lf").assert_outcomes(failed=1)
    validate(run_pytest, "orders.yaml::flow").assert_outcomes(passed=1)


@pytest.mark.usefixtures("folder")
def test_junit_file_has_the_lines(run_pytest: RunPytest, folder: pytest.Pytester) -> None:
    validate(run_pytest, "broken.yaml", "--junit-xml=junit.xml")

    failure = ET.parse(folder.path / "junit.xml").getroot().find(".//failure")
    assert failure is not None
    assert "broken.yaml:10: `inputs.amonut`" in (failure.text or "")


@pytest.mark.usefixtures("folder")
def test_collecting_needs_no_server(flows: pytest.Pytester) -> None:
    result = flows.runpytest("--kestra-validate", "--kestra-server=http://127.0.0.1:9", "--co", "-q")

    result.stdout.fnmatch_lines(["broken.yaml::flow", "*", "unreadable.yaml::flow"])
    assert result.ret == 0


def test_server_that_cannot_be_had_is_told_once_for_each(flows: pytest.Pytester) -> None:
    result = flows.runpytest("--kestra-validate", "--kestra-server=http://127.0.0.1:9")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["No Kestra server answers at http://127.0.0.1:9: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(("line", "passed"), [("kestra_validate = true", 3), ("kestra_validate = no", 1), ("", 1)])
def test_ini_file_switches_it_on(run_pytest: RunPytest, flows: pytest.Pytester, line: str, passed: int) -> None:
    flows.makeini(f"[pytest]\n{line}\n")

    run_pytest("def test_other(): pass").assert_outcomes(passed=passed)


def test_full_trace_shows_how_it_was_found(run_pytest: RunPytest, folder: pytest.Pytester) -> None:
    del folder
    validate(run_pytest, "broken.yaml", "--full-trace").stdout.fnmatch_lines(["*validation.py*"])
