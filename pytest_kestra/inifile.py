"""Settings as they stand in pytest's ini file, of whatever type."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_kestra.options import Option

# In which tables pytest 9 takes values of TOML's own types, by the names of files.
TABLES = {"pyproject.toml": ("tool", "pytest"), "pytest.toml": ("pytest",), ".pytest.toml": ("pytest",)}


def add(parser: pytest.Parser, option: Option) -> None:
    """Let an option stand in the ini file; one of many values may be a list there."""
    kind: Literal["linelist", "string"] = "linelist" if option.listed else "string"
    parser.addini(option.ini_name, option.help, type=kind, default=None)


def value(config: pytest.Config, option: Option) -> Any:
    """Return an option's value in the ini file; None where it is not there.

    Where pytest 9 refuses it, since it compares TOML's type with the one that was told before, it is read from there:
    a number may be one, or a text, and one version may stand without a list.
    """
    try:
        return config.getini(option.ini_name)
    except (TypeError, ValueError, pytest.UsageError):  # which of them depends on pytest's version
        found = _table(config.inipath).get(option.ini_name)
        if found is None or isinstance(found, dict):
            raise
        return found


def _table(path: Path | None) -> dict[str, Any]:
    """Return pytest's own table of a TOML file."""
    if path is None or path.name not in TABLES:
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    for name in TABLES[path.name]:
        table = table.get(name, {})
    return table
