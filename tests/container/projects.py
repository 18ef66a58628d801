"""Projects of users whose tests run with Kestra in a container."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kestra.engine.lease import Lease

SECRET = "s3cret-plum"
FLOW = """\
id: orders
namespace: company.team
tasks:
  - {id: done, type: io.kestra.plugin.core.debug.Return, format: "{{ secret('FRUIT') }}"}
"""
SLOW = """\
id: slow
namespace: company.team
tasks:
  - {id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT5M}
"""


class Project:
    """A folder with flows and tests, whose runs keep all they make below it."""

    def __init__(self, pytester: pytest.Pytester, image: str) -> None:
        self.pytester = pytester
        self.arguments = ["--kestra-server=container", f"--kestra-image={image}", "--kestra-startup-timeout=300"]

    def run(self, text: str, *arguments: str) -> pytest.RunResult:
        self.pytester.makepyfile(text)
        return self.pytester.runpytest_subprocess(*self.arguments, *arguments)

    def begin(self, text: str, *arguments: str) -> subprocess.Popen[str]:
        self.pytester.makepyfile(text)
        command = [sys.executable, "-m", "pytest", *self.arguments, *arguments]
        return subprocess.Popen(
            command, cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    @property
    def path(self) -> Path:
        return self.pytester.path

    def lease(self) -> Lease | None:
        """Return the lease of the container that has started, if it has."""
        found = [Lease.read(file.parent) for file in self.path.glob("tmp/*/*/engine.json")]
        return found[0] if found else None
