"""Texts without the secrets in them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from urllib.parse import quote, quote_plus

STARS = "*****"
# A secret that is shorter, and looks like a word, is none within another word: "test" is no part of test_orders.py.
SHORT = 8
# Of how many characters a part of a secret is one, where what shows a value has left out its middle or its end.
PART = 6
CUTS = ("...", "…")
CUT = re.compile("|".join(map(re.escape, CUTS)))

Form = tuple[str, re.Pattern[str]]


def masked(text: str, secrets: Collection[str]) -> str:
    """Return a text with stars for the secrets: as they are, as Python, JSON or URLs write them, and line by line.

    So are they in base64, as Kestra has them in its environment, which scripts may print. Where a long value is cut
    (`abc...xyz`, as pytest does), the parts of a secret before and after the cut go, too.
    """
    forms = _forms(tuple(secrets))
    for form, pattern in forms:
        if form in text:
            text = pattern.sub(STARS, text)
    return _without_parts(text, forms) if any(cut in text for cut in CUTS) else text


# Texts are masked by the thousand, and secrets change seldom.
@lru_cache
def _forms(secrets: tuple[str, ...]) -> list[Form]:
    """Return how the secrets may stand in a text, the longest first, each with what finds it."""
    forms = {form for secret in secrets for form in _forms_of(secret)}
    return [(form, _pattern(form)) for form in sorted(forms, key=len, reverse=True)]


def _forms_of(secret: str) -> Iterator[str]:
    """Return how a secret may stand in a text; nothing for one that stars say as much as."""
    if not secret.strip("* \t\r\n"):
        return
    yield from (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    content = secret.encode(errors="replace")
    yield from (base64.b64encode(content, signs).decode().rstrip("=") for signs in (b"+/", b"-_"))
    for url in (quote(content, safe=""), quote(content), quote_plus(content)):
        yield from (url, re.sub("%..", lambda found: found[0].lower(), url))
    # Of a file with one line its end is no part.
    yield secret.strip()
    # pytest compares texts line by line, and logs have lines. A line such as `}` is no secret.
    yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORT)


def _pattern(form: str) -> re.Pattern[str]:
    pattern = re.escape(form)
    is_word = len(form) < SHORT and re.fullmatch(r"\w+", form)
    return re.compile(rf"(?<!\w){pattern}(?!\w)" if is_word else pattern)


def _without_parts(text: str, forms: Sequence[Form]) -> str:
    """Return a text without the beginning of a secret before each cut, and without its end after it."""
    pieces, cuts = CUT.split(text), CUT.findall(text)
    for index in range(len(cuts)):
        before, after = pieces[index], pieces[index + 1]
        # The longest of all: a secret that repeats itself also has short ones.
        first = max((_common(before, form) for form, _ in forms), default=0)
        last = max((_common(after[::-1], form[::-1]) for form, _ in forms), default=0)
        if first:
            pieces[index] = before[:-first] + STARS
        if last:
            pieces[index + 1] = STARS + after[last:]
    return "".join(piece + cut for piece, cut in zip(pieces, [*cuts, ""], strict=True))


def _common(piece: str, form: str) -> int:
    """Return how many characters of a secret's beginning a piece ends with; none of a short part."""
    if form[:PART] not in piece:
        return 0
    return next((size for size in range(len(form) - 1, PART - 1, -1) if piece.endswith(form[:size])), 0)
