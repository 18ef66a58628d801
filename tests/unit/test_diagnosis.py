from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import ServerError
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.records import ExecutionRecord, TaskRun
from pytest_kestra.report import comparison as comparisons
from pytest_kestra.report.comparison import comparison
from pytest_kestra.run.diagnosis.text import brief, diagnosis, late, tells_of
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.path import Path
from pytest_kestra.run.session import Session
from pytest_kestra.states import State
from tests.unit.conftest import Stub


def state(name: str, duration: str | None = None) -> dict[str, Any]:
    return {"current": name, "histories": [{"state": name, "date": "2026-01-01T00:00:00Z"}], "duration": duration}


def run(task: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"run-{task}", "taskId": task, "state": state(name, "PT0.5S"), **more}


def log(level: str, message: str, task: str | None, second: int = 0) -> dict[str, Any]:
    timestamp = f"2026-01-01T00:00:{second:02}Z"
    return {
        "level": level,
        "message": message,
        "taskId": task,
        "taskRunId": task and f"run-{task}",
        "timestamp": timestamp,
    }


@pytest.fixture
def session(client: Client) -> Session:
    return Session(
        client,
        Deployer(client, Namespaces("t")),
        timeout=1,
        settled=True,
        pages=True,
        secrets=["s3cret", "", "s3cret-2"],
    )


def execution(session: Session, name: str, *runs: dict[str, Any], **more: Any) -> Execution:
    data = {"id": "e1", "namespace": "a.b", "flowId": "orders", "state": state(name), "taskRunList": runs, **more}
    return Execution.reading(ExecutionRecord.of(data), session)


def test_tells_task_runs_logs_inputs_and_outputs(session: Session, stub: Stub) -> None:
    logs = [
        log("INFO", "fine", "charge", 1),
        log("WARN", "slow", "other", 2),
        log("ERROR", "Traceback:\nZeroDivisionError: division by zero", "charge", 3),
    ]
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps(logs))
    failed = execution(
        session,
        "FAILED",
        run("each", "FAILED"),
        run("charge", "FAILED", parentTaskRunId="run-each", value="7", attempts=[{"state": state("FAILED")}] * 2),
        run("other", "SUCCESS"),
        inputs={"name": "Ada", "key": {"value": "x", "type": "io.kestra.datatype:aes_encrypted"}, "list": ["s3cret-2"]},
        outputs={"done": False},
    )

    assert diagnosis(failed, session, "is FAILED, not SUCCESS").splitlines() == [
        "orders is FAILED, not SUCCESS: task charge[7] failed: ZeroDivisionError: division by zero",
        "Flow: orders, revision 1: FAILED",
        "  each         FAILED    0.500 s",
        "    charge[7]  FAILED    0.500 s  2 attempts: FAILED, FAILED",
        "  other        SUCCESS   0.500 s",
        "Logs of level WARN and above:",
        "  ERROR charge: Traceback:",
        "        ZeroDivisionError: division by zero",
        'Inputs: {"name": "Ada", "key": "*****", "list": ["*****"]}',
        'Outputs: {"done": false}',
        f"Execution: {failed.url}",
    ]


def test_first_line_has_at_most_a_hundred_characters(session: Session, stub: Stub) -> None:
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("ERROR", "x" * 200, None)]))

    first = diagnosis(execution(session, "FAILED"), session).splitlines()[0]

    assert first.startswith("orders is FAILED: xxx")
    assert len(first) == 100


def test_long_names_go_before_the_reason(session: Session, stub: Stub) -> None:
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("ERROR", "the bank refuses", "charge" * 9)]))
    name = "orders_of_the_whole_company_in_the_last_year"
    failed = execution(session, "FAILED", run("charge" * 9, "FAILED"), flowId=name)

    first = diagnosis(failed, session).splitlines()[0]
    assert first == ("orders_of_t…he_last_year is FAILED: task chargecharg…chargecharge failed: the bank refuses")
    assert tells_of(first, failed)
    assert tells_of(f"{name} is FAILED", failed)
    assert not tells_of("orders is FAILED", failed)


