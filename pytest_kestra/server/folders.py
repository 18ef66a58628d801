"""The folders of test runs, in which their servers live."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from pytest_kestra.engine.alive import FILE_NAME

# How their names begin.
RUNS = "pytest-kestra-"
# And how those of their servers do.
SERVER = "engine-"


def servers_of_runs() -> dict[Path, list[Path]]:
    """Return the folders of this user's runs with those of their servers; nothing of other users."""
    found = {}
    for folder in Path(tempfile.gettempdir()).glob(f"{RUNS}*"):
        with contextlib.suppress(OSError):  # a run may just end
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == os.getuid()):
                found[folder] = [lock.parent for lock in folder.glob(f"*/{FILE_NAME}")]
    return found
