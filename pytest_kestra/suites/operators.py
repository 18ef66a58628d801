"""The 13 operators of assertions, for servers that cannot be asked; words and rules are those of Kestra.

Its own code (io.kestra.core.test.flow.Assertion) compares what it has rendered: texts stay texts, and text operators
take texts only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """Tell how one operator of an assertion has come out."""

    operator: str
    expected: Any
    actual: Any
    success: bool
    message: str | None
