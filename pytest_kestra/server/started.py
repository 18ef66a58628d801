"""A server that is started here: once for all processes that share its folder, under a lock."""

from __future__ import annotations

import contextlib
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from pytest_kestra.address import Address
from pytest_kestra.engine.alive import alive, locked
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.home import VARIABLE, Home, writing
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.spawn import kill, log_tail, logs
from pytest_kestra.errors import ServerError
from pytest_kestra.server.engines import START_LOCK, address_of, answers, ended
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.folders import SERVER
from pytest_kestra.server.run import Run
from pytest_kestra.server.starts import Starts
from pytest_kestra.settings import Settings

# How often a server that has ended is started again in a run.
MOST_RESTARTS = 3
# What takes longer to say that it is there hangs, after a request that has failed, also on a busy machine.
HANG_TIMEOUT_S = 30.0
STARTED = frozenset({"secrets", "plugins", "configuration", "mocks"})


class StartedServer(ABC):
    """Start a server, or use the one that another process has started in the same folder.

    `folder` has its lease, its logs and its locks. A server that is kept warm outlives the run, and has a folder of the
    user's; any other is in the run's folder, and ends with the run. `made_of` is what tells one server from another
    besides its equipment. `announce` is called before anything is written to the standard error, such as how far a
    download is.
    """

    kind = ""
    # As it begins a sentence.
    what = "The Kestra engine"

    def __init__(
        self,
        settings: Settings,
        run: Run,
        equipment: Equipment,
        announce: Callable[[], None] | None = None,
        *,
        made_of: Sequence[object],
    ) -> None:
        self.settings = settings
        self.run = run
        self.equipment = equipment
        self.announce = announce
        self.home = Home.configured()
        key = _key([*made_of, *equipment.made_of])
        self.folder = self.home.warm / key if settings.reuse else run.folder / f"{SERVER}{key}"
        self.owner_lock = None if settings.reuse else run.owner_lock
        # A cold server forgets everything with the run.
        self.capabilities = STARTED | (frozenset() if settings.reuse else {"ephemeral"})
        self.address = Address("")
        self._lease: Lease | None = None
        self._doubted = self._hangs = False

    @abstractmethod
    def start(self) -> Lease:
        """Start the server in its folder and return its lease when it answers; EngineError says why it does not."""

    def open(self) -> StartedServer:
        """Return this server when it answers; ServerError says why it does not."""
        self._have(lambda _: True)
        return self

    def renew(self) -> bool:
        """Start the server anew where it has ended or hangs, once for all processes; return whether it is another now.

        It takes some microseconds where nothing has happened. ServerError where it cannot be had any more.
        """
        old, doubted, self._doubted = self._lease, self._doubted, False
        if old is None or (not doubted and alive(self.folder) and Lease.read(self.folder) == old):
            return False

        def good(found: Lease) -> bool:
            # Another is not doubted: it is in use by others, and may only be slow.
            return found != old or not (self._hangs or (doubted and not answers(old, HANG_TIMEOUT_S)))

        self._have(good)
        return self._lease != old

    def doubt(self) -> None:
        """Let `renew` ask the server whether it answers: a request has failed, and it may hang."""
        self._doubted = True

    def close(self) -> None:  # noqa: B027 - nothing is what most do
        """Do nothing: the run ends its servers, or the server stays warm."""

    def log_tail(self, lines: int = 50) -> str:
        """Return the last lines of the server's log."""
        return "" if self._lease is None else log_tail(self.folder, lines, self._lease.log)

    def ending(self) -> str | None:
        """Say how the server has ended, or that it hangs, and where its log is; None where it does neither."""
        if self._lease is None:
            return None
        self._hangs = False
        how = ended(self._lease, self.folder)
        if how is None and not answers(self._lease, HANG_TIMEOUT_S):
            self._hangs, how = True, f"hangs: it has not answered for {HANG_TIMEOUT_S:g} s"
        return None if how is None else self._ending(f"{how} (process {self._lease.pid})", self._lease)

    def _ending(self, how: str, lease: Lease) -> str:
        return f"{self.what} {how}.\nIts log{self._until}: {self.folder / lease.log}"

    @property
    def _until(self) -> str:
        return "" if self.settings.reuse else ", until this run ends"

    def _have(self, good: Callable[[Lease], bool]) -> None:
        """Use the server that is there if it is good, else start one; ServerError says why there is none."""
        lock = FileLock(self.folder / START_LOCK)
        try:
            self._check_run()
            with self._writing():
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.acquire()
            found = Lease.read(self.folder) if alive(self.folder) else None
            self._use(found if found is not None and good(found) else self._started())
        except EngineError as error:
            raise ServerError(str(error)) from error
        finally:
            lock.release()

    def _started(self) -> Lease:
        """Start the server if it may be; the lock is held."""
        # What hangs, or was left behind.
        kill(self.folder)
        self._check_run()
        starts = Starts.read(self.folder, self.run.folder.name)
        if starts.failure is not None:
            raise ServerError(starts.failure)
        if starts.number > MOST_RESTARTS:
            raise ServerError(
                f"{self.what} has ended again after {starts.number} starts in this run, and is not started any more; "
                f"the log of the last one{self._until}: {self._last_log()}"
            )
        starts = replace(starts, number=starts.number + 1)
        with self._writing():
            starts.write(self.folder)
        try:
            return self.start()
        except EngineError as error:
            failure = f"{self.what} cannot be had in this run: {str(error).splitlines()[0]}"
            log = self._last_log()
            with contextlib.suppress(OSError):  # then others try it, too
                replace(starts, failure=f"{failure} Its log{self._until}: {log}" if log else failure).write(self.folder)
            raise

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self.folder, variable=VARIABLE if self.settings.reuse else "TMPDIR")

    def _last_log(self) -> Path | None:
        found = logs(self.folder)
        return found[-1] if found else None

    def _check_run(self) -> None:
        """Start nothing for a run that has ended, such as in a worker that has not heard of that yet."""
        if not locked(self.run.owner_lock):
            raise ServerError("The test run has ended: no server is started for it any more.")

    def _use(self, lease: Lease) -> None:
        self._lease, self._hangs = lease, False
        self.address = address_of(lease)


def _key(made_of: Sequence[object]) -> str:
    """Return a short name for a server that is made of this, which nothing of it can be read from."""
    text = json.dumps(made_of, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