def test_what_is_known_of_an_ended_execution_is_asked_for_once(session: Session, stub: Stub) -> None:
    stub.on("GET", "/api/v1/main/logs/e1", "[]")
    ended = execution(session, "FAILED", run("charge", "FAILED"))
    data = {"id": "e1", "namespace": "a.b", "flowId": "orders", "state": state("FAILED")}
    stub.on("GET", "/api/v1/main/executions/e1", json.dumps({**data, "taskRunList": [run("charge", "FAILED")]}))
    told = [diagnosis(ended, session), brief(ended, session), diagnosis(ended.refresh(), session)]
    assert len(told) == 3
    assert len([asked for asked in stub.asked if "/logs/" in asked.path]) == 1

    # While it runs, and after a restart, there is more to know.
    running = execution(session, "RUNNING")
    for one in (running, running):
        diagnosis(one, session)
    again = {"current": "FAILED", "histories": [state("FAILED")["histories"][0]] * 3}
    diagnosis(execution(session, "FAILED", state=again), session)
    assert len([asked for asked in stub.asked if "/logs/" in asked.path]) == 4


def test_what_could_not_be_had_is_asked_for_again(session: Session, stub: Stub) -> None:
    failed = execution(session, "FAILED", run("charge", "FAILED"))
    assert "too many" not in diagnosis(failed, session)
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("ERROR", "too many", "charge")]))

    assert "too many" in diagnosis(failed, session)


def test_logs_of_a_diagnosis_are_those_that_can_be_asserted(session: Session, stub: Stub) -> None:
    said = "io.kestra.core.models.tasks.runners.TaskException: Command failed with exit code 1"
    logs = [log("ERROR", text, "charge", at) for at, text in enumerate(["no", said, "Command failed with exit code 1"])]
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps(logs))
    failed = execution(session, "FAILED", run("charge", "FAILED"))

    shown = [line for line in diagnosis(failed, session).splitlines() if line.startswith("  ERROR charge: ")]
    assert shown == [f"  ERROR charge: {message}" for message in failed.logs(min_level="WARN").messages]
    # What says the most has only what the script has said.
    assert brief(failed, session).splitlines()[1:] == ["  ERROR charge: no"]


def test_server_without_pages_has_no_address_to_show(session: Session) -> None:
    without = replace(session, pages=False)

    assert diagnosis(execution(without, "SUCCESS"), without).splitlines()[-1] == "Execution: e1 in a.b"


def test_only_the_last_of_many_logs_are_shown(session: Session, stub: Stub) -> None:
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("WARN", f"w{i}", None, i) for i in range(40)]))

    lines = diagnosis(execution(session, "WARNING"), session).splitlines()

    assert "Logs of level WARN and above, 10 earlier ones left out:" in lines
    assert "  WARN  the flow: w39" in lines
    assert "  WARN  the flow: w9" not in lines


def test_secret_that_would_be_cut_is_masked_whole(session: Session, stub: Stub) -> None:
    known = replace(session, secrets=["a-very-long-secret"])
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("ERROR", "x" * 75 + "a-very-long-secret", "charge")]))
    value = "v" * 35 + "a-very-long-secret"
    failed = execution(
        known, "FAILED", run("charge", "FAILED", value=value), inputs={"i": "y" * 490 + "a-very-long-secret"}
    )

    for text in (diagnosis(failed, known), brief(failed, known, "is FAILED")):
        assert "a-very" not in text


def test_brief_is_short_enough_for_pytest(session: Session, stub: Stub) -> None:
    trace = "\n".join(["Traceback:", *["  frame " * 30] * 7, "ValueError: no"])
    logs = [
        log("ERROR", trace, "charge", 1),
        log("ERROR", "Command failed with exit code 1", "charge", 2),
        log("ERROR", "Failed to render output values", None, 3),
    ]
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps(logs))

    lines = brief(execution(session, "FAILED", run("charge", "FAILED")), session, "is FAILED").splitlines()

    assert lines[0] == "orders is FAILED: task charge failed: ValueError: no"
    assert lines[-1] == "        ValueError: no"
    assert len(lines) == 6
    assert max(map(len, lines)) <= 100


