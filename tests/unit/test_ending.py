"""What tests tell of an engine that has ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_kestra import ServerError, Settings
from pytest_kestra.containers.keeper import ENDED
from pytest_kestra.engine import alive, spawn
from pytest_kestra.engine.lease import Lease
from pytest_kestra.report.ending import tell_ending
from pytest_kestra.server import engines, started
from pytest_kestra.server.container import ContainerServer
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run

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
def test_process_that_has_ended_says_how(code: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        monkeypatch.setitem(spawn._STARTED, process.pid, process)

        assert engines.ended(Lease(URL, "a", "b", "1", process.pid), tmp_path) == told


def test_engine_of_another_process_has_ended_when_nobody_holds_its_lock(tmp_path: Path) -> None:
    lease, later = Lease(URL, "a", "b", "1", 1), Lease(URL, "a", "c", "1", 2)
    lease.write(tmp_path)
    lock = alive.hold(tmp_path)

    assert engines.ended(lease, tmp_path) is None
    assert engines.ended(later, tmp_path) == "has ended"
    lock.release()
    assert engines.ended(lease, tmp_path) == "has ended"


def test_engine_that_runs_on_has_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        monkeypatch.setitem(spawn._STARTED, process.pid, process)

        assert spawn.exit_code(process.pid, 0.001) is None
        process.kill()


def test_container_whose_keeper_takes_note_while_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ContainerServer(Settings(), Run.join(tmp_path), Equipment())
    server.folder.mkdir()
    started.StartedServer._use(server, Lease(URL, "a", "b", "1", 5))

    def ended(*_: object) -> str:
        (server.folder / ENDED).write_text("ended with the exit code 137", encoding="utf-8")
        return "ended with the exit code 1"

    monkeypatch.setattr(started, "ended", ended)

    assert server.ending() == (
        "The Kestra container ended with the exit code 137.\n"
        f"Its log, until this run ends: {server.folder / 'engine.log'}"
    )
