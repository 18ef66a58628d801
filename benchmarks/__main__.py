"""Measure every row and print a table in Markdown."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from datetime import datetime, timezone

from benchmarks import engine, runs
from benchmarks.figures import Row

ROWS: dict[str, Callable[[str], list[Row]]] = {
    "start": engine.start,
    "executions": engine.executions,
    "mocks": engine.mocks,
    "loops": engine.loops,
    "endurance": engine.endurance,
    "idle": engine.idle,
    "suite": runs.suite,
    "plugin": runs.plugin,
    "warm": runs.warm,
    "workers": runs.workers,
}


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="which groups of rows; all without")
    parser.add_argument("--kestra-version", default="1.3", help="the version or line of Kestra that is measured")
    given = parser.parse_args()
    print(f"{_machine()}, Kestra {given.kestra_version}, {datetime.now(timezone.utc):%Y-%m-%d}\n")
    print("| what | measured | target |\n|---|---|---|")
    for name in given.rows or ROWS:
        for row in ROWS[name](given.kestra_version):
            print(f"| {row.what} | {row.measured} | {row.target} |", flush=True)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
