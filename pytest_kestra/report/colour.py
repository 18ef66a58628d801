"""Colours in what is shown of executions: those of Kestra's own pages, as far as a terminal has them."""

from __future__ import annotations

import re

RED, GREEN, YELLOW, BLUE, BOLD, PLAIN = (f"\x1b[{code}m" for code in (31, 32, 33, 34, 1, 0))
COLOURS = {
    **dict.fromkeys(("FAILED", "KILLED", "ERROR"), RED),
    **dict.fromkeys(("WARNING", "CANCELLED", "WARN", "RETRYING"), YELLOW),
    "SUCCESS": GREEN,
    **dict.fromkeys(("RUNNING", "PAUSED", "QUEUED", "BREAKPOINT"), BLUE),
}
# The state of a task run, and the level of a log.
WORD = re.compile(rf"^(  .*?  |  )({'|'.join(COLOURS)})\b(?=\s|$)")


def coloured(text: str) -> str:
    """Return a diagnosis with its first line bold, and its states and levels in their colours."""
    first, *lines = text.split("\n")
    return "\n".join([f"{BOLD}{first}{PLAIN}", *map(_line, lines)])


def _line(line: str) -> str:
    return WORD.sub(lambda found: f"{found[1]}{COLOURS[found[2]]}{found[2]}{PLAIN}", line)
