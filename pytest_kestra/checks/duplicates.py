"""What is there twice and should not be, though Kestra's validator lets it pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_kestra.checks.findings import Finding
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.outline import Outline, line_of
from pytest_kestra.flows.source import FlowSource


def keys(outline: Outline) -> Iterator[Finding]:
    """Return the keys that a mapping has twice."""
    for line, message in outline.repeated_keys():
        yield Finding(outline.source.name, line, "error", message)


def flows(source: FlowSource, others: Iterable[FlowSource]) -> Iterator[Finding]:
    """Return where the flow of a file is in one of the others too."""
    for other in others:
        try:
            same = other.key == source.key
        except FlowError:  # which is told of the other file
            continue
        if same:
            message = f"the flow {source.namespace}.{source.id} is in {other.name} too."
            yield Finding(source.name, line_of(source.root, "id"), "error", message)
            return
