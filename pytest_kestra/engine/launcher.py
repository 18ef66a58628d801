"""The embedded engine: what its process is started with."""

from __future__ import annotations

import base64
import locale
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kestra.engine import jvm
from pytest_kestra.engine.home import VARIABLE, writing
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.plugins import STAND_IN, free_name, provides
from pytest_kestra.engine.process import Orders
from pytest_kestra.engine.spawn import Spawn

USER = "engine@pytest-kestra.local"
SCRIPTS = "io.kestra.plugin.scripts."
# In the engine's folder, what scripts are to find first.
PROGRAMS = "bin"


def _locale() -> dict[str, str]:
    """Return what lets Java read and write names and arguments in UTF-8 where the environment's locale does not.

    Python does so by itself, so that nobody notices (PEP 540).
    """
    if sys.platform != "linux" or locale.nl_langinfo(locale.CODESET).upper() in ("UTF-8", "UTF8"):
        return {}
    return {"LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Launch:
    """Say which engine is to start, and with what.

    `folder` is the engine's own: its log, its lease and its storage. `secrets` are what `{{ secret('NAME') }}` renders.
    """

    installation: Installation
    folder: Path
    configuration: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    plugins: Sequence[Path] = ()
    owner_lock: Path | None = None
    startup_timeout: float = 120.0
    options: Sequence[str] | None = None

    def start(self) -> Lease:
        """Start the engine and return its lease when it answers; EngineError shows its log if it does not."""
        password = secrets.token_urlsafe(24)
        # What is started by a run is in a folder for temporary files, and the rest in the user's.
        with writing(self.folder, variable=VARIABLE if self.owner_lock is None else "TMPDIR"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            plugins = self._plugin_folder() if self.plugins else None
            environment = self._environment(password)
        return Spawn(
            what="The embedded engine",
            module="pytest_kestra.engine.process",
            folder=self.folder,
            orders=lambda log: self._orders(password, log, plugins).dumps(),
            password=password,
            timeout=self.startup_timeout,
            environment=environment,
        ).start()

    def _orders(self, password: str, log: str, plugins: Path | None) -> Orders:
        installation = self.installation
        options = self.options
        if options is None:
            # For such paths JPype asks the virtual machine for something that it does not do with a cache.
            plain = all(str(path).isascii() for path in (sys.prefix, *self._class_path()))
            options = [f"-XX:AOTCache={installation.aot_cache}"] if installation.aot_cache and plain else []
        return Orders(
            library=str(installation.jvm),
            class_path=[str(jar) for jar in self._class_path()],
            folder=str(self.folder),
            log=log,
            user=USER,
            password=password,
            encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
            version=installation.version,
            startup_timeout=self.startup_timeout,
            options=list(options),
            tables=str(installation.tables) if installation.tables else None,
            plugins=str(plugins) if plugins else None,
            owner_lock=str(self.owner_lock) if self.owner_lock else None,
            configuration=dict(self.configuration),
        )

    def _class_path(self) -> list[Path]:
        installation = self.installation
        # Last: the AOT cache was made without it, and takes a longer class path but not another one.
        official = any(name.startswith(SCRIPTS) for jar in self.plugins for name in provides(jar))
        scripts = [] if official else [installation.scripts_jar]
        return [installation.engine_jar, *installation.jars, *scripts, STAND_IN]

    def _plugin_folder(self) -> Path:
        folder = self.folder / "plugins"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        names: dict[str, Path] = {}
        for jar in dict.fromkeys(self.plugins):
            names[free_name(jar, names)] = jar
        for name, jar in names.items():
            shutil.copyfile(jar, folder / name)
        return folder

    def _path(self, path: str) -> str:
        """Return where scripts find programs: `python` is the one that runs the tests, with what is beside it."""
        beside = Path(sys.executable).parent
        if os.name == "nt" or os.path.realpath(beside / "python") == os.path.realpath(sys.executable):
            return os.pathsep.join([str(beside), path])
        # As of a system whose Python is `python3` only. A link would not know its virtual environment.
        own = self.folder / PROGRAMS
        own.mkdir(parents=True, exist_ok=True)
        for name in ("python", "python3"):
            program = own / name
            program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
            program.chmod(0o700)
        return os.pathsep.join([str(own), path])

    def _environment(self, password: str) -> dict[str, str]:
        environment = {**jvm.plain(os.environ), **jvm.properties(os.environ), **_locale()}
        environment["PATH"] = self._path(environment.get("PATH", os.defpath))
        environment["PYTHONUTF8"] = "1"
        # A flow that calls the server's own API finds its credentials where a real server would have them.
        for name, value in ({"KESTRA_API_USER": USER, "KESTRA_API_PASSWORD": password} | dict(self.secrets)).items():
            environment[f"SECRET_{name.upper()}"] = base64.b64encode(value.encode()).decode()
        return environment
