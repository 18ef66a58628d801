"""Which types of tasks reach out of Kestra."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

# All plugins but those that only compute; of Kestra's own, those that call others. The last pattern that fits decides.
DEFAULT = (
    "io.kestra.plugin.*",
    "!io.kestra.plugin.core.*",
    "!io.kestra.plugin.scripts.*",
    "!io.kestra.plugin.script.*",
    "!io.kestra.plugin.serdes.*",
    "!io.kestra.plugin.transform.*",
    "!io.kestra.plugin.compress.*",
    "!io.kestra.plugin.debug.*",
    "io.kestra.plugin.core.http.*",
)


def has_side_effects(kind: str, patterns: Sequence[str] = DEFAULT) -> bool:
    """Say whether a type of task reaches out, by patterns of which the last that fits decides; `!` says that not."""
    found = False
    for pattern in patterns:
        if fnmatchcase(kind, pattern.removeprefix("!")):
            found = not pattern.startswith("!")
    return found
