"""Making the AOT cache and the snapshot of the tables, with which the engine starts in less than half the time."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import tempfile
from pathlib import Path

from pytest_kestra.engine import configuration, jvm
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.lock import line_of
from pytest_kestra.engine.runtime import Runtime

TIMEOUT_S = 480.0
MAIN = "pytestkestra.Training"
LOG_LINES = 20

# What tests do first: the classes and methods that it needs are in the cache.
FLOW = """\
id: training
namespace: pytest.kestra
inputs:
  - {id: name, type: STRING, defaults: World}
tasks:
  - {id: return, type: io.kestra.plugin.core.debug.Return, format: "Hello {{ inputs.name }}"}
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.return.value }}"}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 10 * * *"}
outputs:
  - {id: greeting, type: STRING, value: "{{ outputs.return.value }}"}
"""
# Defaults of plugins are in flows of the one line only.
MORE = {"1.3": "pluginDefaults:\n  - {type: io.kestra.plugin.core.log.Log, values: {level: ERROR}}\n", "2.0": ""}


def train(installation: Installation, cache: Path, tables: Path) -> None:
    """Write the AOT cache and the tables of an installation, in about 25 s; EngineError where the runtime cannot.

    A Java program does it, not the engine's Python process: JPype appends a jar of its own, whose path differs between
    virtual environments, and the cache is good for every class path that begins as the one it was made with.
    """
    with tempfile.TemporaryDirectory(prefix="pytest-kestra-training-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _check(_run(_command(installation, cache, tables, folder), folder), cache, tables)


def _command(installation: Installation, cache: Path, tables: Path, folder: Path) -> list[str]:
    properties, flow, arguments = folder / "properties.json", folder / "flow.yaml", folder / "arguments"
    values = configuration.properties(
        storage=folder / "storage",
        url="http://127.0.0.1",
        plugins=None,
        encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        migrate=True,
        line=line_of(installation.version),
    )
    properties.write_text(json.dumps(values), encoding="utf-8")
    flow.write_text(FLOW + MORE[line_of(installation.version)], encoding="utf-8")
    # In a file, since Windows takes no command line as long as the class path.
    class_path = os.pathsep.join(map(str, (installation.engine_jar, *installation.jars)))
    arguments.write_text('-cp "{}"'.format(class_path.replace("\\", "\\\\")), encoding="utf-8")
    options = [*jvm.options(folder), f"-XX:AOTCacheOutput={cache}", "-Xlog:aot=error,cds=error"]
    java = str(Runtime.find().java)
    return [java, *options, f"@{arguments}", MAIN, str(properties), str(flow), str(tables)]


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=jvm.plain(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"The training run was not done after {TIMEOUT_S:g} s.") from error


def _check(done: subprocess.CompletedProcess[str], *files: Path) -> None:
    missing = [file.name for file in files if not file.is_file()]
    if done.returncode or missing:
        last = "\n".join(done.stdout.splitlines()[-LOG_LINES:])
        lacks = f", without {' and '.join(missing)}" if missing else ""
        raise EngineError(f"The training run ended with exit code {done.returncode}{lacks}.\n{last}")
