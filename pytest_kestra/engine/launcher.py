"""Starting the engine's process, and waiting until it answers."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.lease import FILE_NAME, Lease
from pytest_kestra.engine.plugins import provides
from pytest_kestra.engine.process import Orders

LOG_NAME = "engine.log"
USER = "engine@pytest-kestra.local"
READY_POLL_S = 0.01
SCRIPTS = "io.kestra.plugin.scripts."
# The engines that this process has started, by their process ids: who started them takes note of their end.
_STARTED: dict[int, subprocess.Popen[bytes]] = {}


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
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = secrets.token_urlsafe(24)
        (self.folder / FILE_NAME).unlink(missing_ok=True)
        with (self.folder / LOG_NAME).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest_kestra.engine.process"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(password),
                cwd=self.folder,
                **_detached(),
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(self._orders(password).dumps().encode())
        lease = self._ready(process, password)
        _STARTED[lease.pid] = process
        return lease

    def _orders(self, password: str) -> Orders:
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
            user=USER,
            password=password,
            encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
            version=installation.version,
            startup_timeout=self.startup_timeout,
            options=list(options),
            tables=str(installation.tables) if installation.tables else None,
            plugins=str(self._plugin_folder()) if self.plugins else None,
            owner_lock=str(self.owner_lock) if self.owner_lock else None,
            configuration=dict(self.configuration),
        )

    def _class_path(self) -> list[Path]:
        installation = self.installation
        # Last: the AOT cache was made without it, and takes a longer class path but not another one.
        official = any(name.startswith(SCRIPTS) for jar in self.plugins for name in provides(jar))
        return [installation.engine_jar, *installation.jars, *([] if official else [installation.scripts_jar])]

    def _plugin_folder(self) -> Path:
        folder = self.folder / "plugins"
        folder.mkdir(exist_ok=True)
        for jar in self.plugins:
            shutil.copyfile(jar, folder / jar.name)
        return folder

    def _environment(self, password: str) -> dict[str, str]:
        environment = dict(os.environ)
        # Scripts call `python`: the one that runs the tests, with what is installed beside it.
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
        environment["PYTHONUTF8"] = "1"
        # A flow that calls the server's own API finds its credentials where a real server would have them.
        for name, value in ({"KESTRA_API_USER": USER, "KESTRA_API_PASSWORD": password} | dict(self.secrets)).items():
            environment[f"SECRET_{name.upper()}"] = base64.b64encode(value.encode()).decode()
        return environment

    def _ready(self, process: subprocess.Popen[bytes], password: str) -> Lease:
        deadline = time.monotonic() + self.startup_timeout
        while True:
            lease = Lease.read(self.folder)
            if lease is not None and lease.password == password:
                return lease
            if (code := process.poll()) is not None:
                raise EngineError(f"The embedded engine ended while it started (exit code {code}).{self._log()}")
            if time.monotonic() > deadline:
                _kill(process)
                raise EngineError(
                    f"The embedded engine was not ready after {self.startup_timeout:g} s; a slow machine may need a "
                    f"longer --kestra-startup-timeout.{self._log()}"
                )
            time.sleep(READY_POLL_S)

    def _log(self) -> str:
        text = log_tail(self.folder)
        return f"\nThe last lines of its log, {self.folder / LOG_NAME}:\n{text}" if text else " Its log is empty."


def wait_for_end(pid: int, timeout: float) -> None:
    """Return when an engine has ended that this process has started; `timeout` is in seconds, after it it is killed."""
    process = _STARTED.pop(pid, None)
    if process is None:
        return
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        _kill(process)


def exit_code(pid: int, timeout: float) -> int | None:
    """Return with which code an engine has ended, or minus the signal; None where it runs, or another has started it.

    `timeout` is in seconds: an engine that no longer answers may be about to end.
    """
    process = _STARTED.get(pid)
    if process is None:
        return None
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End an engine, and the scripts it runs."""
    if os.name != "nt":
        with contextlib.suppress(ProcessLookupError):  # it was not detached yet, or has just ended
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def log_tail(folder: Path, lines: int = 50) -> str:
    """Return the last lines of the engine's log in a folder; nothing where there is none."""
    try:
        text = (folder / LOG_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _detached() -> dict[str, Any]:
    """Return how a process is started that Ctrl-C in this one's terminal does not reach."""
    if os.name == "nt":  # pragma: no cover - only Linux can be proven here
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}
