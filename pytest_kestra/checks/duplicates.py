"""What is there twice and should not be, though Kestra takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from pytest_kestra.checks.findings import Finding
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.outline import Outline, line_of
from pytest_kestra.flows.source import FlowSource


def keys(outline: Outline) -> Iterator[Finding]:
    """Return the keys that a mapping has twice: Kestra takes the last one and loses the others without a word."""
    for _, node in outline.nodes:
        if not isinstance(node, yaml.MappingNode):
            continue
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                message = f"the key {key.value!r} is in line {lines[key.value]} too; Kestra takes only the last."
                yield Finding(outline.source.name, line, "error", message)
            lines[key.value] = line


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
