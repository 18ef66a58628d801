"""A namespace of the test's own for every flow, and the references to it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterator

import yaml

from pytest_kestra.errors import KestraError
from pytest_kestra.flows.source import FlowSource

# What stands under these keys is never a reference to a namespace, though a text may happen to be the same.
NO_REFERENCES = frozenset({"id", "type", "description", "displayName", "labels"})
# Kestra's own limit is 150 characters (io.kestra.core.models.flows.AbstractFlow).
LONGEST = 150
# The end of a name that only a test gives: which run, which test.
MARK = re.compile(r"((?:.*[.-])?pytest-([0-9a-f]{6})-[0-9a-f]{4})(?:\.|$)")
MARK_LENGTH = len("pytest-123456-1234")


def child(namespace: str, name: str) -> str:
    """Return the namespace `name` below another one, cut to what Kestra takes; the end of `name` always stays."""
    room = LONGEST - len(namespace) - 1
    return f"{namespace}.{name[max(0, len(name) - room) :].lstrip('-_')}"


def unique(name: str, run: str) -> str:
    """Return a name that no other test has, with a mark by which what it leaves behind is found.

    `run` are six hexadecimal digits, the same for all tests of a run.
    """
    return f"{name}-pytest-{run}-{secrets.token_hex(2)}".lstrip("-")


def ending(name: str) -> str:
    """Return how all namespaces of a test of this name end, also those that were cut."""
    return name[-MARK_LENGTH:] if is_marked(name) else name


def marked_part(namespace: str, run: str | None = None) -> str | None:
    """Return the namespace of a test that another one is, or is in; with `run`, only of that run."""
    found = MARK.match(namespace)
    return found[1] if found and run in (None, found[2]) else None


def is_marked(namespace: str) -> bool:
    """Say whether only a test can have made a namespace of this name."""
    return marked_part(namespace) == namespace


def outside(namespace: str) -> str:
    """Return the namespace in which the namespace of a test is; every other one is returned as it is."""
    parent, _, name = namespace.rpartition(".")
    return parent if parent and is_marked(name) else namespace


def slug(text: str) -> str:
    """Return a text as a part of a namespace: small letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class Namespaces:
    """Give every flow that a test deploys the namespace `name` below its own; `name` None leaves all as they are.

    With a `prefix` they are below that: flows of `company.team` in `prefix.company.team.name`.
    """

    def __init__(self, name: str | None, prefix: str | None = None) -> None:
        if name is None and prefix is not None:
            raise KestraError(f"Below the prefix {prefix} each test has a namespace of its own: give a namespace, too.")
        self.name = name
        self.prefix = prefix

    def of(self, namespace: str) -> str:
        """Return the namespace in which flows of `namespace` are deployed."""
        return namespace if self.name is None else child(self._parent(namespace), self.name)

    def _parent(self, namespace: str) -> str:
        inside = self.prefix is None or f"{namespace}.".startswith(f"{self.prefix}.")
        return namespace if inside else f"{self.prefix}.{namespace}"

    def rewritten(self, source: FlowSource, namespaces: Collection[str]) -> str:
        """Return the text of a flow with every value that equals one of `namespaces` replaced; all else stays.

        A namespace of a single word may be a word like any other: it counts only under a key that names a namespace.
        """
        if self.name is None:
            return source.text
        text, parent = source.text, self._parent(source.namespace)
        if len(parent) + 1 + min(len(self.name), MARK_LENGTH) > LONGEST:
            what = f"a namespace of the test's own below {parent} would have more than the {LONGEST} letters of Kestra."
            raise source.error(what, source.line_of(source.namespace))
        # From the end, so that the places before stay right.
        for scalar in sorted(self._references(source, namespaces), key=lambda node: -node.start_mark.index):
            start, end = scalar.start_mark.index, scalar.end_mark.index
            text = text[:start] + self._replaced(text[start:end], scalar) + text[end:]
        self._check(source, text, namespaces)
        return text

    def _references(self, source: FlowSource, namespaces: Collection[str]) -> Iterator[yaml.ScalarNode]:
        for key, scalar in source.values(skip=NO_REFERENCES):
            if scalar.value in namespaces and ("." in scalar.value or "namespace" in key.lower()):
                yield scalar

    def _replaced(self, written: str, scalar: yaml.ScalarNode) -> str:
        new = self.of(scalar.value)
        # What stands before the value may hold the same word: an anchor, a tag, a comment.
        before, found, after = written.rpartition(scalar.value)
        return before + new + after if found else json.dumps(new)  # else it is written with escapes

    def _check(self, source: FlowSource, text: str, namespaces: Collection[str]) -> None:
        """Raise FlowError where a flow would not come into its own namespace: better no flow than one in a real one."""
        wished = self.of(source.namespace) if source.namespace in namespaces else source.namespace
        if FlowSource(text, source.name).namespace != wished:
            line = source.line_of(source.namespace)
            raise source.error("this way to write the `namespace` cannot be rewritten; write it plainly.", line)
