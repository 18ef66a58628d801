"""Texts without the secrets in them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

STARS = "*****"
# A secret that is shorter, and looks like a word, is none within another word: "test" is no part of test_orders.py.
SHORT = 8
# Of how many characters a part of a secret is one, where what shows a value has left out its middle or its end.
PART = 6
CUT = re.compile(r"\.\.\.|…")


def masked(text: str, secrets: Collection[str]) -> str:
    """Return a text with stars for the secrets: as they are, as Python or JSON writes them, and line by line.

    Where a long value is cut (`abc...xyz`, as pytest does), the parts of a secret before and after the cut go, too.
    """
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    for form in forms:
        if form in text:
            text = re.sub(_pattern(form), STARS, text)
    if CUT.search(text):
        for form in forms:
            text = _without_parts(text, form)
    return text


def _forms(secret: str) -> Iterator[str]:
    """Return how a secret may stand in a text; nothing for one that stars say as much as."""
    if not secret.strip("* \t\r\n"):
        return
    yield from (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    # pytest compares texts line by line, and logs have lines. A line such as `}` is no secret.
    yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORT)


def _pattern(form: str) -> str:
    pattern = re.escape(form)
    return rf"(?<!\w){pattern}(?!\w)" if len(form) < SHORT and re.fullmatch(r"\w+", form) else pattern


def _without_parts(text: str, form: str) -> str:
    """Return a text without the beginning of a secret before each cut, and without its end after it."""
    pieces, cuts = CUT.split(text), CUT.findall(text)
    sizes = range(len(form) - 1, PART - 1, -1)
    for index in range(len(cuts)):
        before, after = pieces[index], pieces[index + 1]
        if size := next((size for size in sizes if before.endswith(form[:size])), 0):
            pieces[index] = before[:-size] + STARS
        if size := next((size for size in sizes if after.startswith(form[-size:])), 0):
            pieces[index + 1] = STARS + after[size:]
    return "".join(piece + cut for piece, cut in zip(pieces, [*cuts, ""], strict=True))
