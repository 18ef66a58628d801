"""The YAML text of a flow, with the places of what stands in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import yaml

from pytest_kestra.errors import FlowError
from pytest_kestra.flows.explanations import explained
from pytest_kestra.flows.loader import Loader
from pytest_kestra.flows.remedies import advised

TEXT = "<text>"


@dataclass(frozen=True)
class FlowSource:
    """Hold the text of one flow; `name` is its file, or says that there is none.

    FlowError, with file and line, where the text is not YAML or lacks what every flow has.
    """

    text: str
    name: str = TEXT

    @cached_property
    def root(self) -> yaml.MappingNode:
        """The YAML mapping that is the flow."""
        try:
            nodes = list(yaml.compose_all(self.text, Loader=Loader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = error.problem or error.context or "it cannot be read"
            raise self.error(f"this is not YAML: {problem}.", mark.line + 1 if mark else None) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter for a character that there is not
            raise self.error(f"this is not YAML: {str(error).splitlines()[0]}.") from None
        except RecursionError:
            raise self.error("this is nested too deeply.") from None
        if len(nodes) > 1:
            line = nodes[1].start_mark.line + 1
            raise self.error("a second YAML document begins; write one flow into one file.", line)
        if not nodes or not isinstance(nodes[0], yaml.MappingNode):
            raise self.error("a flow is a YAML mapping with `id`, `namespace` and `tasks`; this is none.", 1)
        if (endless := _endless(nodes[0], set(), set())) is not None:
            raise self.error("an anchor stands for what contains it.", endless.start_mark.line + 1)
        return nodes[0]

    @property
    def id(self) -> str:
        """The flow's id."""
        return self._required("id")

    @property
    def namespace(self) -> str:
        """The namespace that the text names."""
        return self._required("namespace")

    @property
    def key(self) -> tuple[str, str]:
        """What tells this flow from others: namespace and id."""
        return self.namespace, self.id

    @property
    def keys(self) -> list[str]:
        """The names of the flow's own properties."""
        return [key.value for key, _ in self.root.value if isinstance(key, yaml.ScalarNode)]

    def scalars(self) -> Iterator[yaml.ScalarNode]:
        """Return every scalar in the order of the text; one that aliases repeat comes once."""
        return (scalar for _, _, scalar in self._walk())

    def values(self, skip: Collection[str]) -> Iterator[tuple[str, yaml.ScalarNode]]:
        """Return every scalar that is no key, with the key it stands under, but nothing under a key of `skip`."""
        return ((key, scalar) for key, is_key, scalar in self._walk(skip) if not is_key)

    def _walk(self, skip: Collection[str] = ()) -> Iterator[tuple[str, bool, yaml.ScalarNode]]:
        """Return every scalar with the key it stands under, or that it is, and whether it is one."""
        seen: set[int] = set()
        waiting: list[tuple[str, bool, yaml.Node]] = [("", False, self.root)]
        while waiting:
            key, is_key, node = waiting.pop()
            if id(node) in seen:  # an alias
                continue
            seen.add(id(node))
            if isinstance(node, yaml.ScalarNode):
                yield key, is_key, node
            elif isinstance(node, yaml.SequenceNode):
                waiting.extend((key, is_key, item) for item in reversed(node.value))
            elif isinstance(node, yaml.MappingNode):
                for name, value in reversed(node.value):
                    text = str(name.value)
                    if text not in skip:
                        waiting.append((text, is_key, value))
                    waiting.append((text, True, name))

    def written(self, scalar: yaml.ScalarNode) -> str:
        """Return a value as it stands in the text, line by line: without quotes, but not folded.

        So the line of what stands at an offset is `scalar.start_mark.line` plus the line breaks before it.
        """
        text = self.text[scalar.start_mark.index : scalar.end_mark.index]
        value = re.sub(r"^(?:[&!]\S*\s+)+", "", text)  # without an anchor or a tag
        lines = text.count("\n") - value.count("\n")
        if scalar.style in ("|", ">"):
            value = "\n" + value.partition("\n")[2]
        elif scalar.style == "'":
            value = value[1:-1].replace("''", "'")
        elif scalar.style == '"':
            value = re.sub(r"\\(x..|u.{4}|U.{8}|.)", _unescaped, value[1:-1], flags=re.DOTALL)
        return "\n" * lines + value

    def line_of(self, *texts: str) -> int | None:
        """Return the line, from 1, of the first of these scalars that the flow has."""
        lines: dict[str, int] = {}
        for scalar in self.scalars():
            lines.setdefault(scalar.value, scalar.start_mark.line + 1)
        return next((lines[text] for text in texts if text in lines), None)

    def line_of_task(self, task_id: str) -> int | None:
        """Return the line of a task's id."""
        found = self.task(task_id)
        return None if found is None else int(_pairs(found)["id"].start_mark.line) + 1

    def lines_of_task(self, task_id: str) -> range:
        """Return the lines, from 1, in which a task stands; none where there is no such task."""
        found = self.task(task_id)
        if found is None:
            return range(0)
        # A block ends where the next one begins.
        return range(found.start_mark.line + 1, found.end_mark.line + (2 if found.flow_style else 1))

    def property_of_task(self, task_id: str, name: str) -> yaml.Node | None:
        """Return the value of a task's property; None where it has none."""
        found = self.task(task_id)
        return None if found is None else _pairs(found).get(name)

    def task(self, task_id: str) -> yaml.MappingNode | None:
        """Return the YAML mapping that is a task; a flow, an input and a trigger may have the same id."""
        waiting: list[yaml.Node] = [value for key, value in self.root.value if key.value != "triggers"]
        seen: set[int] = set()
        while waiting:
            node = waiting.pop()
            if id(node) in seen or isinstance(node, yaml.ScalarNode):
                continue
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                waiting += node.value
                continue
            assert isinstance(node, yaml.MappingNode)  # there are three kinds
            found = _pairs(node)
            if {"id", "type"} <= set(found) and found["id"].value == task_id and "." in found["type"].value:
                return node
            waiting += [value for _, value in node.value]
        return None

    def error(self, message: str, line: int | None = None) -> FlowError:
        """Return an error about this flow, at a line of it."""
        place = self.name if line is None else f"{self.name}:{line}"
        return FlowError(f"{place}: {message}")

    def refused(self, message: str, *paths: str, by_two: bool = False) -> FlowError:
        """Return the error for what Kestra, or its line 2.0, says of this flow; `paths` are where the trouble is."""
        told = explained(message)
        return self.error(advised(told) if by_two else told, self._line(message, paths))

    def _line(self, message: str, paths: tuple[str, ...]) -> int | None:
        # Kestra 2.0 says in its sentence where it is, such as `tasks[log].message`.
        places = (*paths, *re.findall(r"([\w.-]+\[[\w.-]+\][\w.\[\]-]*): ", message))
        lines = [line for path in places if (line := self.line_at(path)) is not None]
        # Kestra's sentences name a type or property in quotes, or a task's id before a dot.
        words = re.findall(r"\"([\w.-]+)\"", message)[:1] + re.findall(r"type: ([\w.]+)", message)
        words += [
            word for name in re.findall(r"([\w.-]+): ", message) for word in (name.rpartition(".")[0], name) if word
        ]
        words += re.findall(r"'([\w.-]+)'", message) + re.findall(r"flow (id|namespace) update", message)
        return self.line_of(*words) or (lines[-1] if lines else None)

    def line_at(self, path: str) -> int | None:
        """Return the line of a path such as `tasks[0].message`, as far as the flow has it."""
        node: yaml.Node = self.root
        steps = re.findall(r"\[\"?([\w-]+)\"?\]|([\w-]+)", path.rpartition("FlowWithSource")[2])
        for index, name in steps:
            step = index or name
            if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
                node = node.value[int(step)]
            elif isinstance(node, yaml.SequenceNode):
                node = _item(node, step) or node
            elif isinstance(node, yaml.MappingNode):
                found = [value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == step]
                node = found[0] if found else node
        return None if node is self.root else node.start_mark.line + 1

    def _required(self, name: str) -> str:
        for key, value in self.root.value:
            if isinstance(key, yaml.ScalarNode) and key.value == name:
                if isinstance(value, yaml.ScalarNode) and value.value:
                    return str(value.value)
                raise self.error(f"the `{name}` of a flow is a text.", value.start_mark.line + 1)
        raise self.error(f"the flow has no `{name}`.", 1)


def _item(node: yaml.Node, name: str) -> yaml.Node | None:
    """Return the part with an id of what a node has; Kestra 2.0 names those in others without these, too."""
    parts = node.value if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        parts = [value for _, value in node.value]
    found = [part for part in parts if _has_id(part, name)]
    return found[0] if found else next((deep for part in parts if (deep := _item(part, name)) is not None), None)


def _endless(node: yaml.Node, around: set[int], seen: set[int]) -> yaml.Node | None:
    """Return a node that contains itself, by an alias of its own anchor."""
    if id(node) in around:
        return node
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return None
    seen.add(id(node))
    inside = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else node.value
    return next((one for item in inside if (one := _endless(item, around | {id(node)}, seen)) is not None), None)


def _pairs(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _has_id(node: yaml.Node, name: str) -> bool:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return any((key.value, value.value) == ("id", name) for key, value in pairs)


def _unescaped(found: re.Match[str]) -> str:
    """Return what an escape in double quotes stands for, where the text goes on in the same line."""
    code = found[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return code if code in '"\\/\n' else " "
