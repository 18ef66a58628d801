"""Halves of characters, which JSON and YAML can write but no database stores.

Kestra stores what has one in it only in part, and an execution of it ends the executor.
"""

from __future__ import annotations

import re
from typing import Any

from pytest_kestra.engine.kestra import Kestra

# Also begins whole characters, and stands in scripts: only the value tells.
ESCAPE = re.compile(r"\\[uU](0000)?[dD][89a-fA-F]")


def refuse(kestra: Kestra, text: str, value: Any) -> None:
    """Raise an error if a Java value that was read from a text has half a character in it."""
    if ESCAPE.search(text):
        # Text of Java with a half is none of Python: a UnicodeDecodeError, which is the caller's mistake.
        kestra.json.writeValueAsString(value)
