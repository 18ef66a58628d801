"""Tasks and triggers that name other flows: whether these are there, and take what they are given."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from pytest_kestra.checks.expressions import FLOW_TRIGGER, SUBFLOW
from pytest_kestra.checks.findings import Finding, Severity
from pytest_kestra.checks.library import Declared, Library
from pytest_kestra.errors import hint
from pytest_kestra.flows.outline import (
    FOR_EACH_ITEM,
    Outline,
    Task,
    is_type,
    key_line,
    line_of,
    mappings,
    text_at,
    value_at,
)


def findings(outline: Outline, library: Library) -> Iterator[Finding]:
    """Return what is wrong with the names of other flows in a flow."""
    checks = _References(outline, library)
    for task in outline.tasks:
        if is_type(task.type, SUBFLOW + FOR_EACH_ITEM):
            yield from checks.of_task(task)
    for path, node in outline.nodes:
        if len(path) > 2 and path[0].key == "triggers" and is_type(text_at(path[2].node, "type"), FLOW_TRIGGER):
            yield from checks.of_trigger(node)


class _References:
    def __init__(self, outline: Outline, library: Library) -> None:
        self.outline, self.library = outline, library
        defaults = mappings(value_at(outline.root, "pluginDefaults")) + mappings(value_at(outline.root, "taskDefaults"))
        # Who gives values to all tasks of a type may give inputs, too.
        self.has_defaults = any((text_at(item, "type") or "").endswith(("flow", "ForEachItem")) for item in defaults)

    def of_task(self, task: Task) -> Iterator[Finding]:
        name = _named(task.node)
        if name is None:
            return
        flow = self.library.find(*name)
        if flow is None:
            yield self._missing(task.node, name, "error")
            return
        if flow.disabled:
            yield self._finding(line_of(task.node, "flowId"), "warning", f"the flow {'.'.join(name)} is disabled.")
        given = value_at(task.node, "inputs")
        keys = _keys(given)
        if keys is not None:
            yield from self._inputs(task, given or task.node, ".".join(name), flow, keys)

    def of_trigger(self, node: yaml.Node) -> Iterator[Finding]:
        name = _named(node)
        if name is not None and self.library.find(*name) is None:
            yield self._missing(node, name, "warning")

    def _inputs(self, task: Task, given: yaml.Node, flow: str, takes: Declared, keys: list[str]) -> Iterator[Finding]:
        known = {name.partition(".")[0] for name in takes.inputs} | set(takes.inputs)
        for key in keys:
            if key not in known:
                line = key_line(given, key) or task.line
                # Kestra only logs it, and drops the value.
                message = f"the flow {flow} has no input {key!r}{hint(key, takes.inputs)}"
                yield self._finding(line, "warning", message)
        missing = [name for name in takes.needed if name not in keys and name.partition(".")[0] not in keys]
        if missing and not self.has_defaults:
            names = ", ".join(map(repr, missing))
            message = f"the flow {flow} needs the input {names}, which {task.id} does not give."
            yield self._finding(line_of(task.node, "inputs" if keys else "flowId"), "error", message)

    def _missing(self, node: yaml.Node, name: tuple[str, str], severity: Severity) -> Finding:
        nearest = self.library.nearest(*name)
        meant = f"; did you mean {nearest}?" if nearest else "."
        message = f"the flow {'.'.join(name)} is neither among the flows that are checked nor on the server{meant}"
        return self._finding(line_of(node, "flowId"), severity, message)

    def _finding(self, line: int, severity: Severity, message: str) -> Finding:
        return Finding(self.outline.source.name, line, severity, message)


def _named(node: yaml.Node) -> tuple[str, str] | None:
    """Return namespace and id of the flow that a mapping names; None where they are not both plain texts."""
    namespace, flow_id = text_at(node, "namespace"), text_at(node, "flowId")
    if not namespace or not flow_id or "{" in namespace + flow_id:
        return None
    return namespace, flow_id


def _keys(node: yaml.Node | None) -> list[str] | None:
    """Return the keys of a mapping, or none where it is not there; None where they cannot be told."""
    if node is None:
        return []
    pairs = node.value if isinstance(node, yaml.MappingNode) else [(node, node)]
    keys = [str(key.value) for key, _ in pairs]
    return None if any("{" in key for key in keys) or not isinstance(node, yaml.MappingNode) else keys
