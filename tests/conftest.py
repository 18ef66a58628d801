from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Half of them have to fail; tests/plugin/test_suites.py runs them.
collect_ignore = ["suites"]
CONTRACTS = ROOT.parent / "shared" / "contracts"


def pytest_configure() -> None:
    """Let Ctrl-C reach the runs that tests begin, also where a shell runs all this in its background and ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_out(config: pytest.Config, items: list[pytest.Item], is_other: Callable[[pytest.Item], bool]) -> None:
    """Deselect the items that are others."""
    others = {item: is_other(item) for item in items}
    config.hook.pytest_deselected(items=[item for item in items if others[item]])
    items[:] = [item for item in items if not others[item]]


def version_of(item: pytest.Item, default: str) -> str:
    """Return the version of Kestra that an item is for, where it is one for each of several."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return str(params.get("kestra_version", default))


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Any]:
    """Return a reader of what a real Kestra 1.3.19 answered, by the number that a file's name begins with."""
    folder = CONTRACTS / "recorded-1.3.19"
    if not folder.is_dir():
        pytest.skip("the recorded answers of a Kestra server are not beside this checkout")

    def read(number: str) -> Any:
        (file,) = folder.glob(f"{number}-*.json")
        return json.loads(file.read_text(encoding="utf-8"))

    return read


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have reported beside their outcome: one line for each exchange with the engine, and figures."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "report" and report.when == "call":
                    terminalreporter.section(report.nodeid)
                    terminalreporter.write_line(value)
