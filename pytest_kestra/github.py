"""Commands by which a program tells GitHub Actions something: lines of its output."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def command(severity: str, message: str, *, file: str, line: int = 0, title: str = "") -> str:
    """Return the line that makes GitHub show an `error` or a `warning` at a line of a file; line 0 is none.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    values = {"file": file, "line": str(line or ""), "title": title}
    properties = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in values.items() if value)
    return f"::{severity} {properties}::{_escaped(message)}"


def name_of(file: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return how GitHub names a file: from the root of the repository; one that is elsewhere by its whole path."""
    root = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd())
    path = Path(os.path.normpath(Path(file).absolute()))
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _escaped(text: str, more: str = "") -> str:
    return "".join(f"%{ord(sign):02X}" if sign in "%\r\n" + more else sign for sign in text)
