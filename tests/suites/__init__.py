"""Unit-test suites: good ones, and twins of them that fail with the words in their first lines."""

from __future__ import annotations

import re
from pathlib import Path

SUITES = Path(__file__).resolve().parent
TWINS = sorted(path.stem for path in (SUITES / "twins").glob("*.yaml"))


def missing_words(text: str) -> set[tuple[str, str]]:
    """Return the twins of whose words a run has not told all, with those words."""
    expected = {
        (name, words)
        for name in TWINS
        for words in re.findall("^# expect: (.*)$", (SUITES / "twins" / f"{name}.yaml").read_text(), re.MULTILINE)
    }
    return {(name, words) for name, words in expected if words not in text}
