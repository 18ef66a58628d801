"""Deadlines are none of the wall clock, which may jump."""

from __future__ import annotations

import ast
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_kestra.run.waiting import poll

PACKAGE = Path(__file__).resolve().parents[2] / "pytest_kestra"
# What is about dates, not about durations; and how long a whole engine was not used, in months.
DATES = {
    "cli/clean.py",
    "engine/marker.py",
    "report/collector.py",
    "report/data.py",
    "run/clock.py",
    "run/triggers/backfill.py",
    "run/triggers/status.py",
    "run/triggers/trigger.py",
}


def wall_clocks(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and (
            (node.attr == "time" and isinstance(node.value, ast.Name) and node.value.id == "time")
            or node.attr in ("now", "utcnow", "today")
        ):
            yield ast.unparse(node)


def test_only_what_is_about_dates_reads_the_wall_clock() -> None:
    found = {path.relative_to(PACKAGE).as_posix(): list(wall_clocks(path)) for path in PACKAGE.rglob("*.py")}

    # There `now` is Java's.
    assert {
        name for name, clocks in found.items() if clocks and not name.startswith(("engine/api/", "engine/lines/"))
    } == DATES


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_wait_does_not_end_and_does_not_last_when_the_clock_jumps(jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    real, reads, jumps = time.time, iter(range(100)), itertools.count()
    monkeypatch.setattr(time, "time", lambda: real() + jump * next(jumps))

    assert poll(lambda: next(reads), lambda number: number == 3, 60) == 3
    assert poll(lambda: None, bool, 0.02) is None
