"""What tests tell of an engine that has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_kestra import ServerError
from pytest_kestra.engine import launcher
from pytest_kestra.engine.lease import Lease
from pytest_kestra.report.ending import tell_ending
from pytest_kestra.server import engines
from tests.unit.conftest import Stub

URL = "http://127.0.0.1:1"


def server(ending: str | None, log: str = "") -> Any:
    return SimpleNamespace(address=SimpleNamespace(url=URL), ending=lambda: ending, log_tail=lambda lines: log)


def error() -> ServerError:
    return ServerError(f"The Kestra server at {URL} no longer answers: no.")


def test_first_test_tells_all_and_later_ones_name_it() -> None:
    first, later, empty = error(), error(), error()

    assert tell_ending(first, server("It ended.\nIts log: x", "one\ntwo"), None)
    assert str(first) == "It ended.\nIts log: x\nIts last lines:\n  one\n  two"
    assert tell_ending(later, server(None), "test_a.py::test_a")
    assert str(later) == "The Kestra engine has ended before; test_a.py::test_a tells how."
    assert tell_ending(empty, server("It ended.\nIts log: x"), None)
    assert str(empty) == "It ended.\nIts log: x\nIt is empty."


def test_server_that_has_not_ended_and_another_server_are_left_alone() -> None:
    here, elsewhere = error(), ServerError("The Kestra server at http://other no longer answers.")

    assert not tell_ending(here, server(None), None)
    assert not tell_ending(elsewhere, server("It ended."), "test_a.py::test_a")
    assert (str(here), str(elsewhere)) == (str(error()), "The Kestra server at http://other no longer answers.")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; sys.exit(3)", "ended with the exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL, as the system does where memory runs out"),
        ("import os; os.abort()", "was ended by SIGABRT"),
        (f"import os; os.kill(os.getpid(), {signal.SIGRTMIN + 2})", f"was ended by the signal {signal.SIGRTMIN + 2}"),
    ],
)
def test_process_that_has_ended_says_how(code: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        monkeypatch.setitem(launcher._STARTED, process.pid, process)

        assert engines.ending(Lease(URL, "a", "b", "1", process.pid)) == told


def test_engine_of_another_process_has_ended_when_it_refuses_connections(stub: Stub) -> None:
    assert engines.ending(Lease(URL, "a", "b", "1", 1)) == "has ended"
    assert engines.ending(Lease(stub.url, "a", "b", "1", 1)) is None


def test_engine_that_does_not_answer_in_time_has_not_ended(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "HEALTH_TIMEOUT_S", 1e-6)

    assert engines.ending(Lease(stub.url, "a", "b", "1", 1)) is None


def test_engine_that_runs_on_has_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        monkeypatch.setitem(launcher._STARTED, process.pid, process)

        assert launcher.exit_code(process.pid, 0.001) is None
        process.kill()
