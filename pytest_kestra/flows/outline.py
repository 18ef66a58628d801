"""What a flow declares, and where: its tasks, inputs, variables and triggers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import yaml

from pytest_kestra.flows.source import FlowSource

# The parts of a flow that hold tasks, in the order in which they run.
SECTIONS = ("tasks", "errors", "finally", "afterExecution")
FORM = "FORM"
FOR_EACH_ITEM = ("plugin.core.flow.ForEachItem", "core.tasks.flows.ForEachItem")
# What it adds to its id for the tasks that it makes.
PARTS = ("_split", "_items", "_merge")
# Where a flow says what all of its tasks of a `type` have, in `values`.
DEFAULTS = ("pluginDefaults", "taskDefaults")
SET_VARIABLES = "io.kestra.plugin.core.execution.SetVariables"

# The names of inputs; one with dots in its id, or in a form, is below the first part of its name.
Inputs = dict[str, "Inputs"]


@dataclass(frozen=True)
class Step:
    """Say under which key, or at which index, of a mapping or list the way to a node goes on."""

    node: yaml.Node
    key: str | int


Path = tuple[Step, ...]


@dataclass(frozen=True)
class Task:
    """Tell a task of a flow; `path` leads to its mapping."""

    id: str
    type: str
    node: yaml.MappingNode
    path: Path

    @property
    def line(self) -> int:
        """The line of its id."""
        return line_of(self.node, "id")


class Outline:
    """Read what a flow declares from its nodes, before Kestra has seen it."""

    def __init__(self, source: FlowSource) -> None:
        self.source = source
        self.root = source.root

    @cached_property
    def nodes(self) -> list[tuple[Path, yaml.Node]]:
        """Every node that is no key, with the way to it; one that aliases repeat comes once."""
        return list(_walk(self.root))

    @cached_property
    def tasks(self) -> list[Task]:
        """Every task, however deep another one keeps it, in the order of the text."""
        found = []
        for path, node in self.nodes:
            if path and path[0].key in (*SECTIONS, "listeners") and isinstance(node, yaml.MappingNode):
                name, kind = text_at(node, "id"), text_at(node, "type")
                if name and kind and "." in kind:
                    found.append(Task(name, kind, node, path))
        return found

    @cached_property
    def inputs(self) -> Inputs | None:
        """The inputs, or None where they cannot be told."""
        return _inputs(value_at(self.root, "inputs"))

    @cached_property
    def variables(self) -> set[str] | None:
        """The names of the variables, those that tasks set among them, or None where they cannot be told."""
        found: set[str] = set()
        maps = [value_at(self.root, "variables")]
        maps += [value_at(task.node, "variables") for task in self.tasks if task.type == SET_VARIABLES]
        defaults = [item for key in DEFAULTS for item in mappings(value_at(self.root, key))]
        maps += [node_at(item, ["values", "variables"]) for item in defaults if text_at(item, "type") == SET_VARIABLES]
        for node in maps:
            if isinstance(node, yaml.MappingNode):
                found |= {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
            elif node is not None and node.tag != "tag:yaml.org,2002:null":
                return None
        return found

    @cached_property
    def triggers(self) -> list[yaml.MappingNode]:
        """The triggers."""
        return mappings(value_at(self.root, "triggers"))

    def repeated_keys(self) -> Iterator[tuple[int, str]]:
        """Return the line of each key that its mapping has before, and what is wrong with it.

        Kestra's validator lets them pass and takes the last, since it reads a map first; storing a flow reads its text
        with Jackson's STRICT_DUPLICATE_DETECTION (`YamlParser`).
        """
        for _, node in self.nodes:
            lines: dict[str, int] = {}
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                if not isinstance(key, yaml.ScalarNode):
                    continue
                line = key.start_mark.line + 1
                if first := lines.get(key.value):
                    yield line, f"the key {key.value!r} is in line {first} too, and Kestra stores no such flow."
                lines[key.value] = line

    def task_around(self, path: Path) -> Task | None:
        """Return the innermost task that the way to a node leads through."""
        inner = {id(step.node): place for place, step in enumerate(path)}
        around = [task for task in self.tasks if id(task.node) in inner]
        return max(around, key=lambda task: inner[id(task.node)], default=None)


def value_at(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return what a mapping has under a key; None where it has nothing, or is no mapping."""
    if not isinstance(node, yaml.MappingNode):
        return None
    # As Kestra does, the last of several.
    found = [value for name, value in node.value if isinstance(name, yaml.ScalarNode) and name.value == key]
    return found[-1] if found else None


def node_at(node: yaml.Node | None, steps: Sequence[str]) -> yaml.Node | None:
    """Return what keys and indexes lead to from a node; None where they lead to nothing."""
    for step in steps:
        if isinstance(node, yaml.SequenceNode) and step.isdigit():
            node = node.value[int(step)] if int(step) < len(node.value) else None
        else:
            node = value_at(node, step)
    return node


def text_at(node: yaml.Node | None, key: str) -> str | None:
    """Return the text that a mapping has under a key; None where there is none."""
    value = value_at(node, key)
    return str(value.value) if isinstance(value, yaml.ScalarNode) else None


def key_line(node: yaml.Node | None, key: str) -> int | None:
    """Return the line of a key of a mapping."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    lines = [name.start_mark.line + 1 for name, _ in pairs if isinstance(name, yaml.ScalarNode) and name.value == key]
    return lines[-1] if lines else None


def line_of(node: yaml.Node, key: str) -> int:
    """Return the line of a key of a mapping, or of the mapping where it has no such key."""
    return key_line(node, key) or node.start_mark.line + 1


def mappings(node: yaml.Node | None) -> list[yaml.MappingNode]:
    """Return the mappings that are items of a list."""
    items = node.value if isinstance(node, yaml.SequenceNode) else ()
    return [item for item in items if isinstance(item, yaml.MappingNode)]


def _inputs(node: yaml.Node | None) -> Inputs | None:
    found: Inputs = {}
    if node is not None and not isinstance(node, yaml.SequenceNode):
        return None
    for item in mappings(node):
        name = text_at(item, "id")
        if name is None:  # an older way to name it
            return None
        below = found
        for part in name.split("."):
            below = below.setdefault(part, {})
        if text_at(item, "type") == FORM:
            below.update(_inputs(value_at(item, "inputs")) or {})
    return found


def _walk(root: yaml.Node) -> Iterator[tuple[Path, yaml.Node]]:
    seen: set[int] = set()
    waiting: list[tuple[Path, yaml.Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield path, node
        if isinstance(node, yaml.SequenceNode):
            pairs = [(Step(node, index), value) for index, value in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            pairs = [(Step(node, str(key.value)), value) for key, value in node.value]
        else:
            continue
        waiting.extend(((*path, step), value) for step, value in reversed(pairs))


def is_type(kind: str | None, names: tuple[str, ...]) -> bool:
    """Say whether a type of Kestra's own is one of these."""
    return kind is not None and kind.removeprefix("io.kestra.") in names


def ids_of(task_id: str, kind: str) -> list[str]:
    """Return the id of a task, and those of the tasks that it makes itself when it runs."""
    return [task_id, *(f"{task_id}{part}" for part in PARTS if is_type(kind, FOR_EACH_ITEM))]
