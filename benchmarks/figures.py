"""Figures, and the rows that show them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Show what was measured beside its target."""

    what: str
    measured: str
    target: str


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def milliseconds(values: Sequence[float]) -> str:
    """Return median and 95th percentile of seconds, as milliseconds."""
    ordered = sorted(values)
    return f"{statistics.median(ordered) * 1000:.0f} / {ordered[int(len(ordered) * 0.95)] * 1000:.0f} ms"


def spread(values: Sequence[float]) -> str:
    """Return median, least and most of seconds."""
    return f"{statistics.median(values):.2f} s ({min(values):.2f}–{max(values):.2f})"
