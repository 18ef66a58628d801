"""The embedded engine as a server: installed if need be, started once for all processes of a run."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from pytest_kestra.address import Address
from pytest_kestra.engine import compiler
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.home import Home, writing
from pytest_kestra.engine.install import Installation, damaged, install
from pytest_kestra.engine.launcher import LOG_NAME, Launch, log_tail
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.lock import resolve_version
from pytest_kestra.engine.plugins import plugin_jars
from pytest_kestra.engine.progress import AnnouncedProgress, Progress, progress_for
from pytest_kestra.engine.repository import Repository
from pytest_kestra.errors import ServerError
from pytest_kestra.server.engines import ending, running
from pytest_kestra.server.run import Run
from pytest_kestra.settings import Settings

STARTED = frozenset({"embedded", "settled", "secrets", "plugins", "configuration"})


class EmbeddedServer:
    """Start the embedded engine, or use the one that another process of this run has started.

    `announce` is called before anything is written about an installation, to the standard error.
    """

    kind = "embedded"

    def __init__(
        self,
        settings: Settings,
        run: Run,
        *,
        config: Mapping[str, Any],
        secrets: Mapping[str, str],
        plugins: Sequence[str],
        announce: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.announce = announce
        self.home = Home.configured()
        # Jars that the user has put into the cache's folder of plugins serve always.
        found = map(str, sorted(self.home.plugins.glob("*.jar")))
        self.config, self.secrets, self.plugins = config, secrets, [*plugins, *found]
        key = _key(settings, config, secrets, self.plugins)
        self.folder = self.home.warm / key if settings.reuse else run.folder / f"engine-{key}"
        self.owner_lock = None if settings.reuse else run.owner_lock
        self._lease: Lease | None = None
        self.address = Address("")
        # Logs are complete when an execution has ended, and a cold engine forgets everything with the run.
        self.capabilities = STARTED | (frozenset() if settings.reuse else {"ephemeral"})

    def open(self) -> EmbeddedServer:
        """Return this server when its engine answers; ServerError says why it does not."""
        lock = FileLock(self.folder / "start.lock")
        try:
            with writing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.acquire()
            lease = self._lease = running(self.folder) or self._start()
        except EngineError as error:
            raise ServerError(str(error)) from error
        finally:
            lock.release()
        self.address = Address(lease.url, lease.user, lease.password, version=lease.version)
        return self

    def close(self) -> None:
        """Do nothing: the run ends its engines, or the engine stays warm."""

    def log_tail(self, lines: int = 50) -> str:
        """Return the last lines of the engine's log."""
        return log_tail(self.folder, lines)

    def ending(self) -> str | None:
        """Say how the engine's process has ended, and where its log is; None where it has not."""
        how = None if self._lease is None else ending(self._lease)
        if how is None or self._lease is None:
            return None
        until = "" if self.settings.reuse else ", until this run ends"
        return f"The Kestra engine {how} (process {self._lease.pid}).\nIts log{until}: {self.folder / LOG_NAME}"

    def _start(self) -> Lease:
        progress = progress_for(sys.stderr)
        if self.announce is not None:
            progress = AnnouncedProgress(progress, self.announce)
        repository = Repository.configured(self.settings.repository)
        version = resolve_version(self.settings.version)
        jars = plugin_jars(self.plugins, home=self.home, repository=repository, progress=progress)
        installation = install_engine(version, self.home, repository, progress)
        try:
            return self._launch(installation, jars)
        except EngineError:
            # A file that was damaged after it was installed shows only now.
            if not damaged(installation, self.home):
                raise
            return self._launch(install_engine(version, self.home, repository, progress, verify=True), jars)

    def _launch(self, installation: Installation, jars: Sequence[Path]) -> Lease:
        launch = Launch(
            installation,
            self.folder,
            configuration=self.config,
            secrets=self.secrets,
            plugins=jars,
            owner_lock=self.owner_lock,
            startup_timeout=self.settings.startup_timeout,
        )
        return launch.start()


def install_engine(
    version: str, home: Home, repository: Repository, progress: Progress, *, verify: bool = False
) -> Installation:
    """Install an engine with its AOT cache, or find it installed."""
    from pytest_kestra.engine.training import train

    return install(version, home=home, repository=repository, progress=progress, train=train, verify=verify)


def _key(settings: Settings, config: Mapping[str, Any], secrets: Mapping[str, str], plugins: Sequence[str]) -> str:
    """Return a short name for an engine with these settings, which nothing of them can be read from.

    Who would start another engine gets another name: scripts run with this Python, and a jar may have been built anew.
    """
    made_of = [
        *(settings.version, config, sorted(secrets.items()), [_plugin(plugin) for plugin in plugins]),
        *(sys.executable, os.environ.get("TZ"), compiler.fingerprint(compiler.SOURCES)),
    ]
    text = json.dumps(made_of, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plugin(plugin: str) -> list[object]:
    try:
        status = Path(plugin).expanduser().absolute().stat()
    except (OSError, RuntimeError):  # a coordinate
        return [plugin]
    return [str(Path(plugin).absolute()), status.st_size, status.st_mtime]
