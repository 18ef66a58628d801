"""Whether a process lives, told by a lock; and what follows from its owner's end."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pytest_kestra.engine import owner
from pytest_kestra.engine.alive import alive, hold, pid
from tests.waits import WAIT_S


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


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes are meant")
def test_number_of_a_process_is_not_that_of_another_one_later(tmp_path: Path) -> None:
    lock = hold(tmp_path)
    assert pid(tmp_path) == os.getpid()
    file = tmp_path / "alive.pid"
    number, boot, start = file.read_text(encoding="ascii").split()
    for text in (f"{number} {boot} {int(start) - 1}", f"{number} another-boot/1 {start}", number):
        file.write_text(text, encoding="ascii")
        assert pid(tmp_path) is None
    # It has ended: its start cannot be seen any more.
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    file.write_text(f"{process.pid} {boot} {start}", encoding="ascii")
    assert pid(tmp_path) == process.pid
    lock.release()


def test_end_of_the_owner_is_noticed(tmp_path: Path) -> None:
    lock, ended = FileLock(tmp_path / "owner.lock"), threading.Event()
    lock.acquire()
    owner.watch(tmp_path / "owner.lock", ended.set)
    lock.release()

    assert ended.wait(WAIT_S)


def test_folder_goes_with_the_last_process_of_its_owner(tmp_path: Path) -> None:
    lock = tmp_path / "run" / "owner.lock"
    for name in ("kept", "engine-x"):
        (lock.parent / name).mkdir(parents=True)
    (lock.parent / "kept" / "a-namespace").touch()
    lock.touch()

    owner.clean(lock)
    assert [path.name for path in lock.parent.iterdir()] == ["engine-x"]
    (lock.parent / "engine-x").rmdir()
    owner.clean(lock)
    assert not lock.parent.exists()


def test_folder_that_cannot_be_used_has_no_owner(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = threading.Event()
    owner.watch(tmp_path / "file" / "owner.lock", ended.set)

    assert ended.wait(WAIT_S)


def test_lock_that_cannot_be_asked_just_now_says_nothing_of_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ended = threading.Event(), threading.Event()
    wrong, acquire = [OSError(errno.EMFILE, "Too many open files")] * 2, FileLock.acquire

    def acquired(lock: FileLock, **options: Any) -> Any:
        if wrong:
            raise wrong.pop()
        asked.set()
        return acquire(lock, **options)

    lock = FileLock(tmp_path / "owner.lock")
    lock.acquire()
    monkeypatch.setattr(owner, "POLL_S", 0.01)
    monkeypatch.setattr(FileLock, "acquire", acquired)
    owner.watch(tmp_path / "owner.lock", ended.set)
    assert asked.wait(WAIT_S)
    assert not ended.is_set()
    lock.release()

    assert ended.wait(WAIT_S)
