"""Reading Pebble, the language of Kestra's expressions: which variables a text names, and where it cannot be read.

It knows the grammar of Pebble 4 with Kestra's tags and operators (`PebbleEngineFactory`, `ExtensionCustomizer`), and is
more lenient than these where a later version may be, so that what it refuses is wrong everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from pytest_kestra.checks.tokens import ProblemError, Token, Tokens

OPEN = re.compile(r"\{\{|\{%|\{#")
# Kestra takes these parts out before Pebble sees the text, but none with a line break in it.
RAW = re.compile(r"\{%-*\s*raw\s*-*%\}.*?\{%-*\s*endraw\s*-*%\}", re.DOTALL)
BREAK = {False: re.compile(r"\n"), True: re.compile(r"\n[ \t]*\n")}
VERBATIM = re.compile(r"\s*verbatim\s*-?%\}")
END_VERBATIM = re.compile(r"\{%-?\s*endverbatim\s*-?%\}")
# The rest of a text in double quotes, to its end or to an expression in it.
QUOTED = re.compile(r"(?:[^\"\\#]|\\.|#(?!\{))*(\"|#\{)", re.DOTALL)
# A text that is the whole of what stands in brackets.
KEY = re.compile(r"(['\"])([^'\"\\#]*)\1\s*\]")
UNARY = {"not", "+", "-"}
# Before these a variable may be missing.
EXCUSES = {"??", "???"}
EXCUSING_TESTS = {"defined", "null", "empty"}
BLOCKS = {"if", "for", "macro", "filter", "block"}


@dataclass(frozen=True)
class Reference:
    """Tell a variable that a text names, such as `outputs.load.rows`, at an offset of the text.

    `names` are its parts as far as they are written out, `end` is where the second one ends. It is `excused` where the
    text deals with its absence: by `??`, the filter `default`, or a test.
    """

    names: tuple[str, ...]
    start: int
    end: int
    excused: bool = False


@dataclass(frozen=True)
class Use:
    """Tell that a text uses a `filter` or a `function`, at an offset of it."""

    kind: str
    name: str
    start: int


@dataclass(frozen=True)
class Template:
    """Hold what a text says: its references and uses, and the first thing that Pebble cannot read, with its offset."""

    references: tuple[Reference, ...]
    problem: tuple[str, int] | None = None
    uses: tuple[Use, ...] = ()


def read(text: str, *, folded: bool = False) -> Template:
    """Return what a text says to Pebble; variables and macros that the text itself sets are left out.

    In one that is `folded` a single line break is none for Kestra.
    """
    reader = _Reader(RAW.sub(lambda raw: raw[0] if BREAK[folded].search(raw[0]) else _blank(raw[0]), text))
    problem = None
    try:
        reader.text()
    except ProblemError as found:
        problem = (found.message, found.at)
    except RecursionError:
        problem = ("it is nested too deeply", reader.opened)
    excused = {reference.names[:2] for reference in reader.references if reference.excused}
    return Template(
        tuple(
            replace(reference, excused=reference.names[:2] in excused)
            for reference in reader.references
            if reference.names[0] not in reader.local
        ),
        problem,
        tuple(use for use in reader.uses if use.kind == "filter" or use.name not in reader.macros),
    )


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


class _Reader(Tokens):
    """Read a text from its beginning to its end; what it finds is in `references`, `uses`, `local` and `macros`."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.blocks: list[tuple[str, int]] = []
        self.references: list[Reference] = []
        self.uses: list[Use] = []
        self.local: set[str] = set()
        self.macros: set[str] = set()
        self.first = 0  # the first reference of the expression that is read

    def text(self) -> None:
        while found := OPEN.search(self.source, self.at):
            self.opener, self.opened, self.at = found[0], found.start(), found.end()
            if self.opener == "{#":
                self._comment()
                continue
            if self.opener == "{%" and (verbatim := VERBATIM.match(self.source, self.at)):
                self._verbatim(verbatim.end())
                continue
            if self.source.startswith("-", self.at):
                self.at += 1
            self.first = len(self.references)
            if self.opener == "{{":
                self._expression()
                self.close()
            else:
                self._tag()
        if self.blocks:
            name, start = self.blocks[-1]
            raise ProblemError(f"`{{% {name} %}}` has no `{{% end{name} %}}`", start)

    def _comment(self) -> None:
        end = self.source.find("#}", self.at)
        if end < 0:
            around = ", or write `{% verbatim %}…{% endverbatim %}` around it" if self.opened else ""
            raise ProblemError(f"`{{#` begins a comment that does not end; close it by `#}}`{around}", self.opened)
        self.at = end + 2

    def _verbatim(self, start: int) -> None:
        end = END_VERBATIM.search(self.source, start)
        if end is None:
            raise ProblemError("`{% verbatim %}` has no `{% endverbatim %}`", self.opened)
        self.at = end.end()

    # Tags

    def _tag(self) -> None:
        name = self.expect("name").value
        if name in BLOCKS:
            self.blocks.append((name, self.opened))
        own = {"for": self._for, "set": self._set, "macro": self._macro, "filter": self._filters}
        if name in own:
            own[name]()
        elif name in ("if", "elseif", "block"):
            self._expression()
        elif name != "else":
            self._end(name)
        if name in ("else", "elseif") and (not self.blocks or self.blocks[-1][0] not in ("if", "for")):
            raise ProblemError(f"`{{% {name} %}}` stands in no `{{% if %}}`", self.opened)
        self.close()

    def _end(self, name: str) -> None:
        begun = name.removeprefix("end")
        if begun == "raw":
            instead = "write `{% verbatim %}…{% endverbatim %}`"
            raise ProblemError(f"`{{% {name} %}}` counts only with both ends on one line; {instead}", self.opened)
        if name == begun or begun not in BLOCKS:
            raise ProblemError(f"Pebble in Kestra has no tag `{name}`", self.opened)
        if not self.blocks or self.blocks.pop()[0] != begun:
            raise ProblemError(f"`{{% {name} %}}` ends nothing that was begun", self.opened)
        if begun == "block" and self.peek().kind == "name":
            self.next()

    def _for(self) -> None:
        self.local |= {self.expect("name").value, "loop"}
        self.expect("name", "in")
        self._expression()

    def _set(self) -> None:
        self.local.add(self.expect("name").value)
        self.expect("mark", "=")
        self._expression()

    def _macro(self) -> None:
        self.macros.add(self.expect("name").value)
        self.open("(")
        while self.peek().value != ")":
            self.local.add(self.expect("name").value)
            if self.take("="):
                self._expression()
            if not self.take(","):
                break
        self.shut(")")

    def _filters(self) -> None:
        self._filter()
        while self.take("|"):
            self._filter()

    # Expressions

    def _expression(self) -> None:
        self._operand()
        while (token := self.peek()).kind == "operator" and token.value != "not":
            self.next()
            if token.value == "|":
                if self._filter() == "default":
                    self._excuse()
            elif token.value.startswith("is") and token.value != "isIn":
                if self._call().value in EXCUSING_TESTS:
                    self._excuse()
            else:
                if token.value in EXCUSES:
                    self._excuse()
                self._operand()
        if self.take("?"):
            self._expression()
            self.expect("mark", ":")
            self._expression()

    def _excuse(self) -> None:
        found = self.references[self.first :]
        self.references[self.first :] = [replace(reference, excused=True) for reference in found]

    def _operand(self) -> None:
        token = self.next()
        if token.kind == "operator" and token.value in UNARY:
            self._operand()
        elif token.value == "(" and token.kind == "mark":
            self.inside(")", self._expression)
        elif token.value == "[" and token.kind == "mark":
            self.inside("]", lambda: self._list("]", self._expression))
        elif token.value == "{" and token.kind == "mark":
            self.inside("}", lambda: self._list("}", self._pair))
        elif token.kind == "quote":
            self._quoted(token)
        elif token.kind == "name":
            self._variable(token)
        elif token.kind not in ("number", "string"):
            self.refuse(token)
        self._postfix()

    def _variable(self, token: Token) -> None:
        names, end = [token.value], token.end
        if self.peek().value == "(":
            self.uses.append(Use("function", token.value, token.start))
            return
        while True:
            mark = self.peek()
            if mark.value == "." and (name := self.peek(mark.end)).kind == "name":
                if self.peek(name.end).value == "(":  # a method
                    break
                found, after = name.value, name.end
            elif mark.value == "[" and (text := self.peek(mark.end)).kind in ("string", "quote"):
                plain = KEY.match(self.source, text.start)
                if plain is None:
                    break
                found, after = plain[2], plain.end()
            else:
                break
            names.append(found)
            self.at = after
            if len(names) == 2:
                end = after
        if len(names) > 1:
            self.references.append(Reference(tuple(names), token.start, end))

    def _postfix(self) -> None:
        while True:
            token = self.peek()
            if token.value == "." and token.kind == "mark":
                self.next()
                self.expect("name")
            elif token.value == "[" and token.kind == "mark":
                self.next()
                self.inside("]", self._expression)
            elif token.value == "(" and token.kind == "mark":
                self._arguments()
            else:
                return

    def _filter(self) -> str:
        token = self._call()
        self.uses.append(Use("filter", token.value, token.start))
        return token.value

    def _call(self) -> Token:
        """Read the name of a filter or a test with its arguments."""
        token = self.expect("name")
        if self.peek().value == "(":
            self._arguments()
        return token

    def _arguments(self) -> None:
        self.next()
        self.inside(")", lambda: self._list(")", self._argument))

    def _argument(self) -> None:
        name = self.peek()
        if name.kind == "name" and self.peek(name.end).value == "=":
            self.next()
            self.next()
        self._expression()

    def _pair(self) -> None:
        self._expression()
        self.expect("mark", ":")
        self._expression()

    def _list(self, closer: str, item: Callable[[], None]) -> None:
        while self.peek().value != closer:
            item()
            if not self.take(","):
                break

    def _quoted(self, quote: Token) -> None:
        """Read a text in double quotes, which may hold expressions in `#{…}`."""
        holds_expression = False
        while True:
            found = QUOTED.match(self.source, self.at)
            if found is None:
                raise ProblemError("a text in double quotes does not end", quote.start)
            self.at = found.end()
            if found[1] == '"':
                break
            self.inside("}", self._expression)
            holds_expression = True
        # Pebble lets more text follow one that holds an expression.
        if holds_expression and self.peek().kind in ("string", "quote"):
            self._operand()
