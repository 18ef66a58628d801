"""Everything that users can call is called on the real engine by some test."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_kestra import (
    Attempt,
    Clock,
    Execution,
    File,
    Flow,
    Kestra,
    KeyValues,
    LogEntry,
    Logs,
    Metric,
    NamespaceFiles,
    TaskRun,
    Trigger,
)
from pytest_kestra.run.path import Path as TaskPath

ROOT = Path(__file__).resolve().parents[2]
CLASSES = (
    *(
        Attempt,
        Clock,
        Execution,
        File,
        Flow,
        Kestra,
        KeyValues,
        LogEntry,
        Logs,
        Metric,
        NamespaceFiles,
        TaskPath,
        TaskRun,
    ),
    Trigger,
)
# What dictionaries and tuples have of themselves, and what our own objects use among each other.
NOT_OURS = {*dir(dict), *dir(tuple), *dir(object), "of", "reading", "deployed", "session", "close", "name"}
NOT_OURS |= {"place", "properties", "where_disabled"}


def names() -> Iterator[tuple[str, str]]:
    for owner in CLASSES:
        fields = getattr(owner, "__dataclass_fields__", {})
        for name in sorted({*fields, *(name for name, _ in inspect.getmembers(owner))}):
            if not name.startswith("_") and name not in NOT_OURS:
                yield owner.__name__, name


def used() -> set[str]:
    """Return the names that tests on the engine take from something."""
    found: set[str] = set()
    for folder in ("tests/engine", "example_flows"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found


USED = used()


@pytest.mark.parametrize(("owner", "name"), [pytest.param(*item, id=".".join(item)) for item in names()])
def test_every_public_name_is_used_on_the_engine(owner: str, name: str) -> None:
    assert name in USED, f"no test on the real engine uses {owner}.{name}"
