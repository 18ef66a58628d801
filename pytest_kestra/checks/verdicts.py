"""What Kestra's own validator says of a flow, sentence by sentence, each at its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches

import yaml

from pytest_kestra.checks.deprecations import Deprecations
from pytest_kestra.checks.findings import Finding, Severity
from pytest_kestra.client.client import Client
from pytest_kestra.client.flows import Verdict
from pytest_kestra.flows.explanations import explained
from pytest_kestra.flows.outline import SECTIONS, Outline, key_line, line_of, mappings, node_at, text_at, value_at
from pytest_kestra.flows.remedies import advised

PREFIX = re.compile(r"^(Validation error:|Unable to validate the \w+:)\s*")
# Kestra says all that is wrong with a flow as a whole in one sentence (`FlowValidator`).
NEXT_OF_FLOW = re.compile(r", (?=Duplicate |Invalid |Input |Cycle |Recursive |System labels |Task '|Namespace ')")
# Which the check of references tells, of all tasks and with the files in mind.
TOLD_ELSEWHERE = re.compile(r"^The subflow '.*' not found in namespace")
UNKNOWN_TYPE = re.compile(r"^Invalid type: (\S+)")
UNKNOWN_PROPERTY = re.compile(r"^Unrecognized field \"(.+?)\" \(class (\S+?)\)")
# The sections of a flow, with the name by which Kestra checks an item of it alone.
PARTS = {**dict.fromkeys(SECTIONS, "TASKS"), "triggers": "TRIGGERS"}
INPUT_TYPES = (
    *("ARRAY", "BOOL", "BOOLEAN", "DATE", "DATETIME", "DURATION", "EMAIL", "ENUM", "FILE", "FLOAT", "FORM", "INT"),
    *("JSON", "MULTISELECT", "SECRET", "SELECT", "STRING", "TIME", "URI", "YAML"),
)


class Validator:
    """Ask a server what it thinks of flows, and find the lines that it means."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._deprecations = Deprecations(client)
        self._types: list[str] | None = None

    def findings(self, outline: Outline) -> Iterator[Finding]:
        """Return what Kestra says of a flow: what is wrong is an error, all else a warning."""
        verdict = self._client.flows.verdict(outline.source.text)
        for sentence in self._sentences(outline, verdict):
            yield from self._placed(outline, sentence)
        for warning in verdict.warnings:
            if not TOLD_ELSEWHERE.match(warning):
                yield _finding(outline, _line(outline, warning), "warning", warning)
        yield from self._deprecations.findings(outline, verdict.deprecations)
        for info in dict.fromkeys(verdict.infos):
            old = info.partition(" ")[0]
            for line in _lines_of_type(outline, old):
                yield _finding(outline, line, "warning", f"the type {info}.")

    def _sentences(self, outline: Outline, verdict: Verdict) -> list[str]:
        if not verdict.constraints:
            return []
        text = PREFIX.sub("", verdict.constraints)
        if verdict.readable:
            return [part for line in text.splitlines() if line.strip() for part in _of_flow(line)]
        # Kestra stops at the first thing that it cannot read: ask for the parts, too.
        found = [text]
        for section, name in PARTS.items():
            for node in mappings(value_at(outline.root, section)):
                answer = PREFIX.sub("", self._client.flows.validate_part(name, yaml.serialize(node)) or "")
                if UNKNOWN_TYPE.match(answer) or UNKNOWN_PROPERTY.match(answer):
                    found.append(answer)
        return list(dict.fromkeys(found))

    def _placed(self, outline: Outline, sentence: str) -> Iterator[Finding]:
        lines, message = [_line(outline, sentence)], explained(sentence)
        if found := UNKNOWN_TYPE.match(sentence):
            kind = found[1]
            if kind in ("<null>", "null"):
                lines = _without_type(outline) or lines
                message = "this has no `type`, or none that Kestra can read."
            else:
                # Of inputs Kestra tells the type in capitals, however it is written.
                written = _lines_of_type(outline, kind)
                message = f"Kestra does not know the type {kind}{self._meant(kind, written=bool(written))}"
                lines = written or lines
        elif found := UNKNOWN_PROPERTY.match(sentence):
            name, owner = found.groups()
            lines = (
                _lines(outline, lambda node: key_line(node, name) and _is(node, owner), name)
                or _lines(outline, lambda node: key_line(node, name), name)[:1]
                or lines
            )
        if self._client.address.is_two:
            message = advised(message)
        for line in lines:
            yield _finding(outline, line, "error", message)

    def _meant(self, kind: str, *, written: bool) -> str:
        if "." not in kind:
            nearest = get_close_matches(
                kind.upper(), [name for name in INPUT_TYPES if not (written and name == kind)], n=1
            )
            return f"; did you mean {nearest[0]}?" if nearest else "."
        if self._types is None:
            self._types = self._client.plugins.types()
        nearest = get_close_matches(kind, self._types, n=1, cutoff=0.9)
        plugin = "name the plugin that has it in the fixture kestra_plugins, or with --plugin"
        return f"; did you mean {nearest[0]}? If not, {plugin}." if nearest else f". Check its spelling, or {plugin}."


