"""One test run: the processes that share a server, and the one that ends it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from filelock import BaseFileLock, FileLock

OWNER_LOCK = "owner.lock"
KEPT = "kept"


class Run:
    """Hold the folder that all processes of a test run share.

    The owner, the controller of pytest-xdist or the only process, keeps a lock as long as it lives. The operating
    system frees it however the owner ends, so an engine that waits for this lock ends too.
    """

    def __init__(self, folder: Path, lock: BaseFileLock | None = None) -> None:
        self.folder = folder
        self._lock = lock

    @classmethod
    def create(cls) -> Run:
        """Begin a run that this process owns, in a new folder that only this user can read."""
        folder = Path(tempfile.mkdtemp(prefix="pytest-kestra-"))
        lock = FileLock(folder / OWNER_LOCK)
        lock.acquire()
        return cls(folder, lock)

    @classmethod
    def join(cls, folder: Path) -> Run:
        """Take part in a run that another process owns."""
        return cls(Path(folder))

    @property
    def owner_lock(self) -> Path:
        """Return the file that the owner keeps locked."""
        return self.folder / OWNER_LOCK

    @property
    def key(self) -> str:
        """Return six hexadecimal digits that all processes of the run share."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]

    def keep(self, name: str) -> None:
        """Remember for all processes of the run that a test's namespace stays."""
        (self.folder / KEPT).mkdir(exist_ok=True)
        (self.folder / KEPT / name).touch()

    @property
    def kept(self) -> list[str]:
        """The names of the namespaces that stay."""
        return [path.name for path in self.folder.glob(f"{KEPT}/*")]

    def finish(self) -> None:
        """End the run if this process owns it: stop its engines and remove its folder; a second time does nothing."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        if any(self.folder.glob("engine-*")):
            from pytest_kestra.server.engines import stop_engine

            for folder in self.folder.glob("engine-*/"):
                stop_engine(folder)
        lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)
