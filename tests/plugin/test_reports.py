"""What pytest shows when a test of a flow fails."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytest_kestra import Server
from tests.plugin.conftest import RunPytest

FAILING = """
    def test_orders(kestra):
        assert kestra.deploy("orders.yaml").run({"count": 7}).state == "SUCCESS"
"""


def test_state_that_is_not_as_asserted_tells_the_reason_and_then_the_story(run_pytest: RunPytest) -> None:
    result = run_pytest(FAILING)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       assert kestra.deploy(*",
            "E       assert orders is FAILED, not SUCCESS: task check failed: too many",
            "E           ERROR check: too many",
            "*- the executions of this test -*",
            "orders is FAILED: task check failed: too many",
            "  check  FAILED * s",
        ]
    )
    result.stdout.no_fnmatch_line("*Full output truncated*")


@pytest.mark.parametrize("way", ["verbose", "CI"])
def test_whole_story_is_in_the_assertion_where_pytest_does_not_cut_it(
    run_pytest: RunPytest, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = "All logs:" if way == "verbose" else "Logs of level WARN and above:"
    if way == "CI":
        monkeypatch.setenv("CI", "true")
    result = run_pytest(FAILING, *(["-vv"] if way == "verbose" else []))

    result.stdout.fnmatch_lines(
        [
            ">       assert kestra.deploy(*",
            "E       assert orders is FAILED, not SUCCESS: task check failed: too many",
            "E         Flow: orders.yaml, revision 1: CREATED > RUNNING > FAILED in * s",
            "E           check  FAILED * s",
            f"E         {logs}",
            "E           ERROR check: too many",
            'E         Inputs: {"count": 7}',
            "E         Execution: http://127.0.0.1:*/ui/main/executions/company.team.test-orders-*/orders/*",
            "E         Run it again: pytest test_whole_story_*.py::test_orders --kestra-server=http://*",
        ]
    )
    result.stdout.no_fnmatch_line("*the executions of this test*")


def test_command_to_run_it_again_has_the_options(run_pytest: RunPytest, kestra_server: Server) -> None:
    address = kestra_server.address
    left_out = ("--kestra-html=page.html", f"--kestra-password={address.password}", "-p", "no:cacheprovider")
    result = run_pytest(FAILING, "--kestra-strict-mocks", "--kestra-timeout=500", *left_out)

    (line,) = [line for line in result.outlines if "Run it again:" in line]
    assert line.partition("pytest ")[2] == (
        "test_command_to_run_it_again_has_the_options.py::test_orders "
        f"--kestra-server={address.url} --kestra-timeout=500 --kestra-strict-mocks"
    )


def test_state_of_a_task_run_tells_the_story(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_orders(kestra):
            execution = kestra.deploy("orders.yaml").run({"count": 7})
            assert execution.task("check").state in ("SUCCESS", "WARNING")
    """)

    result.stdout.fnmatch_lines(
        ["E * assert orders is FAILED: its task check is FAILED, not one of ('SUCCESS', 'WARNING'): too many"]
    )


def test_other_failures_get_a_section(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_orders(kestra):
            flow = kestra.deploy("orders.yaml")
            executions = [flow.run({"count": number}) for number in range(4)]
            assert executions[0].task("done").outputs["value"] == "3"
    """)

    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: assert '0' == '3'",
            "*- the executions of this test -*",
            "1 other is left out",
            "orders is SUCCESS",
            "  check  SUCCESS * s",
            "  done   SUCCESS * s",
            'Inputs: {"count": 3}',
        ]
    )


def test_executions_that_did_not_end_well_are_told_first(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_orders(kestra):
            flow = kestra.deploy("orders.yaml")
            executions = [flow.run({"count": number}) for number in (7, 1, 2, 3, 4)]
            assert all(execution.state == "SUCCESS" for execution in executions)
    """)

    result.stdout.fnmatch_lines(
        ["2 others are left out", "orders is FAILED: task check failed: too many", "orders is SUCCESS"]
    )


def test_mistake_of_the_user_shows_no_frame_of_ours(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_broken(kestra):
            kestra.deploy("id: x\\nnamespace: [")

        def test_input(kestra):
            kestra.deploy("orders.yaml").run({"count": "many"})
    """)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            '>       kestra.deploy("id: x*',
            "E       pytest_kestra.errors.FlowError: <text>:2: this is not YAML: *",
            "test_mistake_of_the_user_shows_no_frame_of_ours.py:2: FlowError",
            "E       pytest_kestra.errors.InputError: orders.yaml:4: the input 'count' (INT) of the flow orders *",
            "test_mistake_of_the_user_shows_no_frame_of_ours.py:5: InputError",
        ]
    )
    assert "pytest_kestra/" not in result.stdout.str().replace("rootdir", "")
    assert "direct cause" not in result.stdout.str()


def test_full_trace_shows_everything(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        def test_input(kestra):
            kestra.deploy("orders.yaml").run({"count": "many"})
        """,
        "--full-trace",
    )

    result.stdout.fnmatch_lines(["*ApiError: Invalid entity: Invalid value for input `count`*", "*InputError*"])


