"""The text of a flow in which stand-ins are where tasks are mocked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from pytest_kestra.errors import FlowError, MockError
from pytest_kestra.flows.outline import FOR_EACH_ITEM, Outline, Task, is_type, text_at, value_at
from pytest_kestra.flows.source import FlowSource

TYPE = "pytestkestra.mocks.StandIn"
OURS = ("type", "mocked", "late", "mocks", "original")
# What Kestra does around every task, which a stand-in has as the task does (io.kestra.core.models.tasks.Task); not its
# cache, which would hide calls.
KEPT = (
    *("id", "description", "retry", "timeout", "disabled", "workerGroup", "logLevel", "logToFile"),
    *("allowFailure", "allowWarning", "runIf", "when", "assets"),
)
CONDITIONS = ("runIf", "when")
# What only the task itself can render: after the tasks in it, for each of its executions, or in another flow.
LATE = {
    "plugin.core.flow.LoopUntil": ("condition",),
    "plugin.core.flow.WaitFor": ("condition",),
    "plugin.core.flow.ForEachItem": ("inputs", "labels", "outputs"),
    "plugin.core.flow.Loop": ("outputs",),
    "plugin.core.flow.Subflow": ("outputs",),
}
# What Kestra's executor does itself, beside the tasks that hold others, so that no stand-in can let it run.
OF_EXECUTOR = ("plugin.core.flow.Subflow", "plugin.core.flow.Pause", *FOR_EACH_ITEM)
LEFT_OUT = ("taskCache", "pluginDefaultsRef", "version")
# How YAML may tag what it takes for another thing than a text; Kestra decides what these are.
PLAIN = tuple(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))


def edited(source: FlowSource, replaced: Mapping[int, Sequence[Mapping[str, Any]]], outline: Outline) -> FlowSource:
    """Return a flow in which stand-ins are where tasks are; all other lines stay where they are.

    `replaced` are the data of a task's mocks, by the identity of the task's node.
    """
    text = source.text
    tasks = [task for task in outline.tasks if id(task.node) in replaced]
    outer = [task for task in tasks if not any(is_inside(task, other) for other in tasks)]
    # From the end, so that the places before stay right.
    for task in sorted(outer, key=lambda task: -task.node.start_mark.index):
        start, end = task.node.start_mark.index, _end(task.node, source.text)
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


def original(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the definition of a task as the flow's own text has it, where a stand-in has taken its place."""
    if definition.get("type") != TYPE:
        return definition
    own = {name: value for name, value in definition.items() if name not in OURS}
    return {**own, **definition["mocked"], **(definition.get("late") or {})}


def is_runnable(task: Task) -> bool:
    """Say whether a worker runs a task: it holds no other tasks, and starts no flow."""
    return not is_type(task.type, OF_EXECUTOR) and not any(_holds_tasks(value) for _, value in task.node.value)


def is_inside(task: Task, other: Task) -> bool:
    """Say whether a task is one of those that another one holds; both are of the same flow."""
    return task is not other and any(step.node is other.node for step in task.path)


def _stand_in(task: Task, mocks: Sequence[Mapping[str, Any]]) -> str:
    pairs = _pairs(task.node)
    # For a fixture there are no conditions.
    left_out = CONDITIONS if any(mock.get("exact") for mock in mocks) else ()
    kept = [f"{_json(name)}: {_written(pairs[name])}" for name in KEPT if name in pairs and name not in left_out]
    own = {
        name: value
        for name, value in pairs.items()
        if name not in KEPT and name not in LEFT_OUT and not _holds_tasks(value)
    }
    late = {name: own.pop(name) for name in LATE.get(task.type.removeprefix("io.kestra."), ()) if name in own}
    parts = [*kept, f'"type": {_json(TYPE)}', f'"mocked": {_mapping(own)}']
    if late:
        parts.append(f'"late": {_mapping(late)}')
    if is_runnable(task) and all(mock.get("value") is not None or mock.get("exact") for mock in mocks):
        parts.append(f'"original": {_mapping(pairs)}')
    return "{" + ", ".join([*parts, f'"mocks": {_json(mocks)}']) + "}"


def _pairs(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    return {str(key.value): value for key, value in node.value}


def _mapping(pairs: Mapping[str, yaml.Node]) -> str:
    return "{" + ", ".join(f"{_json(name)}: {_written(value)}" for name, value in pairs.items()) + "}"


def _written(node: yaml.Node) -> str:
    """Return a value in one line, which Kestra reads as it would read the original."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(_pairs(node))
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


def _end(node: yaml.Node, text: str) -> int:
    """Return where a node ends in the text; for PyYAML, a block ends where the next one begins."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    value = last[1] if isinstance(last, tuple) else last
    if node.start_mark.index <= value.start_mark.index < node.end_mark.index:
        return _end(value, text)
    # What an alias stands for is elsewhere.
    return len(text[: node.end_mark.index].rstrip())