def _of_flow(line: str) -> list[str]:
    about = line.removeprefix(":").strip()
    if not about.startswith("Invalid Flow: "):
        return [line.strip()]
    return NEXT_OF_FLOW.split(about.removeprefix("Invalid Flow: "))


def _finding(outline: Outline, line: int, severity: Severity, message: str) -> Finding:
    return Finding(outline.source.name, line, severity, message)


def _is(node: yaml.MappingNode, owner: str) -> bool:
    """Say whether a mapping is what a Java class reads; types with older names end as these do."""
    kind = text_at(node, "type")
    return kind is not None and kind.rpartition(".")[2] == owner.rpartition(".")[2]


def _lines(outline: Outline, test: Callable[[yaml.MappingNode], object], key: str) -> list[int]:
    """Return the lines of a key in all mappings that pass a test."""
    return [line_of(node, key) for _, node in outline.nodes if isinstance(node, yaml.MappingNode) and test(node)]


def _lines_of_type(outline: Outline, kind: str) -> list[int]:
    return _lines(outline, lambda node: text_at(node, "type") == kind, "type")


def _without_type(outline: Outline) -> list[int]:
    lists = [value_at(outline.root, section) for section in (*PARTS, "inputs")]
    lists += [value_at(task.node, key) for task in outline.tasks for key in ("tasks", "then", "else", *SECTIONS[1:])]
    return [line_of(node, "id") for items in lists for node in mappings(items) if not text_at(node, "type")]


def _line(outline: Outline, sentence: str) -> int:
    """Return the line that a sentence means; that of the flow's id where it means the whole."""
    if found := re.search(r"\(at line (\d+)\)", sentence):
        return int(found[1])
    if found := re.search(r"\(through reference chain: .*?FlowWithSource(.*?)\)", sentence):
        steps = re.findall(r"\[\"?([^\"\]]+)\"?\]", found[1])
        return _at_steps(outline, steps)
    if found := re.match(r"(Duplicate [a-z ]+) with (?:name|id) \[([^\],]+)", sentence):
        return _second(outline, found[1], found[2])
    path, colon, _ = sentence.partition(": ")
    if colon and " " not in path:
        return _at_path(outline, path)
    names = re.findall(r"'([\w.-]+)'", sentence)
    named = [*(task.node for task in outline.tasks), *outline.triggers, *mappings(value_at(outline.root, "inputs"))]
    for name in names:
        for node in named:
            if text_at(node, "id") == name:
                return next((line for other in names[1:] if (line := key_line(node, other))), line_of(node, "id"))
    return outline.source.line_of(*names) or line_of(outline.root, "id")


def _second(outline: Outline, kind: str, name: str) -> int:
    """Return the line where an id comes for the second time, among what Kestra says that it is."""
    if "task" in kind:
        lines = [task.line for task in outline.tasks if task.id == name]
    else:
        section = next((part for part in ("triggers", "inputs", "outputs") if part[:-1] in kind), "triggers")
        items = mappings(value_at(outline.root, section))
        lines = [line_of(item, "id") for item in items if text_at(item, "id") == name]
    return (sorted(lines)[1:] or lines or [0])[0]


def _at_steps(outline: Outline, steps: Sequence[str]) -> int:
    """Return the line of what keys and indexes lead to, or as far as they lead."""
    for end in range(len(steps), 0, -1):
        before = node_at(outline.root, steps[: end - 1])
        if line := key_line(before, steps[end - 1]):
            return line
        if (node := node_at(before, steps[end - 1 : end])) is not None:
            return node.start_mark.line + 1
    return line_of(outline.root, "id")


def _at_path(outline: Outline, path: str) -> int:
    """Return the line of a path: from the flow's beginning, or from a task, whose id then stands before each step.

    Kestra 2.0 writes `tasks[inner].tasks[inner].message` for a task in another: only the last id is the task's own.
    """
    parts = path.split(".")
    ids = [*re.findall(r"\[([\w-]*[A-Za-z_][\w-]*)\]", path)[-1:], parts[0]]
    lines = [(key_line(task.node, parts[-1].partition("[")[0]), task) for task in outline.tasks if task.id == ids[0]]
    if lines:
        # Of several tasks of that id the one that lacks it, which is what Kestra most often says.
        line, task = min(lines, key=lambda item: item[0] is not None)
        return line or task.line
    return _at_steps(outline, re.findall(r"[\w-]+", path))
