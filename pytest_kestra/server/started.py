"""A server that is started here: once for all processes that share its folder, under a lock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from filelock import FileLock

from pytest_kestra.address import Address
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.home import writing
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.spawn import log_tail
from pytest_kestra.errors import ServerError
from pytest_kestra.server.engines import ending, running
from pytest_kestra.server.run import Run
from pytest_kestra.settings import Settings

START_LOCK = "start.lock"


class StartedServer(ABC):
    """Start a server, or use the one that another process has started in the same folder.

    `folder` has its lease, its logs and its locks. A server that is kept warm outlives the run, and has a folder of the
    user's; any other is in the run's folder, and ends with the run.
    """

    kind = ""
    # As it begins a sentence.
    what = "The Kestra engine"

    def __init__(self, settings: Settings, run: Run, folder: Path, capabilities: frozenset[str]) -> None:
        self.settings = settings
        self.run = run
        self.folder = folder
        self.owner_lock = None if settings.reuse else run.owner_lock
        self.capabilities = capabilities
        self.address = Address("")
        self._lease: Lease | None = None

    @abstractmethod
    def start(self) -> Lease:
        """Start the server in its folder and return its lease when it answers; EngineError says why it does not."""

    def open(self) -> StartedServer:
        """Return this server when it answers; ServerError says why it does not."""
        lock = FileLock(self.folder / START_LOCK)
        try:
            with writing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.acquire()
            self._use(running(self.folder) or self.start())
        except EngineError as error:
            raise ServerError(str(error)) from error
        finally:
            lock.release()
        return self

    def close(self) -> None:  # noqa: B027 - nothing is what most do
        """Do nothing: the run ends its servers, or the server stays warm."""

    def log_tail(self, lines: int = 50) -> str:
        """Return the last lines of the server's log."""
        return "" if self._lease is None else log_tail(self.folder, lines, self._lease.log)

    def ending(self) -> str | None:
        """Say how the server has ended, and where its log is; None where it has not."""
        how = None if self._lease is None else ending(self._lease, self.folder)
        if how is None or self._lease is None:
            return None
        until = "" if self.settings.reuse else ", until this run ends"
        return f"{self.what} {how} (process {self._lease.pid}).\nIts log{until}: {self.folder / self._lease.log}"

    def _use(self, lease: Lease) -> None:
        self._lease = lease
        self.address = Address(lease.url, lease.user, lease.password, version=lease.version)
