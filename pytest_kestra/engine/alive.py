"""Whether the process lives that works in a folder: it keeps a file locked, which no other process can seem to do."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

try:
    import fcntl
except ImportError:  # pragma: no cover - only Linux can be proven here
    fcntl = None  # type: ignore[assignment]

FILE_NAME = "alive.lock"
PID_NAME = "alive.pid"
# Where /proc tells the start of a process, after its name.
START = 19
# Whoever looks holds the lock for some microseconds.
HOLD_POLL_S = 0.005


def hold(folder: Path) -> BaseFileLock:
    """Say that the process of a folder lives, until it ends, however it does; keep what is returned."""
    lock = FileLock(folder / FILE_NAME)
    lock.acquire(poll_interval=HOLD_POLL_S)
    (folder / PID_NAME).write_text(" ".join([str(os.getpid()), *_known(os.getpid())]), encoding="ascii")
    return lock


def pid(folder: Path) -> int | None:
    """Return the number of the process that lives in a folder, or of the last one that did.

    None where another process may have that number by now.
    """
    try:
        number, *known = (folder / PID_NAME).read_text(encoding="ascii").split()
        found, now = int(number), _known(int(number))
    except (OSError, ValueError):
        return None
    return found if known[: len(now)] == now else None


def forget(folder: Path) -> None:
    """Forget the last process of a folder, which has ended with all that it had started."""
    (folder / PID_NAME).unlink(missing_ok=True)


def _known(number: int) -> list[str]:
    """Return what tells a process from others of its number: when its system has started, and when itself.

    Without the second where it has ended, and nothing where there is no /proc.
    """
    found = []
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # Containers have the boot of their machine, and a first process of their own.
        found.append(f"{boot}/{_start(1)}")
        found.append(_start(number))
    return found


def _start(number: int) -> str:
    # Before it stands a name, which may have blanks and parentheses in it.
    return Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[START]


def alive(folder: Path) -> bool:
    """Return whether the process of a folder lives, though it may hang; it takes some microseconds."""
    return locked(folder / FILE_NAME)


def locked(path: Path) -> bool:
    """Return whether a process keeps a file locked."""
    try:
        return _locked(path)
    except OSError:  # there is no such file, or no longer
        return False


def _locked(path: Path) -> bool:
    if fcntl is None:  # pragma: no cover - only Linux can be proven here
        return path.exists() and _taken(path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Shared: two that look at the same moment are not taken for the process.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _taken(path: Path) -> bool:  # pragma: no cover - only Linux can be proven here
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
