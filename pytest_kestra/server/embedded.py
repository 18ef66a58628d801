"""The embedded engine as a server: installed if need be, started once for all processes of a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_kestra.engine import compiler
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.install import Installation, damaged, install
from pytest_kestra.engine.launcher import Launch
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.lock import resolve_version
from pytest_kestra.engine.plugins import plugin_jars
from pytest_kestra.engine.progress import Progress, progress_for
from pytest_kestra.engine.repository import Repository
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run
from pytest_kestra.server.started import StartedServer
from pytest_kestra.settings import Settings

# All that the engine's process runs: its Python, Java and stand-in, and the locks that say which jars it takes.
ENGINE = Path(compiler.__file__).parent


class EmbeddedServer(StartedServer):
    """Start the embedded engine, or use the one that another process of this run has started."""

    kind = "embedded"

    def __init__(
        self, settings: Settings, run: Run, equipment: Equipment, announce: Callable[[], None] | None = None
    ) -> None:
        # Jars that the user has put into the cache's folder of plugins serve always.
        found = map(str, sorted(Home.configured().plugins.glob("*.jar")))
        equipment = replace(equipment, plugins=[*equipment.plugins, *found])
        self.version = resolve_version(settings.version)
        # Scripts run with this Python, whatever it was called by, in this zone, and flows have `envs`.
        python = [sys.prefix, os.path.realpath(sys.executable)]
        envs = sorted(pair for pair in os.environ.items() if pair[0].startswith("ENV_"))
        made_of = [self.version, python, os.environ.get("TZ"), envs]
        if settings.reuse:
            # A release before this one, or the same before it was changed, may have started one.
            made_of.append(compiler.fingerprint(ENGINE))
        super().__init__(settings, run, equipment, announce, made_of=made_of)
        # Logs are complete when an execution has ended.
        self.capabilities |= {"embedded", "settled"}

    def open(self) -> StartedServer:
        """Return this server when it answers; ServerError says why it does not."""
        super().open()
        if self.address.is_two:
            # Its scheduler takes the time from a clock that can be moved.
            self.capabilities |= {"clock"}
        return self

    def start(self) -> Lease:
        """Install the engine if need be and start it; EngineError says why it does not start."""
        progress = progress_for(sys.stderr, self.announce)
        repository = Repository.configured(self.settings.repository)
        version = self.version
        jars = plugin_jars(self.equipment.plugins, home=self.home, repository=repository, progress=progress)
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
            configuration=self.equipment.config,
            secrets=self.equipment.secrets,
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
