"""Starting a process of ours that stays, and waiting until it has written down where it answers."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kestra.engine import alive
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.lease import FILE_NAME, LOG_NAME, Lease

READY_POLL_S = 0.01
KILL_POLL_S = 0.01
KILL_TIMEOUT_S = 10.0
STEM = LOG_NAME.removesuffix(".log")
# A disk with less is full.
FULL_BYTES = 100_000
# One for each start of a run, and one more.
KEPT_LOGS = 5
# The processes that this one has started, by their ids: who started them takes note of their end.
_STARTED: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Spawn:
    """Say which process of ours is to start, and what is expected of it.

    `what` begins the sentences of errors, such as "The embedded engine"; `module` is run by this Python. The process
    reads `orders` from its standard input, holds the folder's lock (`alive.hold`) and, when it is ready, writes a lease
    with this `password` into it. `orders` gets the name of the log, which the lease is to tell. One that does not get
    ready is asked to end, and killed after `grace` seconds. `why` gives what it has told of that, in sentences.
    """

    what: str
    module: str
    folder: Path
    orders: Callable[[str], str] = field(repr=False)
    password: str = field(repr=False)
    timeout: float
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    grace: float = 0.0
    why: Callable[[], str | None] = field(default=lambda: None, repr=False)

    def start(self) -> Lease:
        """Start the process and return its lease when it is ready; EngineError shows its log if it does not get so.

        What has an end before it is ready, also by Ctrl-C, leaves no process.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / FILE_NAME).unlink(missing_ok=True)
        alive.forget(self.folder)
        log = _new_log(self.folder)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.folder,
                **_detached(),
            )
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(self.orders(log.name).encode())
            lease = self._ready(process, log)
        except BaseException:
            if self.grace:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(self.grace)
            _kill(process)
            raise
        _STARTED[lease.pid] = process
        return lease

    def _ready(self, process: subprocess.Popen[bytes], log: Path) -> Lease:
        deadline = time.monotonic() + self.timeout
        while True:
            lease = Lease.read(self.folder)
            if lease is not None and lease.password == self.password:
                return lease
            if (code := process.poll()) is not None:
                raise self._failure(f"{self.what} ended while it started (exit code {code}).", log)
            if time.monotonic() > deadline:
                limit = f"{self.timeout:g} s; a slow machine may need a longer --kestra-startup-timeout"
                raise self._failure(f"{self.what} was not ready after {limit}.", log)
            time.sleep(READY_POLL_S)

    def _failure(self, seen: str, log: Path) -> EngineError:
        return EngineError(f"{self.why() or seen}{_told(log)}")


@atexit.register
def _leave() -> None:
    """Let the processes that outlive this one do so without a warning: the run's owner ends them."""
    for process in _STARTED.values():
        process.returncode = process.poll() or 0


def wait_for_end(pid: int, timeout: float) -> None:
    """Return when a process has ended that this one has started; `timeout` is in seconds, after it it is killed."""
    process = _STARTED.pop(pid, None)
    if process is None:
        return
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        _kill(process)


def exit_code(pid: int, timeout: float) -> int | None:
    """Return with which code a process has ended, or minus the signal; None where it runs, or another has started it.

    `timeout` is in seconds: one that no longer answers may be about to end.
    """
    process = _STARTED.get(pid)
    if process is None:
        return None
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None


def kill(folder: Path) -> None:
    """End the process that lives in a folder, whoever has started it, and return when it has ended.

    Those that it has started end too, also where it has ended before and has left them behind.
    """
    pid = alive.pid(folder)
    if pid is None:
        return
    # Another process can only get the number of one that has ended, and none that its group still has.
    if alive.alive(folder) or not _exists(pid):
        _kill_group(pid)
    wait_for_end(pid, KILL_TIMEOUT_S)
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while alive.alive(folder) and time.monotonic() < deadline:
        time.sleep(KILL_POLL_S)
    if not alive.alive(folder):
        # Others may get its number from now on.
        alive.forget(folder)


def _exists(pid: int) -> bool:
    """Return whether there is a process of a number that has not ended."""
    process = _STARTED.get(pid)
    if process is not None:
        return process.poll() is None
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True  # pragma: no cover - only Linux can be proven here


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process, and those that it has started."""
    if process.poll() is None:
        _kill_group(process.pid)
        process.kill()  # it may not have a group of its own yet
    process.wait()


def _kill_group(pid: int) -> None:
    if os.name == "nt":  # pragma: no cover - only Linux can be proven here
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    else:
        # It was not detached yet, has just ended, or is that of another user.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def log_tail(folder: Path, lines: int = 50, name: str = LOG_NAME) -> str:
    """Return the last lines of a log in a folder; nothing where there is none."""
    try:
        text = (folder / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _told(log: Path) -> str:
    text = log_tail(log.parent, name=log.name)
    if _is_full(log.parent):
        # What is told then may not be in the log.
        full = f" The disk of {log.parent} is full: make room, or set TMPDIR to a folder on another disk."
        return full + (f"\nThe last lines of its log:\n{text}" if text else "")
    return f"\nThe last lines of its log, {log}:\n{text}" if text else " Its log is empty."


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:  # the folder has gone with its run
        return False


def logs(folder: Path) -> list[Path]:
    """Return the logs in a folder, that of the process which was started last at the end."""
    found = {}
    for log in folder.glob(f"{STEM}*.log"):
        number = log.stem.removeprefix(STEM).removeprefix("-") or "1"
        if number.isdecimal():
            found[int(number)] = log
    return [log for _, log in sorted(found.items())]


def _new_log(folder: Path) -> Path:
    """Return the next log of a folder: those of processes that have ended tell why, and the last of them stay."""
    there = logs(folder)
    for log in there[:-KEPT_LOGS]:
        log.unlink(missing_ok=True)
    if not there:
        return folder / LOG_NAME
    last = there[-1].stem.removeprefix(STEM).removeprefix("-") or "1"
    return folder / f"{STEM}-{int(last) + 1}.log"


def _detached() -> dict[str, Any]:
    """Return how a process is started that Ctrl-C in this one's terminal does not reach."""
    if os.name == "nt":  # pragma: no cover - only Linux can be proven here
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}
