"""Expressions that Kestra cannot read, or that name what there is not: a task, input, variable, filter or function."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from pytest_kestra.checks import loops
from pytest_kestra.checks.findings import Finding, Severity
from pytest_kestra.checks.pebble import Reference, Template, read
from pytest_kestra.checks.vocabulary import Vocabulary
from pytest_kestra.errors import hint
from pytest_kestra.flows.outline import DEFAULTS, SECTIONS, Outline, Path, Task, ids_of, is_type, text_at

DASH = "a dash means minus here"
# The types by which a task starts other flows, with their older names.
SUBFLOW = ("plugin.core.flow.Subflow", "core.tasks.flows.Subflow", "core.tasks.flows.Flow")
FLOW_TRIGGER = ("plugin.core.trigger.Flow", "core.models.triggers.types.Flow")
TEMPLATE = ("plugin.core.flow.Template", "core.tasks.flows.Template")
# The tasks that run those in them one after the other, and once.
IN_ORDER = {"Sequential", "If", "Switch", "AllowFailure", "WorkingDirectory"}
# Kestra renders no text under these keys of a flow, task, input or trigger.
PROSE = {"description", "displayName"}
# `trigger` of a flow that another one starts by a task (`ExecutableUtils.subflowExecution`, `RunVariables`).
OF_SUBFLOW = {
    *("executionId", "namespace", "flowId", "flowRevision"),
    *("taskRunId", "taskId", "taskRunOutputs", "taskRunValue", "taskRunIteration"),
    *("loopTaskRunId", "loopIndex", "_context"),
}
# What Kestra sets about where an expression is (`RunVariables`, `ForEachItem`), on any line: `endDate` is of 2.0.
ATTRIBUTES = {
    "flow": ["id", "namespace", "revision", "tenantId"],
    "execution": ["id", "startDate", "endDate", "state", "originalId", "outputs"],
    "taskrun": ["id", "startDate", "attemptsCount", "parentId", "value", "iteration", "items"],
}


def findings(outline: Outline, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Return what is wrong with the expressions of a flow, on a server with these filters and functions."""
    checks = _Expressions(outline, vocabulary)
    for path, node in outline.nodes:
        if isinstance(node, yaml.ScalarNode):
            yield from checks.of(path, node)
        elif isinstance(node, yaml.MappingNode):
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    yield from checks.of(path, key)


