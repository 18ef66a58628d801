"""All checks of flows, one flow after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from pytest_kestra.checks import duplicates, expressions, references
from pytest_kestra.checks.findings import Finding
from pytest_kestra.checks.library import Library
from pytest_kestra.checks.verdicts import Validator
from pytest_kestra.checks.vocabulary import Vocabulary
from pytest_kestra.client.client import Client
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.outline import Outline
from pytest_kestra.flows.source import FlowSource

# What Kestra says of expressions of which we tell the line.
DASHES = ("Invalid input reference", "Invalid output reference")


class Checker:
    """Check flows without running them, with a server's validator and with checks of our own.

    `flows` are those that are checked, `neighbours` others that they may name, besides the ones on the server.
    """

    def __init__(self, client: Client, flows: Sequence[FlowSource], neighbours: Sequence[FlowSource] = ()) -> None:
        self._flows, self._neighbours = list(flows), list(neighbours)
        self._library = Library([*flows, *neighbours], client)
        self._validator = Validator(client)
        self._client = client

    @property
    def names(self) -> list[str]:
        """The names of the flows that are checked."""
        return [flow.name for flow in self._flows]

    def check(self, source: FlowSource) -> list[Finding]:
        """Return what is wrong with a flow, by line; the same as in another file is told of the later one."""
        try:
            outline = Outline(source)
            _ = source.key
        except FlowError as error:
            return [of_error(error, source.name)]
        return sorted(set(self._findings(outline)))

    def _findings(self, outline: Outline) -> Iterator[Finding]:
        wrong = list(expressions.findings(outline, self._vocabulary))
        yield from wrong
        dashes = any(expressions.DASH in finding.message for finding in wrong)
        for finding in self._validator.findings(outline):
            if not (dashes and finding.message.startswith(DASHES)):
                yield finding
        yield from duplicates.keys(outline)
        yield from duplicates.flows(outline.source, self._others(outline.source))
        yield from references.findings(outline, self._library)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self._client)

    def _others(self, source: FlowSource) -> list[FlowSource]:
        """Return the flows that are told of before this one, and those that nothing is told of."""
        return self._flows[: self.names.index(source.name)] + self._neighbours


def of_error(error: FlowError, name: str) -> Finding:
    """Return the finding that an error about a file is."""
    found = re.match(r"(?::(\d+))?: (.*)", str(error).removeprefix(name), re.DOTALL)
    line, message = found.groups() if found else (None, str(error))
    return Finding(name, int(line or 0), "error", message)
