"""What whole runs of pytest take."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from benchmarks.figures import Row, seconds

TESTS, PART, PAIRS = 500, 50, 25
MANY = f"""
import pytest

FLOW = '''
id: one
namespace: benchmarks
tasks:
  - {{id: say, type: io.kestra.plugin.core.debug.Return, format: hello}}
'''

@pytest.mark.parametrize("number", range({TESTS}))
def test_it(kestra, number):
    assert kestra.deploy(FLOW).run().state == "SUCCESS"
"""
URLS = """
import os
from pathlib import Path

import pytest

@pytest.mark.parametrize("number", range(20))
def test_it(kestra_server, number):
    Path(f"{os.environ['PYTEST_XDIST_WORKER']}-{number}").write_text(kestra_server.address.url)
"""
EMPTY = "def test_it(kestra):\n    pass\n"
NOTHING = "def test_it():\n    pass\n"


def suite(version: str) -> list[Row]:
    """Compare the last tests of a long run with the first."""
    with tempfile.TemporaryDirectory() as name:
        _pytest(Path(name), MANY, "--kestra-server=embedded", f"--kestra-version={version}", "--junit-xml=junit.xml")
        times = [float(case.attrib["time"]) for case in ET.parse(Path(name) / "junit.xml").iter("testcase")]
    # The very first test starts the engine.
    first, last = sum(times[1 : PART + 1]), sum(times[-PART:])
    what = f"{TESTS} tests in one run, last {PART} against first {PART}"
    return [Row(what, f"{last / first:.2f} × ({first:.1f} s, {last:.1f} s)", "≤ 1.1 ×")]


def plugin(version: str) -> list[Row]:  # noqa: ARG001 - no engine is started
    """Compare runs that never ask for `kestra` with and without the plugin, in turns."""
    with_plugin, without = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(PAIRS):
            with_plugin.append(seconds(lambda: _pytest(folder, NOTHING)))
            without.append(seconds(lambda: _pytest(folder, NOTHING, "-p", "no:kestra")))
    more = statistics.median(a - b for a, b in zip(with_plugin, without, strict=True))
    base = statistics.median(without)
    what = f"`pytest` that never asks for `kestra`, median of {PAIRS} pairs"
    return [Row(what, f"{more * 1000:.0f} ms more than without the plugin ({base * 1000:.0f} ms)", "≤ 15 ms")]


def warm(version: str) -> list[Row]:
    """Compare runs with a warm engine with runs that need none, in turns."""
    warm_runs, without = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "PYTEST_KESTRA_REUSE": "true",
            "PYTEST_KESTRA_SERVER": "embedded",
            "PYTEST_KESTRA_VERSION": version,
        }
        try:
            _pytest(folder, EMPTY, environment=environment)
            for _ in range(PAIRS):
                warm_runs.append(seconds(lambda: _pytest(folder, EMPTY, environment=environment)))
                without.append(seconds(lambda: _pytest(folder, NOTHING)))
        finally:
            subprocess.run([sys.executable, "-m", "pytest_kestra.cli", "engine", "stop"], check=True)
    more = statistics.median(a - b for a, b in zip(warm_runs, without, strict=True))
    what = f"`--kestra-reuse`: a run with `kestra` on a warm engine against one without it, median of {PAIRS} pairs"
    return [Row(what, f"{more * 1000:.0f} ms more", "≤ 500 ms")]


def workers(version: str) -> list[Row]:
    """Count the engines of two workers."""
    with tempfile.TemporaryDirectory() as name:
        _pytest(Path(name), URLS, "--kestra-server=embedded", f"--kestra-version={version}", "-n2")
        files = list(Path(name).glob("gw*"))
        urls = {file.read_text(encoding="utf-8") for file in files}
        users = {file.name.partition("-")[0] for file in files}
    return [Row("two workers of pytest-xdist", f"{len(urls)} engine for {len(users)} workers", "1 engine")]


def _pytest(folder: Path, text: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