def test_nothing_ran(session: Session, stub: Stub) -> None:
    stub.on("GET", "/api/v1/main/logs/e1", "[]")

    assert diagnosis(execution(session, "CANCELLED"), session).splitlines()[0] == "orders is CANCELLED: no task ran"


def test_is_told_though_the_logs_cannot_be_had(session: Session) -> None:
    assert diagnosis(execution(session, "FAILED"), session).startswith(
        "orders is FAILED: no task ran\nFlow: orders, revision 1: FAILED\nExecution: "
    )


def test_assertion_about_an_execution(session: Session) -> None:
    failed = execution(session, "FAILED", run("charge", "FAILED"))

    assert (
        comparison(failed.state, "==", "SUCCESS") == diagnosis(failed, session, "is FAILED, not SUCCESS").splitlines()
    )
    short = comparison(failed.state, "==", "SUCCESS", whole=False)
    assert short == brief(failed, session, "is FAILED, not SUCCESS").splitlines()
    lines = comparison(failed.state, "in", ("SUCCESS", "WARNING"))
    assert lines is not None
    assert lines[0].startswith("orders is FAILED, not one of ('SUCCESS', 'WARNING'): task charge failed")


def test_assertion_about_a_task_run(session: Session) -> None:
    failed = execution(session, "FAILED", run("charge", "FAILED"))

    lines = comparison(failed.task("charge").state, "!=", "FAILED")

    assert lines is not None
    assert lines[0].startswith("orders is FAILED: its task charge is FAILED, and should not be FAILED")


def test_other_assertions_are_left_to_pytest(session: Session) -> None:
    ended = execution(session, "SUCCESS")

    assert comparison(State("SUCCESS"), "==", "FAILED") is None
    assert comparison(ended.state, "<", "FAILED") is None
    assert comparison(State("SUCCESS", ended), "==", "FAILED") is None


def test_colours_and_control_characters_of_logs_do_not_reach_the_terminal(session: Session, stub: Stub) -> None:
    message = "\x1b[31mred\x1b[0m \x00 \x1b]0;title\x07 one\r\ntwo\ttabs"
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("ERROR", message, "charge")]))

    lines = diagnosis(execution(session, "FAILED", run("charge", "FAILED")), session).splitlines()

    assert "  ERROR charge: red \\x00 \\x1b]0;title\\x07 one" in lines
    assert "        two\ttabs" in lines


def test_link_to_an_execution_is_told_in_words(session: Session, stub: Stub) -> None:
    message = 'Subflow execution [[link execution="e2" flowId="order" namespace="a.b"]] ends in FAILED state'
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("ERROR", message, "charge")]))

    lines = diagnosis(execution(session, "FAILED", run("charge", "FAILED")), session).splitlines()

    assert "  ERROR charge: Subflow execution e2 of order ends in FAILED state" in lines


def test_of_a_very_long_log_the_end_is_told(session: Session, stub: Stub) -> None:
    message = "\n".join(f"line {number}" for number in range(1000))
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps([log("ERROR", message, "charge")]))

    lines = diagnosis(execution(session, "FAILED", run("charge", "FAILED")), session).splitlines()

    assert "  ERROR charge: line 0" in lines
    assert "        … 959 lines" in lines
    assert "        line 999" in lines
    assert len(lines) < 60


def test_of_very_many_task_runs_those_that_failed_are_told(session: Session) -> None:
    runs = [run(f"t{number}", "SUCCESS") for number in range(200)]
    runs[150] = run("broken", "FAILED")

    failed = execution(session, "FAILED", *runs)
    lines = diagnosis(failed, session).splitlines()
    assert [line for line in lines if line.split()[:2] == ["broken", "FAILED"]]
    assert "  … 140 more task runs, SUCCESS; -vv shows them" in lines
    assert len(diagnosis(failed, replace(session, verbosity=2)).splitlines()) > 200


