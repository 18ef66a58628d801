"""Which types of tasks reach out of Kestra."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def has_side_effects(kind: str, patterns: Sequence[str]) -> bool:
    """Say whether a type of task reaches out, by patterns of which the last that fits decides; `!` says that not."""
    found = False
    for pattern in patterns:
        if fnmatchcase(kind, pattern.removeprefix("!")):
            found = not pattern.startswith("!")
    return found
