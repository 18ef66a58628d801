"""The owner of a process: when it has ended, however it did, the process ends too."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

# How often it is looked whether the owner still lives, in seconds.
POLL_S = 0.5
# In a run's folder, the names of the namespaces that stay.
KEPT = "kept"


def watch(lock: Path, then: Callable[[], None]) -> None:
    """Call `then`, in a thread of its own, when the owner no longer keeps a file locked."""
    threading.Thread(target=_wait, args=(lock, then), daemon=True, name="owner").start()


def clean(lock: Path) -> None:
    """Remove the folder of an owner that has ended, unless another of its processes still has its own in it."""
    shutil.rmtree(lock.parent / KEPT, ignore_errors=True)
    with contextlib.suppress(OSError):
        lock.unlink(missing_ok=True)
        lock.parent.rmdir()


def _wait(lock: Path, then: Callable[[], None]) -> None:
    from filelock import FileLock

    while True:
        try:
            FileLock(lock).acquire(poll_interval=POLL_S)
        except OSError:
            if lock.parent.is_dir():  # too many files may be open just now
                time.sleep(POLL_S)
                continue
        then()
        return
