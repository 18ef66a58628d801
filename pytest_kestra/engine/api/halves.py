"""Halves of characters, which JSON and YAML can write but no database stores.

Kestra stores what has one in it only in part, and an execution of it ends the executor.
"""

from __future__ import annotations

import re
from typing import Any

from pytest_kestra.engine.api import problems
from pytest_kestra.engine.kestra import Kestra

# Also begins whole characters, and stands in scripts: only the value tells.
ESCAPE = re.compile(r"\\[uU](0000)?[dD][89a-fA-F]")


def refuse(kestra: Kestra, text: str, value: Any) -> None:
    """Raise a Problem if a Java value that was read from a text has half a character in it."""
    if not ESCAPE.search(text):
        return
    try:
        # What is text in Java though it has a half in it is none in Python.
        kestra.json.writeValueAsString(value)
    except UnicodeDecodeError as error:
        raise problems.of(error) from error
