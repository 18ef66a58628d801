"""Tracebacks that end where the user's own code does."""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent


def shorten(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave the frames below this package out of a traceback, and the errors that led to this one."""
    own = [PACKAGE in Path(entry.path).parents for entry in excinfo.traceback]
    if True in own and not all(own):
        excinfo.traceback = type(excinfo.traceback)(excinfo.traceback[: own.index(True)])
    excinfo.value.__cause__ = None
    excinfo.value.__suppress_context__ = True
