"""One test run: the processes that share a server, and the one that ends it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from pathlib import Path

from filelock import BaseFileLock, FileLock

from pytest_kestra.engine.alive import alive, locked
from pytest_kestra.engine.owner import KEPT
from pytest_kestra.engine.spawn import kill
from pytest_kestra.errors import ServerError
from pytest_kestra.server.folders import RUNS, SERVER, servers_of_runs

OWNER_LOCK = "owner.lock"
REMOVE_POLL_S = 0.02
REMOVE_TIMEOUT_S = 5.0


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
        try:
            sweep()
            # It gets its name when it is locked: what has that name and is not locked has been left.
            new = Path(tempfile.mkdtemp(prefix=f".{RUNS}"))
            lock = FileLock(new / OWNER_LOCK)
            lock.acquire()
            folder = new.rename(new.with_name(new.name.removeprefix(".")))
        except OSError as error:
            raise ServerError(
                f"The run cannot have a folder of its own in {tempfile.gettempdir()}: {error.strerror or error}. "
                "Make room there, or set TMPDIR to another folder."
            ) from error
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
        try:
            if servers := [path for path in self.folder.iterdir() if path.is_dir()]:
                from pytest_kestra.server.engines import stop_engine

                for server in servers:
                    stop_engine(server)
        finally:  # also where Ctrl-C does not wait for that: then engines end by themselves
            lock.release()
            self._remove()

    def _remove(self) -> None:
        """Remove the folder, where another process may still write why the server that it was starting has ended."""
        deadline = time.monotonic() + REMOVE_TIMEOUT_S
        shutil.rmtree(self.folder, ignore_errors=True)
        while self.folder.exists() and time.monotonic() < deadline:
            time.sleep(REMOVE_POLL_S)
            shutil.rmtree(self.folder, ignore_errors=True)


def sweep() -> None:
    """Remove what runs have left whose owner and servers were killed together, as where a machine stops."""
    for folder, servers in servers_of_runs().items():
        # A server ends by itself that only has no owner.
        if _left(folder) and not any(map(alive, servers)):
            for server in servers:
                kill(server)
            shutil.rmtree(folder, ignore_errors=True)


def _left(folder: Path) -> bool:
    """Return whether a folder is of a run whose owner has ended; what else may be called like one is none."""
    if (lock := folder / OWNER_LOCK).is_file():
        return not locked(lock)
    # One of its servers has removed the lock, and could not remove the rest.
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:  # another run sweeps it away
        return False
    return bool(names) and all(name == KEPT or name.startswith(SERVER) for name in names)
