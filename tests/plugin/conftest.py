from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpcore  # noqa: F401 - pytester forgets what a run inside has imported, and httpx does not like it twice
import pytest

from pytest_kestra import Server
from pytest_kestra.engine.home import VARIABLE, Home
from tests.conftest import leave_out, version_of
from tests.plugin.remains import Remains

RETURN = """\
id: orders
namespace: company.team
inputs:
  - {id: count, type: INT, defaults: 1}
tasks:
  - id: check
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["test {{ inputs.count }} -lt 5 || { echo too many >&2; exit 3; }"]
  - id: done
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.count }}"
"""
SLOW = """\
id: slow
namespace: company.team
tasks:
  - id: sleep
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT5M
"""

# pytester gives every test another home, in which nothing is installed.
HOME = str(Home.configured().root)
RunPytest = Callable[..., pytest.RunResult]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Test the plugin itself on one line of Kestra: what flows do depends on it, how pytest tells that does not."""
    here = Path(__file__).parent
    leave_out(config, items, lambda item: item.path.parent == here and version_of(item, "1.3") != "1.3")


@pytest.fixture
def flows(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a folder with two flows, for runs that use the engine that is installed."""
    monkeypatch.setenv(VARIABLE, HOME)
    # Where pytest cuts no explanation.
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    pytester.makefile(".yaml", orders=RETURN, slow=SLOW)
    return pytester


@pytest.fixture
def run_pytest(flows: pytest.Pytester, kestra_server: Server, monkeypatch: pytest.MonkeyPatch) -> RunPytest:
    """Return what runs a text of tests with pytest on the server of these tests."""
    address = kestra_server.address
    monkeypatch.setenv("PYTEST_KESTRA_USER", address.user or "")
    monkeypatch.setenv("PYTEST_KESTRA_PASSWORD", address.password or "")

    def run(text: str, *arguments: str) -> pytest.RunResult:
        flows.makepyfile(text)
        # Processes of workers are only ended for sure where their controller is a process, too.
        run_inside = flows.runpytest_subprocess if "-n2" in arguments else flows.runpytest
        return run_inside(f"--kestra-server={address.url}", *arguments)

    return run


@pytest.fixture
def remains(flows: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Remains:
    """Return what looks for what the runs of a test have left."""
    folder = flows.path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return Remains(folder)
