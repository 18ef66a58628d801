"""Processes of ours that stay: starting them, noticing their end, ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_kestra.engine import spawn
from pytest_kestra.engine.alive import alive
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.spawn import Spawn
from tests.waits import WAIT_S

# Does what each process of ours does, and then what its orders say.
KEEPER = """\
import os, pathlib, subprocess, sys, time
from pytest_kestra.engine import alive
from pytest_kestra.engine.lease import Lease

log, _, code = sys.stdin.read().partition(" ")
folder = pathlib.Path.cwd()
lock = alive.hold(folder)

def ready():
    Lease("http://127.0.0.1:1", "ada", "s3cret", "1.3", os.getpid(), log).write(folder)

exec(code)
time.sleep(300)
"""


def keeper(folder: Path, code: str, timeout: float = WAIT_S) -> Spawn:
    (folder / "keeper.py").write_text(KEEPER, encoding="utf-8")
    return Spawn("The keeper", "keeper", folder, lambda log: f"{log} {code}", "s3cret", timeout)


def test_process_tells_by_a_lease_that_it_is_ready(tmp_path: Path) -> None:
    Lease("http://127.0.0.1:2", "ada", "other", "1.3", os.getpid()).write(tmp_path)

    lease = keeper(tmp_path, "print('hello', flush=True); ready()").start()

    assert lease.password == "s3cret"
    assert alive(tmp_path)
    assert spawn.log_tail(tmp_path) == "hello"
    spawn.kill(tmp_path)
    assert not alive(tmp_path)
    assert spawn.exit_code(lease.pid, 0) is None


def test_process_that_ends_while_it_starts_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as raised:
        keeper(tmp_path, "print('no way'); sys.exit(3)").start()

    assert str(raised.value) == (
        "The keeper ended while it started (exit code 3).\n"
        f"The last lines of its log, {tmp_path / 'engine.log'}:\nno way"
    )


def test_process_that_ends_while_it_starts_may_tell_why_itself(tmp_path: Path) -> None:
    telling = replace(keeper(tmp_path, "print('no way'); sys.exit(3)"), why=lambda: "It has no image.")
    with pytest.raises(EngineError) as raised:
        telling.start()

    log = tmp_path / "engine.log"
    assert str(raised.value) == f"It has no image.\nThe last lines of its log, {log}:\nno way"


def test_process_that_hangs_while_it_starts_is_ended(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"^The keeper was not ready after 0.1 s; .* Its log is empty\.$"):
        keeper(tmp_path, "", 0.1).start()

    assert not alive(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_process_whose_start_is_interrupted_is_ended(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        keeper(tmp_path, f"os.kill({os.getpid()}, {int(signal.SIGINT)})").start()

    assert not alive(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_processes_that_one_has_left_behind_are_ended(tmp_path: Path) -> None:
    code = "child = subprocess.Popen(['sleep', '300']); print(child.pid, flush=True); ready()"
    lease = keeper(tmp_path, code).start()
    child = int(spawn.log_tail(tmp_path))
    os.kill(lease.pid, signal.SIGKILL)
    spawn.wait_for_end(lease.pid, WAIT_S)

    spawn.kill(tmp_path)

    assert not _runs(child)
    assert not (tmp_path / "alive.pid").exists()


@pytest.fixture
def left() -> Iterator[subprocess.Popen[str]]:
    """Return a process that has ended, whose group is still that of another one; its number is in `stdout`."""
    code = "import subprocess; print(subprocess.Popen(['sleep', '300']).pid, flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as one:
        one.wait()
        yield one
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes are meant")
@pytest.mark.parametrize("known", ["", " another-boot/1", " another-boot/1 17"])
def test_group_is_not_ended_whose_number_is_from_before_the_system_started(
    known: str, tmp_path: Path, left: subprocess.Popen[str]
) -> None:
    assert left.stdout is not None
    child = int(left.stdout.readline())
    (tmp_path / "alive.pid").write_text(f"{left.pid}{known}", encoding="ascii")

    spawn.kill(tmp_path)

    assert _runs(child)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_process_that_hangs_is_ended_with_those_that_it_has_started(tmp_path: Path) -> None:
    code = "child = subprocess.Popen(['sleep', '300']); print(child.pid, flush=True); ready()"
    lease = keeper(tmp_path, code).start()
    child = int(spawn.log_tail(tmp_path))
    os.kill(lease.pid, signal.SIGSTOP)

    spawn.kill(tmp_path)

    assert not alive(tmp_path)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def test_each_start_has_its_log_and_the_last_ones_are_kept(tmp_path: Path) -> None:
    assert spawn.logs(tmp_path) == []
    (tmp_path / "engine-notes.log").touch()
    for number in range(2, 8):
        (tmp_path / f"engine-{number}.log").touch()
    with pytest.raises(EngineError):
        keeper(tmp_path, "sys.exit(1)").start()

    assert [log.name for log in spawn.logs(tmp_path)] == [f"engine-{number}.log" for number in range(3, 9)]


def test_process_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setitem(spawn._STARTED, process.pid, process)

    spawn.wait_for_end(process.pid, 0.01)

    assert process.returncode != 0
    assert process.stdin is not None
    process.stdin.close()


def test_process_of_another_one_is_not_waited_for(tmp_path: Path) -> None:
    spawn.wait_for_end(0, 60)
    spawn.kill(tmp_path)


def test_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert spawn.log_tail(tmp_path) == ""


def test_full_disk_is_told_where_a_process_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4096))

    with pytest.raises(EngineError) as raised:
        keeper(tmp_path, "print('no way'); sys.exit(3)").start()

    assert str(raised.value) == (
        f"The keeper ended while it started (exit code 3). The disk of {tmp_path} is full: make room, or set TMPDIR to "
        "a folder on another disk.\nThe last lines of its log:\nno way"
    )


def test_number_of_a_process_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "alive.pid").write_text("x", encoding="ascii")

    spawn.kill(tmp_path)