class _Expressions:
    def __init__(self, outline: Outline, vocabulary: Vocabulary) -> None:
        self.outline = outline
        self.vocabulary = vocabulary
        self.tasks: dict[str, Task] | None = {}
        for task in outline.tasks:
            self.tasks |= dict.fromkeys(ids_of(task.id, task.type), task)
        if any(is_type(task.type, TEMPLATE) for task in outline.tasks):  # whose tasks are elsewhere
            self.tasks = None

    def of(self, path: Path, scalar: yaml.ScalarNode) -> Iterator[Finding]:
        if "{" not in scalar.value or _is_prose(path):
            return
        text = self.outline.source.written(scalar)
        template = read(text, folded=scalar.style != "|")
        roots = _checked(path)
        for severity, message, at in self._found(template, text, roots, path):
            line = scalar.start_mark.line + 1 + text[:at].count("\n")
            yield Finding(self.outline.source.name, line, severity, message)

    def _found(self, template: Template, text: str, roots: set[str], path: Path) -> Iterator[tuple[Severity, str, int]]:
        # A variable is rendered only where a task asks for it.
        severity: Severity = "warning" if _section(path) == "variables" else "error"
        if template.problem is not None:
            problem, at = template.problem
            yield severity, f"Kestra cannot read this expression: {problem}.", at
        for use in template.uses:
            if message := self.vocabulary.unknown(use):
                yield severity, message, use.start
        for reference in template.references:
            if reference.names[0] in roots and (found := self._checked(reference, text, path)):
                yield *found, reference.start

    def _checked(self, reference: Reference, text: str, path: Path) -> tuple[Severity, str] | None:
        root, name = reference.names[:2]
        if root == "trigger":
            return self._trigger(reference)
        if root in ("item", "taskrun") and not reference.excused and (wrong := loops.wrong_item(reference, path)):
            return "warning", wrong
        if root == "item":
            return None
        if attributes := ATTRIBUTES.get(root):
            unknown = name not in attributes and not reference.excused
            return ("warning", _unknown(f"{root}.{name}", root, name, attributes)) if unknown else None
        known = self._known(root)
        if known is None:
            return None
        shown = re.sub(r"\s+", "", text[reference.start : reference.end])
        severity: Severity = "warning" if reference.excused else "error"
        if name not in known:
            whole = name + "".join(re.findall(r"^(?:-\w+)+", text[reference.end :]))
            if whole in known:
                return severity, f"`{root}.{whole}`: {DASH}; write `{root}['{whole}']`."
            return severity, _unknown(shown, root, name, known)
        if root == "inputs":
            return self._nested(reference, severity)
        if root == "outputs" and self.tasks and not reference.excused:
            return self._unseen(shown, self.tasks[name], path)
        return None

    def _unseen(self, shown: str, used: Task, path: Path) -> tuple[Severity, str] | None:
        """Return why the outputs of a task are not there where they are used."""
        user = self.outline.task_around(path)
        if user is not None and _runs_later(user, used):
            return "warning", f"`{shown}` is used before the task {used.id!r} (line {used.line}) runs."
        if (user is not None or _section(path) == "outputs") and (loop := loops.closed_to(path, used)):
            return "error", f"`{shown}`: {used.id!r} is in the Loop {loop!r}; name it in the `outputs` of {loop!r}."
        return None

    def _known(self, root: str) -> list[str] | None:
        """Return the names that there are below one of the variables that every expression has."""
        known = {"inputs": self.outline.inputs, "vars": self.outline.variables}.get(root, self.tasks)
        return None if known is None else sorted(known) if root == "vars" else list(known)

    def _nested(self, reference: Reference, severity: Severity) -> tuple[Severity, str] | None:
        below = self.outline.inputs or {}
        for place, name in enumerate(reference.names[1:], 1):
            if name not in below:
                shown = ".".join(reference.names[: place + 1])
                return severity, _unknown(shown, "inputs", name, list(below))
            below = below[name]
            if not below:
                break
        return None

    def _trigger(self, reference: Reference) -> tuple[Severity, str] | None:
        if self.outline.triggers or reference.excused or reference.names[1] in OF_SUBFLOW:
            return None
        shown = ".".join(reference.names[:2])
        return "warning", f"`{shown}`: the flow has no triggers, so that nothing sets it."


def _section(path: Path) -> str:
    return str(path[0].key) if path else ""


def _is_prose(path: Path) -> bool:
    if not path or path[-1].key not in PROSE:
        return False
    return len(path) == 1 or text_at(path[-1].node, "id") is not None


def _checked(path: Path) -> set[str]:
    """Return which variables are those of this flow, at the end of a way through it."""
    roots = {"inputs", "outputs", "vars", "tasks", "trigger", "item", *ATTRIBUTES}
    if _section(path) == "triggers":
        # Here there is no execution yet, or it is another flow's.
        kind = text_at(path[2].node, "type") if len(path) > 2 else None
        return set() if is_type(kind, FLOW_TRIGGER) else {"inputs", "vars"}
    others = (*SUBFLOW, *FLOW_TRIGGER)
    if _section(path) in DEFAULTS and len(path) > 2 and is_type(text_at(path[2].node, "type"), others):
        return set()
    for step in path:
        if step.key == "onResume":  # whose inputs are told apart from the flow's
            roots.discard("inputs")
        if step.key == "outputs" and is_type(text_at(step.node, "type"), SUBFLOW):  # which the other flow renders
            return set()
    return roots


def _runs_later(user: Task, used: Task) -> bool:
    """Say whether a task surely runs after another one that uses it."""
    for mine, theirs in zip(user.path, used.path, strict=False):
        kind = text_at(mine.node, "type")
        if kind is not None and kind.rpartition(".")[2] not in IN_ORDER:
            return False
        if mine.key == theirs.key:
            continue
        if isinstance(mine.key, int) and isinstance(theirs.key, int):
            return mine.key < theirs.key
        order = {name: place for place, name in enumerate(SECTIONS)}
        return order.get(str(mine.key), len(order)) < order.get(str(theirs.key), -1)
    return False


def _unknown(shown: str, root: str, name: str, known: list[str]) -> str:
    if root in ATTRIBUTES:
        return f"`{shown}`: {root} has no {name!r}{hint(name, known)}"
    what = {"inputs": "input", "vars": "variable"}.get(root, "task")
    return (
        f"`{shown}`: the flow has no {what}s."
        if not known
        else f"`{shown}`: there is no {what} {name!r}{hint(name, known)}"
    )
