"""The path that an execution took through its flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from difflib import SequenceMatcher
from typing import Any, SupportsIndex, overload

from pytest_kestra.errors import hint
from pytest_kestra.records import ExecutionRecord, TaskRun

# States of a task run that was not to be run, or did not come to it.
IDLE = ("CREATED", "SUBMITTED", "SKIPPED", "KILLED", "CANCELLED")


class Path(tuple[str, ...]):
    """Hold the names of the tasks that ran, in the order in which they began; in a loop with its values, `charge[A-1]`.

    It equals a list or tuple of such names. A set in there stands for tasks that run side by side: as many steps, in
    any order. Tasks that Kestra skipped, since their `runIf` said so, are not in it.
    """

    execution: Any = None

    @classmethod
    def of(cls, execution: ExecutionRecord) -> Path:
        """Return the path of an execution."""
        # A task that waits for others is created before it begins.
        ran = sorted(filter(has_run, execution.task_runs), key=lambda run: run.when("RUNNING") or run.start)
        path = cls(run.name for run in ran)
        path.execution = execution
        return path

    @property
    def counts(self) -> dict[str, int]:
        """How often each task ran, whatever the values of its loops."""
        return dict(Counter(map(_task_id, self)))

    def only(self, *task_ids: str) -> Path:
        """Return the steps of some tasks, in their order."""
        return self._part(step for step in self if _task_id(step) in task_ids)

    def _part(self, steps: Iterable[str]) -> Path:
        part = Path(steps)
        part.execution = self.execution
        return part

    @overload
    def __getitem__(self, key: SupportsIndex) -> str: ...

    @overload
    def __getitem__(self, key: slice) -> Path: ...

    def __getitem__(self, key: SupportsIndex | slice) -> str | Path:
        """Return a step, or those of a slice as a path."""
        return self._part(super().__getitem__(key)) if isinstance(key, slice) else super().__getitem__(key)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (list, tuple)):
            return tuple(_flat(self, other)) == tuple(self)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = tuple.__hash__


def has_run(run: TaskRun) -> bool:
    """Tell whether a task run was begun; one that Kestra skipped, or killed before, was not."""
    return "RUNNING" in run.states or run.state not in IDLE


def difference(path: Path, expected: Sequence[object], known: Sequence[str]) -> list[str]:
    """Return the lines that tell how a path differs from the expected one; the first says the most.

    `known` are the ids of the flow's tasks, so that a misspelled one is told.
    """
    wished = _flat(path, expected)
    lines: list[str] = []
    told: list[str] = []
    for kind, start, end, first, last in SequenceMatcher(None, wished, path, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += [f"    {step}" for step in wished[start:end]]
            continue
        for step in wished[start:end]:
            why = _why_missing(step, path, known)
            lines.append(f"  - {step}   expected here, but {why}")
            told.append(f"{step}: {why}" if "," in why or "?" in why else f"{step} {why.removeprefix('it ')}")
        for step in path[first:last]:
            why = "ran here, but is expected elsewhere" if step in wished else "ran, but is not expected"
            lines.append(f"  + {step}   {why}")
            told.append(f"{step} {why}")
    head = f"{path.execution.flow_id} took another path"
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return [f"{head}: {told[0]}{more}" if told else head, *lines]


def _why_missing(step: str, path: Path, known: Sequence[str]) -> str:
    if _task_id(step) not in known:
        return f"the flow has no such task{hint(_task_id(step), known).split(' It has:')[0]}".rstrip(".")
    if step in path:
        return "it ran elsewhere"
    return "it did not run" if _task_id(step) not in path.counts else "it ran only for other values"


def _flat(path: Sequence[str], expected: Sequence[Any]) -> list[str]:
    """Return the expected steps, those of a set in the order in which they ran, the ones that did not at its end."""
    steps: list[str] = []
    for step in expected:
        if isinstance(step, AbstractSet):
            left = list(path[len(steps) :])
            steps += sorted(step, key=lambda name: (left.index(name) if name in left else len(left), str(name)))
        else:
            steps.append(str(step))
    return steps


def _task_id(step: str) -> str:
    return str(step).partition("[")[0]
