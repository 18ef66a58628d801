"""Whether a process lives, told by a lock; and what follows from its owner's end."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from filelock import FileLock

from pytest_kestra.engine import owner
from pytest_kestra.engine.alive import alive, hold

WAIT_S = 60


def test_process_lives_as_long_as_it_holds_the_lock(tmp_path: Path) -> None:
    assert not alive(tmp_path)
    lock = hold(tmp_path)
    assert alive(tmp_path)
    lock.release()
    assert not alive(tmp_path)
    assert not alive(tmp_path / "nowhere")


def test_killed_process_does_not_live(tmp_path: Path) -> None:
    code = (
        "import pathlib\nfrom pytest_kestra.engine.alive import hold\n"
        "lock = hold(pathlib.Path.cwd())\nprint('held', flush=True)\ninput()\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert alive(tmp_path)
        process.kill()
    assert not alive(tmp_path)


def test_end_of_the_owner_is_noticed(tmp_path: Path) -> None:
    lock, ended = FileLock(tmp_path / "owner.lock"), threading.Event()
    lock.acquire()
    owner.watch(tmp_path / "owner.lock", ended.set)
    lock.release()

    assert ended.wait(WAIT_S)


def test_folder_that_cannot_be_used_has_no_owner(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = threading.Event()
    owner.watch(tmp_path / "file" / "owner.lock", ended.set)

    assert ended.wait(WAIT_S)
