"""The text of a flow in which stand-ins are where tasks are mocked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from pytest_kestra.errors import FlowError, MockError
from pytest_kestra.flows.outline import Outline, Task, text_at, value_at
from pytest_kestra.flows.source import FlowSource

TYPE = "pytestkestra.mocks.StandIn"
# What Kestra does around every task, which a stand-in has as the task does (io.kestra.core.models.tasks.Task); not its
# cache, which would hide calls.
KEPT = (
    *("id", "description", "retry", "timeout", "disabled", "workerGroup", "logLevel", "logToFile"),
    *("allowFailure", "allowWarning", "runIf", "when", "assets"),
)
LEFT_OUT = ("taskCache", "pluginDefaultsRef", "version")
# How YAML may tag what it takes for another thing than a text; Kestra decides what these are.
PLAIN = tuple(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
MERGE = "tag:yaml.org,2002:merge"


def edited(source: FlowSource, replaced: Mapping[int, Sequence[Mapping[str, Any]]], outline: Outline) -> FlowSource:
    """Return a flow in which stand-ins are where tasks are; all other lines stay where they are.

    `replaced` are the data of a task's mocks, by the identity of the task's node.
    """
    text = source.text
    tasks = [task for task in outline.tasks if id(task.node) in replaced]
    outer = [task for task in tasks if not any(_inside(task, other) for other in tasks)]
    # From the end, so that the places before stay right.
    for task in sorted(outer, key=lambda task: -task.node.start_mark.index):
        start, end = task.node.start_mark.index, _end(task.node)
        lines = text[start:end].count("\n")
        text = text[:start] + _stand_in(task, replaced[id(task.node)]) + "\n" * lines + text[end:]
    new = FlowSource(text, source.name)
    try:
        _ = new.root
    except FlowError as error:
        names = ", ".join(task.id for task in outer)
        raise MockError(
            f"{source.name}:{outer[0].line}: {names} cannot be mocked: the text around it needs it as it is written "
            f"({str(error).partition(': ')[2].rstrip('.')}). Write the task without an anchor that is used elsewhere."
        ) from None
    return new


def _json(value: Any) -> str:
    """Return JSON in one line that is YAML too: there, escapes make no pairs, and some characters end a line."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def is_runnable(task: Task) -> bool:
    """Say whether a task does something itself, and holds no other tasks."""
    return not any(_holds_tasks(value) for _, value in task.node.value)


def _inside(task: Task, other: Task) -> bool:
    return task is not other and any(step.node is other.node for step in task.path)


def _stand_in(task: Task, mocks: Sequence[Mapping[str, Any]]) -> str:
    pairs = dict(_pairs(task.node))
    kept = [f"{_json(name)}: {_written(pairs[name])}" for name in KEPT if name in pairs]
    own = {
        name: value
        for name, value in pairs.items()
        if name not in KEPT and name not in LEFT_OUT and not _holds_tasks(value)
    }
    parts = [*kept, f'"type": {_json(TYPE)}', f'"mocked": {_mapping(own)}']
    if is_runnable(task) and all(mock.get("value") is not None for mock in mocks):
        parts.append(f'"original": {_mapping(pairs)}')
    return "{" + ", ".join([*parts, f'"mocks": {_json(mocks)}']) + "}"


def _pairs(node: yaml.MappingNode) -> list[tuple[str, yaml.Node]]:
    """Return what a mapping has, also what it merges from another."""
    merged: list[tuple[str, yaml.Node]] = []
    own: list[tuple[str, yaml.Node]] = []
    for key, value in node.value:
        if key.tag == MERGE:
            others = value.value if isinstance(value, yaml.SequenceNode) else [value]
            merged += [pair for other in reversed(others) for pair in _pairs(other)]
        else:
            own.append((str(key.value), value))
    return [*merged, *own]


def _mapping(pairs: Mapping[str, yaml.Node]) -> str:
    return "{" + ", ".join(f"{_json(name)}: {_written(value)}" for name, value in pairs.items()) + "}"


def _written(node: yaml.Node) -> str:
    """Return a value in one line, which Kestra reads as it would read the original."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(dict(_pairs(node)))
    if isinstance(node, yaml.SequenceNode):
        return "[" + ", ".join(map(_written, node.value)) + "]"
    assert isinstance(node, yaml.ScalarNode)
    plain = node.style is None and node.tag in PLAIN
    return (node.value or "null") if plain else _json(node.value)


def _holds_tasks(node: yaml.Node) -> bool:
    if isinstance(node, yaml.SequenceNode):
        return any(map(_holds_tasks, node.value))
    if not isinstance(node, yaml.MappingNode):
        return False
    kind = text_at(node, "type")
    if value_at(node, "id") is not None and kind is not None and "." in kind:
        return True
    return any(_holds_tasks(value) for _, value in node.value)


def _end(node: yaml.Node) -> int:
    """Return where the text of a node ends; that of a block ends for PyYAML where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        inner = last[1] if isinstance(last, tuple) else last
        # What an alias or a merge stands for is elsewhere.
        end = _end(inner)
        if node.start_mark.index < end <= node.end_mark.index:
            return end
        return int(node.end_mark.index)
    return int(node.end_mark.index)