def test_junit_file_has_the_essentials(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    run_pytest(FAILING, "--junit-xml=junit.xml")

    (failure,) = ET.parse(pytester.path / "junit.xml").iter("failure")
    assert failure.attrib["message"] == "orders is FAILED: check: too many"
    assert "orders is FAILED, not SUCCESS: task check failed" in (failure.text or "")
    assert "ERROR check: too many" in (failure.text or "")


@pytest.mark.parametrize("way", ["-vv", "CI", "-n2"])
def test_summary_has_the_reason_in_one_line(run_pytest: RunPytest, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "CI":
        monkeypatch.setenv("CI", "true")
    else:
        # Where pytest cuts at the end of the line.
        monkeypatch.setenv("COLUMNS", "80")
    result = run_pytest(
        """
        from pathlib import Path

        def test_one(kestra):
            text = Path("orders.yaml").read_text().replace("id: orders", "id: orders_of_the_whole_company")
            assert kestra.deploy(text).run({"count": 7}).state == "SUCCESS"

        def test_two(kestra):
            kestra.deploy("orders.yaml").run({"count": 7}).task("done")

        def test_three(kestra):
            kestra.deploy("orders.yaml").run({"count": 7}).wait(until="PAUSED")
        """,
        *([] if way == "CI" else [way]),
    )

    name = "test_summary_has_the_reason_in_one_line.py"
    lines = result.stdout.str().partition("short test summary info")[2].splitlines()[1:-1]
    assert len(lines) == 3
    if way != "-n2":
        assert lines[0] == f"FAILED {name}::test_one - orders_of_t…hole_company is FAILED: check: too many"
        assert lines[1].startswith(f"FAILED {name}::test_two - 'done' did not run: the task 'check' failed before it.")
        assert lines[2] == f"FAILED {name}::test_three - orders is FAILED and never was PAUSED: check: too many"


def test_summary_keeps_the_reason_at_80_columns(flows: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = 'def test_orders(kestra):\n    assert kestra.deploy("orders.yaml").run({"count": 7}).state == "SUCCESS"\n'
    flows.makepyfile(test_orders=text)
    result = flows.runpytest_subprocess("--kestra-server=embedded")

    result.stdout.fnmatch_lines(["FAILED test_orders.py::test_orders - orders is FAILED: check: too many"])


@pytest.mark.parametrize("style", [(), ("-l",), ("--tb=native",), ("--tb=short", "-vv"), ("--color=yes", "-n2")])
def test_secrets_are_masked_in_what_pytest_itself_tells(flows: pytest.Pytester, style: tuple[str, ...]) -> None:
    flows.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def kestra_secrets():
            return {"TOKEN": "the-token-that-nobody-sees " * 20, "KEY": "its-key-has\\nin-two-long-lines"}

        @pytest.fixture
        def broken(kestra_secrets, kestra):
            raise ValueError(kestra_secrets["TOKEN"])
    """)
    flows.makepyfile("""
        FLOW = '''
        id: leak
        namespace: company.team
        inputs:
          - {id: word, type: SECRET}
        tasks:
          - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ secret('TOKEN') }} {{ inputs.word }}"}
        '''

        def test_token(kestra):
            value = kestra.deploy(FLOW).run({"word": "another-word-of-its-own"}).task("say").outputs["value"]
            print(value)
            assert value == value.replace("another", "a-wrong")

        def test_key(kestra_client, kestra_secrets, record_property):
            record_property("key", kestra_secrets["KEY"])
            both = [kestra_secrets["KEY"], 1]
            assert both == [kestra_secrets["KEY"], 2]

        def test_cause(kestra, kestra_secrets):
            try:
                raise KeyError(kestra_secrets["TOKEN"])
            except KeyError as error:
                raise RuntimeError("no") from error

        def test_setup(broken):
            pass
    """)
    result = flows.runpytest_subprocess("--kestra-server=embedded", "--junit-xml=junit.xml", *style)

    result.assert_outcomes(failed=3, errors=1)
    for text in (result.stdout.str() + result.stderr.str(), (flows.path / "junit.xml").read_text()):
        assert "*****" in text
        for secret in ("the-token-that", "nobody-sees", "another-word-of-its", "its-key-has", "in-two-long-lines"):
            assert secret not in text


def test_texts_that_differ_in_a_secret_only_say_so(run_pytest: RunPytest, kestra_server: Server) -> None:
    result = run_pytest("""
        def test_it(kestra, kestra_client):
            password = kestra_client.address.password
            assert {"a": password} == {"a": "*****"}

        def test_order(kestra, kestra_client):
            assert kestra_client.address.password < ""
    """)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["E * assert '[*][*][*][*][*]' < ''"])
    result.stdout.fnmatch_lines(["E * They differ in a secret, which is masked."])
    assert (kestra_server.address.password or "") not in result.stdout.str()


def test_password_is_never_shown(run_pytest: RunPytest, kestra_server: Server) -> None:
    password = kestra_server.address.password or ""
    result = run_pytest(
        """
        def test_secret(kestra, kestra_client):
            fail = "{id: x, type: io.kestra.plugin.core.execution.Fail, errorMessage: '%s'}"
            text = "id: x\\nnamespace: a.b\\ntasks:\\n- " + fail
            assert kestra.deploy(text % kestra_client.address.password).run().state == "SUCCESS"
        """,
        "-vv",
    )

    assert password
    assert password not in result.stdout.str()
    result.stdout.fnmatch_lines(["E       assert x is FAILED, not SUCCESS: task x failed: *****"])


def test_failing_setup_of_a_test_is_left_alone(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        import pytest

        @pytest.fixture
        def broken(kestra):
            raise ValueError("no")

        def test_it(broken):
            pass
    """)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E       ValueError: no"])


def test_engine_that_dies_is_told_once_with_its_signal_and_its_log(flows: pytest.Pytester) -> None:
    flows.makepyfile("""
        import os, signal
        from pathlib import Path
        from pytest_kestra.engine.lease import Lease

        def test_it(kestra, kestra_server):
            flow = kestra.deploy("orders.yaml")
            lease = Lease.read(kestra_server.folder)
            with (kestra_server.folder / "engine.log").open("a") as log:
                log.write(f"these were its last words {lease.password}\\n")
            os.kill(lease.pid, signal.SIGKILL)
            flow.run()

        def test_next(kestra):
            kestra.deploy("orders.yaml")

        def test_last(kestra_client):
            kestra_client.flows.search("company")
    """)
    result = flows.runpytest_subprocess("--kestra-server=embedded", "--junit-xml=junit.xml")

    # The others get another engine.
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(
        [
            ">       flow.run()",
            "E * The Kestra engine was ended by SIGKILL, as the system does where memory runs out (process *).",
            "E       Its log, until this run ends: *engine.log",
            "E       Its last lines:",
            "E * these were its last words [*][*][*][*][*]",
        ]
    )
    assert result.stdout.str().count("E         these were its last words") == 1
    result.stdout.no_fnmatch_line("What is to be kept of the executions cannot be had*")
    failures = [failure.text or "" for failure in ET.parse(flows.path / "junit.xml").iter("failure")]
    assert "these were its last words *****" in failures[0]


def test_engine_that_hangs_shows_its_log(flows: pytest.Pytester) -> None:
    flows.makepyfile("""
        from pytest_kestra import ServerError

        def test_it(kestra, kestra_server):
            with (kestra_server.folder / "engine.log").open("a") as log:
                log.write("it is busy\\n")
            raise ServerError(f"The Kestra server at {kestra_server.address.url} no longer answers: it hangs.")
    """)
    result = flows.runpytest_subprocess("--kestra-server=embedded")

    result.stdout.fnmatch_lines(
        ["E * no longer answers: it hangs.", "*- the log of the Kestra server -*", "it is busy"]
    )


def test_executions_that_cannot_be_read_do_not_hide_the_failure(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        def test_it(kestra):
            execution = kestra.deploy("orders.yaml").run()
            kestra.client.executions.delete(execution.id)
            assert execution.task("done").outputs["value"] == "3"
    """)

    result.stdout.fnmatch_lines(
        ["E * assert '1' == '3'", "*- the executions of this test -*", "They cannot be read: There is no execution *"]
    )


def test_clean_up_that_fails_is_told_in_a_sentence(run_pytest: RunPytest) -> None:
    result = run_pytest("""
        from pytest_kestra import KestraError

        def test_it(kestra, monkeypatch):
            def refuse():
                raise KestraError("The server is read-only.")
            kestra.close = refuse
    """)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["What the test made could not be removed. The server is read-only."])
    assert "fixtures.py" not in result.stdout.str()


def test_what_is_left_running_after_a_test_is_ended(run_pytest: RunPytest, pytester: pytest.Pytester) -> None:
    result = run_pytest("""
        from pathlib import Path

        def test_first(kestra):
            Path("id").write_text(kestra.deploy("slow.yaml").run_until("RUNNING").id)

        def test_then(kestra):
            import pytest, pytest_kestra
            with pytest.raises(pytest_kestra.NotFoundError):
                kestra.execution(Path("id").read_text())
    """)

    result.assert_outcomes(passed=2)
    assert Path(pytester.path / "id").is_file()


def test_test_that_passes_when_it_is_run_again_keeps_nothing(run_pytest: RunPytest) -> None:
    result = run_pytest(
        """
        from pathlib import Path

        def test_it(kestra):
            kestra.deploy("orders.yaml")
            first = not Path("again").exists()
            Path("again").touch()
            Path("first" if first else "second").write_text(kestra.namespace)
            assert not first

        def test_then(kestra):
            kept = [flow.namespace for flow in kestra.client.flows.search("company.team")]
            assert [name for name in kept if name.endswith(Path("first").read_text())]
            assert not [name for name in kept if name.endswith(Path("second").read_text())]
        """,
        "--kestra-keep=failed",
        "--reruns=1",
    )

    result.assert_outcomes(passed=2)
