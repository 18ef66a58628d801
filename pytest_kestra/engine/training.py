"""Making the AOT cache with which the engine starts in less than half the time."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import httpx

from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.launcher import Launch, log_tail
from pytest_kestra.engine.lease import Lease

STARTUP_TIMEOUT_S = 180.0
WRITE_TIMEOUT_S = 300.0
RUNS = 20

# What tests do first: the classes and methods that it needs are in the cache.
FLOW = """\
id: training
namespace: pytest.kestra
inputs:
  - {id: name, type: STRING, defaults: World}
pluginDefaults:
  - type: io.kestra.plugin.core.log.Log
    values: {level: ERROR}
tasks:
  - {id: return, type: io.kestra.plugin.core.debug.Return, format: "Hello {{ inputs.name }}"}
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.return.value }}"}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 10 * * *"}
outputs:
  - {id: greeting, type: STRING, value: "{{ outputs.return.value }}"}
"""


def train(installation: Installation, cache: Path) -> None:
    """Write the AOT cache of an installation, in about 25 s; EngineError where the runtime cannot."""
    with tempfile.TemporaryDirectory(prefix="pytest-kestra-training-", ignore_cleanup_errors=True) as folder:
        launch = Launch(
            installation,
            Path(folder),
            startup_timeout=STARTUP_TIMEOUT_S,
            options=[f"-XX:AOTCacheOutput={cache}", "-Xlog:aot=error,cds=error"],
            training=True,
        )
        process, lease = launch.start()
        try:
            _exercise(lease)
            process.wait(WRITE_TIMEOUT_S)
        except (httpx.HTTPError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"The start-up cache could not be made: {error}.\n{log_tail(Path(folder))}") from error
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if not cache.is_file():
            raise EngineError(f"The Java runtime wrote no start-up cache.\n{log_tail(Path(folder))}")


def _exercise(lease: Lease) -> None:
    with httpx.Client(base_url=lease.url, auth=(lease.user, lease.password), timeout=60.0) as client:
        api = "/api/v1/main"
        yaml = {"content-type": "application/x-yaml"}
        client.post(f"{api}/flows/validate", content=FLOW, headers=yaml).raise_for_status()
        client.post(f"{api}/flows", content=FLOW, headers=yaml).raise_for_status()
        for _ in range(RUNS):
            inputs = {"name": (None, "Ada")}
            answer = client.post(f"{api}/executions/pytest.kestra/training?wait=true", files=inputs).raise_for_status()
        client.get(f"{api}/executions/{answer.json()['id']}").raise_for_status()
        client.get(f"{api}/logs/{answer.json()['id']}").raise_for_status()
        client.get(f"{api}/flows/pytest.kestra/training?source=true").raise_for_status()
        client.delete(f"{api}/executions/{answer.json()['id']}").raise_for_status()
        client.delete(f"{api}/flows/pytest.kestra/training").raise_for_status()
        client.post("/pytest-kestra/stop").raise_for_status()
