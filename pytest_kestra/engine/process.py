"""The engine's own process: a Java virtual machine with Kestra in it, and Kestra's REST API over it.

It is told what to do by a JSON text on its standard input, so that nothing secret stands in a command line.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import signal
import socket
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from pytest_kestra.engine import alive, configuration, database, jvm, owner
from pytest_kestra.engine.lease import FILE_NAME, Lease
from pytest_kestra.engine.lock import line_of

KEEP_ALIVE_S = 75
STORAGE = "storage"


@dataclass(frozen=True)
class Orders:
    """Say how the engine is to start; paths are absolute.

    `log` is the name of the log in the folder. `owner_lock` is a file that the test run keeps locked: when the lock can
    be had, the run has ended and so does the engine. Without one the engine runs until it is stopped. `tables` is a
    snapshot of the empty tables. The port 0 is any that is free.
    """

    library: str
    class_path: list[str]
    folder: str
    log: str
    user: str
    password: str
    encryption_key: str
    version: str
    startup_timeout: float
    options: list[str] = field(default_factory=list)
    tables: str | None = None
    plugins: str | None = None
    owner_lock: str | None = None
    configuration: dict[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    ports: list[int] = field(default_factory=lambda: [0])

    def dumps(self) -> str:
        """Return the orders as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, stream: IO[str]) -> Orders:
        """Read orders from a stream."""
        return cls(**json.load(stream))


class Engine:
    """Run Kestra and serve its API until told to stop."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.folder = Path(orders.folder)
        self.lock = alive.hold(self.folder)
        self.sockets = [_listen(orders.host, port) for port in orders.ports]
        self.url = f"http://127.0.0.1:{self.sockets[0].getsockname()[1]}"
        self.server: Any = None
        self.abandoned = False

    def run(self) -> None:
        """Start, serve, and clean up; return when the engine was told to stop."""
        if self.orders.owner_lock is not None:
            owner.watch(Path(self.orders.owner_lock), self._abandon)
        # The virtual machine needs a core for a second; what Python has to import meanwhile costs nothing.
        imports = threading.Thread(target=_import_server, daemon=True, name="imports")
        imports.start()
        kestra = self._start_kestra()
        imports.join()
        import uvicorn

        from pytest_kestra.engine.api.app import app
        from pytest_kestra.engine.api.protocol import Protocol

        application = app(kestra, url=self.url, user=self.orders.user, password=self.orders.password, stop=self.stop)
        settings = uvicorn.Config(
            application,
            http=Protocol,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            # Longer than clients keep an idle connection: else one is used at the moment it is closed here.
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(settings)
        _freeze()
        # uvicorn ends its loop and then raises the signal anew.
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        threading.Thread(target=self._watch_kestra, daemon=True, name="kestra").start()
        self._lease().write(self.folder)
        self.server.run(sockets=self.sockets)

    def stop(self) -> None:
        """End serving, which ends the process."""
        if self.server is None:  # not even started
            self.end()
        self.server.should_exit = True
        self.server.force_exit = True

    def end(self, code: int = 0) -> None:
        """End the process, everything it started, and remove what it stored; never returns.

        Nobody reads the log of an engine whose run has gone, so that is removed too.
        """
        try:
            (self.folder / FILE_NAME).unlink(missing_ok=True)
            with contextlib.suppress(Exception):  # Java's memory may be full
                _end_children()
            made = (self.folder,) if self.abandoned else (self.folder / STORAGE, self.folder / jvm.TEMPORARY)
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
            if self.abandoned and self.orders.owner_lock is not None:
                owner.clean(Path(self.orders.owner_lock))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            self._leave(code)

    def _leave(self, code: int) -> None:
        """End the process, and where its run has gone what scripts have left in the background."""
        if self.abandoned and hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(code)

    def _lease(self) -> Lease:
        orders = self.orders
        return Lease(self.url, orders.user, orders.password, orders.version, os.getpid(), orders.log)

    def _start_kestra(self) -> Any:
        orders = self.orders
        storage = self.folder / STORAGE
        storage.mkdir(parents=True, exist_ok=True)
        jvm.start(Path(orders.library), [Path(jar) for jar in orders.class_path], self.folder, orders.options)
        from pytest_kestra.engine import lines

        line = line_of(orders.version)
        tables = _Tables(Path(orders.tables) if orders.tables else None)
        plugins = Path(orders.plugins) if orders.plugins else None
        properties = configuration.properties(
            storage=storage,
            url=self.url,
            plugins=plugins,
            encryption_key=orders.encryption_key,
            migrate=not tables.found,
            line=line,
        )
        kestra = lines.of(line)(configuration.merged(properties, orders.configuration), plugins)
        tables.wait()
        kestra.run(orders.startup_timeout)
        database.index()
        return kestra

    def _abandon(self) -> None:
        self.abandoned = True
        self.stop()

    def _watch_kestra(self) -> None:
        """End when Kestra cannot go on; an engine that is deaf would only make tests wait."""
        jvm.java("io.kestra.runner.h2.Failure").awaitFailure()
        self.end(1)


class _Tables:
    """Load the snapshot of the tables beside the start of Kestra, which needs them only when its services run."""

    def __init__(self, snapshot: Path | None) -> None:
        self.found = snapshot is not None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._load, args=(snapshot,), daemon=True, name="tables")
        if self.found:
            self._thread.start()

    def _load(self, snapshot: Path) -> None:
        try:
            database.load(snapshot)
        except BaseException as error:  # noqa: BLE001 - it is raised where the tables are waited for
            self._error = error

    def wait(self) -> None:
        """Return when the tables are there."""
        if self.found:
            self._thread.join()
        if self._error is not None:
            raise self._error


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket on a port that nobody else can get any more."""
    # asyncio sends small answers at once only on sockets that name the protocol.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind((host, port))
    listening.listen(1024)
    return listening


def _import_server() -> None:
    import uvicorn  # noqa: F401

    import pytest_kestra.engine.api.app
    import pytest_kestra.engine.api.protocol  # noqa: F401


def _freeze() -> None:
    """Take what is there now out of what Python's collector of garbage walks.

    It stays to the end: some 30,000 objects of the imports alone, and what Python holds of the virtual machine. A walk
    that finds nothing may cost twice, since JPype lets Java's collector follow Python's.
    """
    gc.collect()
    gc.freeze()


def _end_children() -> None:
    import jpype

    if jpype.isJVMStarted():
        for child in list(jvm.java("java.lang.ProcessHandle").current().descendants().toArray()):
            child.destroyForcibly()


def main(orders: Orders) -> None:
    """Run the engine until it is told to stop; never returns."""
    engine = Engine(orders)
    try:
        engine.run()
    except Exception:  # noqa: BLE001 - whatever it is, the log is where it is looked for
        import traceback

        traceback.print_exc()
        engine.end(1)
    engine.end()


if __name__ == "__main__":
    main(Orders.load(sys.stdin))
