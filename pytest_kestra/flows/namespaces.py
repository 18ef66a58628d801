"""A namespace of the test's own for every flow, and the references to it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

import yaml

from pytest_kestra.flows.source import FlowSource

# What stands under these keys is never a reference to a namespace, though a text may happen to be the same.
NO_REFERENCES = frozenset({"id", "type", "description", "displayName", "labels"})
# Kestra's own limit is 150 characters (io.kestra.core.models.flows.AbstractFlow).
LONGEST = 150


def child(namespace: str, name: str) -> str:
    """Return the namespace `name` below another one, cut to what Kestra takes; the end of `name` always stays."""
    room = LONGEST - len(namespace) - 1
    return f"{namespace}.{name[max(0, len(name) - room) :].lstrip('-_')}"


def slug(text: str) -> str:
    """Return a text as a part of a namespace: small letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class Namespaces:
    """Give every flow that a test deploys the namespace `name` below its own; `name` None leaves all as they are."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def of(self, namespace: str) -> str:
        """Return the namespace in which flows of `namespace` are deployed."""
        return namespace if self.name is None else child(namespace, self.name)

    def rewritten(self, source: FlowSource, namespaces: Collection[str]) -> str:
        """Return the text of a flow with every scalar that equals one of `namespaces` replaced; all else stays."""
        if self.name is None:
            return source.text
        text = source.text
        # From the end, so that the places before stay right.
        for scalar in reversed(list(source.scalars(skip=NO_REFERENCES))):
            if scalar.value in namespaces:
                start, end = scalar.start_mark.index, scalar.end_mark.index
                text = text[:start] + self._replaced(text[start:end], scalar) + text[end:]
        return text

    def _replaced(self, written: str, scalar: yaml.ScalarNode) -> str:
        new = self.of(scalar.value)
        if scalar.value in written:  # whatever its quotes are
            return written.replace(scalar.value, new, 1)
        return json.dumps(new)  # written with escapes
