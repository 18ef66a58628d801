"""The words of Pebble: reading them one by one between a pair of its delimiters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

CLOSERS = {"{{": "}}", "{%": "%}"}
TOKEN = re.compile(
    r"""\s*(?:
      (?P<operator>(?:is\s+not|and|or|not|is|isIn|contains|equals)(?![A-Za-z0-9_])|\?\?\??|==|!=|<=|>=|\.\.|[-+*/%~<>|])
    | (?P<name>[^\W\d]\w*)
    | (?P<number>\d+L|\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quote>")
    | (?P<mark>[()\[\]{}?:.,=])
    )""",
    re.VERBOSE | re.DOTALL,
)
# What people write who know other languages.
MEANT = {"&": "and", "!": "not", "in": "isIn` or `contains"}


class ProblemError(Exception):
    """Tell what Pebble cannot read, and at which offset of the text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message, self.at = message, at


@dataclass(frozen=True)
class Token:
    """Hold one word; `kind` is a group of `TOKEN`, or `close`, `end`, or `other` for what Pebble does not know."""

    kind: str
    value: str
    start: int
    end: int


class Tokens:
    """Read tokens from where `at` stands, up to what closes the delimiter that is open."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.opener, self.opened = "", 0  # the delimiter that is open, and where it stands
        self.depth = 0  # how many brackets are open

    def inside(self, closer: str, part: Callable[[], None]) -> None:
        """Read a part that stands in brackets, of which the first is read already."""
        self.depth += 1
        part()
        self.shut(closer)

    def open(self, mark: str) -> None:
        """Read an opening bracket."""
        self.expect("mark", mark)
        self.depth += 1

    def shut(self, closer: str) -> None:
        """Read a closing bracket."""
        token = self.peek()
        if token.value != closer:
            self.refuse(token)
        self.depth -= 1
        self.at = token.end

    def close(self) -> None:
        """Read what closes the delimiter."""
        token = self.next()
        if token.kind != "close":
            self.refuse(token)

    def take(self, value: str) -> bool:
        """Read a mark or an operator if it comes next; say whether it did."""
        token = self.peek()
        if token.value == value and token.kind in ("mark", "operator"):
            self.at = token.end
            return True
        return False

    def expect(self, kind: str, value: str | None = None) -> Token:
        """Read a token of a kind; refuse any other."""
        token = self.next()
        if token.kind != kind or (value is not None and token.value != value):
            self.refuse(token)
        return token

    def next(self) -> Token:
        """Read the next token."""
        token = self.peek()
        self.at = token.end
        return token

    def peek(self, at: int | None = None) -> Token:
        """Return the token that comes next, or at an offset, and stay where we are."""
        start = self.at if at is None else at
        closer = CLOSERS[self.opener]
        if self.depth == 0 and (close := re.compile(rf"\s*(-?{closer})").match(self.source, start)):
            return Token("close", closer, close.start(1), close.end())
        found = TOKEN.match(self.source, start)
        if found is None:
            rest = self.source[start:].lstrip()
            place = len(self.source) - len(rest)
            return Token("other" if rest else "end", rest[:1], place, place + 1)
        kind = str(found.lastgroup)
        return Token(kind, found[kind], found.start(kind), found.end())

    def refuse(self, token: Token) -> NoReturn:
        """Raise ProblemError: this token cannot stand here."""
        if token.kind == "end" or (token.value == "}" and self.depth == 0):
            closer = CLOSERS[self.opener]
            raise ProblemError(f"`{self.opener}` is not closed by `{closer}`", self.opened)
        if token.kind == "close":
            raise ProblemError(f"an expression is not complete before `{token.value}`", token.start)
        if token.value == "'":
            raise ProblemError("a text in single quotes does not end", token.start)
        doubled = self.source[token.start - 1] == token.value
        meant = "or" if token.value == "|" and doubled else MEANT.get(token.value)
        instead = f"; write `{meant}`" if meant else ""
        raise ProblemError(f"unexpected `{token.value}` in an expression{instead}", token.start)