def flow_answer(*tasks: str) -> str:
    definitions = [{"id": task, "type": "a.b.C"} for task in tasks]
    return json.dumps({"id": "orders", "namespace": "a.b", "revision": 1, "tasks": definitions})


def test_assertion_about_a_path(session: Session, stub: Stub) -> None:
    stub.on("GET", "/api/v1/main/flows/a.b/orders", flow_answer("check", "charge"))
    path = execution(session, "SUCCESS", run("check", "SUCCESS"), run("charge", "SUCCESS")).path
    told = "orders took another path: charge ran, but is not expected"
    plus = "  + charge   ran, but is not expected"

    assert comparison(path, "==", ["check"]) == [told, "    check", plus]
    assert comparison(["check"], "==", path) == [told, "    check", plus]
    assert comparison(path, "==", ["check"], whole=False) == [told, plus]
    assert comparison(path, "!=", ["check"]) is None
    assert comparison(path, "==", "check") is None
    assert comparison(Path(["check"]), "==", ["charge"]) is None


def test_path_is_explained_though_the_flow_cannot_be_had(session: Session) -> None:
    path = execution(session, "SUCCESS", run("check", "SUCCESS")).path

    lines = comparison(path, "==", ["chek"])
    assert lines is not None
    assert lines[0] == ("orders took another path: chek: the flow has no such task; did you mean 'check'? (and 1 more)")


def test_explanation_that_fails_leaves_it_to_pytest(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = execution(session, "FAILED", run("charge", "FAILED"))

    def fail(*_: object, **__: object) -> str:
        raise RuntimeError("no")

    monkeypatch.setattr(comparisons, "diagnosis", fail)
    assert comparison(failed.state, "==", "SUCCESS") is None


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        ([log("ERROR", "Traceback:\nValueError: one\ntwo", "charge")], "ValueError: one"),
        ([log("ERROR", "Traceback:", "charge"), log("ERROR", "a.b.CustomError: x", "charge", 1)], "a.b.CustomError: x"),
        ([log("ERROR", "SLA exceeded", None)], "SLA exceeded"),
        ([log("WARN", "Max iterations reached", "charge")], "Max iterations reached"),
        ([log("ERROR", "one\ntwo", "charge")], "two"),
    ],
)
def test_reason_is_what_says_the_most(session: Session, stub: Stub, logs: list[Any], reason: str) -> None:
    stub.on("GET", "/api/v1/main/logs/e1", json.dumps(logs))

    first = diagnosis(execution(session, "FAILED", run("charge", "FAILED")), session).splitlines()[0]
    assert first == f"orders is FAILED: task charge failed: {reason}"


def test_execution_that_has_ended_after_its_time_says_so(session: Session) -> None:
    ended = execution(session, "SUCCESS", run("charge", "SUCCESS"))

    assert late(ended, session, 60).splitlines()[0] == "orders took longer than 60 s; it has ended since, as SUCCESS"


def test_execution_whose_task_goes_on_says_so(session: Session) -> None:
    ended = execution(session, "SUCCESS", run("charge", "RUNNING"))

    assert late(ended, session, 60).splitlines()[0] == (
        "orders is SUCCESS, but its task charge has not ended after 60 s"
    )


def test_what_can_no_longer_be_asked_for_hides_no_failure(session: Session) -> None:
    def gone(*_: object) -> Any:
        raise ServerError("The server no longer answers.")

    failed = replace(execution(session, "FAILED", run("load", "FAILED")), _outputs=gone)
    lost = replace(failed, _read_runs=gone)
    failed = replace(failed, _read_runs=lambda: (replace(TaskRun.of(run("load", "FAILED")), _outputs=gone),))

    assert diagnosis(failed, session).startswith("orders is FAILED: task load failed")
    assert diagnosis(lost, session).startswith("orders is FAILED")


def test_executions_and_flows_may_be_in_a_set(session: Session) -> None:
    one = execution(session, "FAILED", inputs={"a": [1]})

    assert {one, replace(one)} == {one}
