"""Executions and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial

from pytest_kestra.names import Named
from pytest_kestra.records.values import Json, labels_of
from pytest_kestra.states import State
from pytest_kestra.times import duration, instant

# Reads outputs that are apart: those of `executions` and an id, or of `tasks`, an execution's and a task run's id.
Outputs = Callable[..., Json | None]


@dataclass(frozen=True)
class StateChange:
    """Say when an execution or a task run came to a state."""

    state: State
    date: datetime


class Course:
    """Tell the course of something that has states: an execution, a task run or an attempt."""

    state: State
    history: tuple[StateChange, ...]

    @property
    def states(self) -> list[State]:
        """The states it has been in, in their order, the present one last."""
        return [change.state for change in self.history]

    @property
    def start(self) -> datetime:
        """When it was created."""
        return self.history[0].date

    @property
    def end(self) -> datetime | None:
        """When it came to its final state; None while it runs."""
        return self.history[-1].date if self.state.is_final else None

    def when(self, state: str) -> datetime | None:
        """Return when it first came to a state; None where it never did."""
        return next((change.date for change in self.history if change.state == state), None)


@dataclass(frozen=True)
class Attempt(Course):
    """Tell one attempt to run a task; `duration` is None while it runs."""

    state: State
    history: tuple[StateChange, ...]
    duration: timedelta | None

    @classmethod
    def of(cls, data: Json) -> Attempt:
        """Return the attempt that the API's JSON describes."""
        return cls(*_state(data))


@dataclass(frozen=True)
class TaskRun(Course):
    """Tell one run of a task: in a loop, one of many, with its `value`.

    `outputs` are empty where a task makes none; `duration` is None while it runs. `values` are those of all loops
    around it, the outermost first, `iteration` counts the rounds of its loop from 0, of which a LoopUntil keeps the
    last. `execution_id` is another one than that of the whole in a `Loop` of Kestra 2.0, whose rounds are executions.
    """

    id: str
    task_id: str
    state: State
    history: tuple[StateChange, ...]
    duration: timedelta | None
    attempts: tuple[Attempt, ...]
    value: str | None
    parent_id: str | None
    iteration: int | None = None
    values: tuple[str, ...] = ()
    execution_id: str | None = field(default=None, repr=False)
    _outputs: Callable[[], Json | None] = field(default=dict, repr=False, compare=False)

    @cached_property
    def outputs(self) -> Json:
        """What the task has made; Kestra 2.0 is asked for it when it is first looked at."""
        return Named.of(self._outputs(), "output", f"the task {self.task_id}")

    @property
    def name(self) -> str:
        """The task's id, with the values of the loops around it, such as `charge[A-1]`."""
        return self.task_id + "".join(f"[{value}]" for value in self.values)

    @classmethod
    def of(cls, data: Json, outputs: Outputs | None = None) -> TaskRun:
        """Return the task run that the API's JSON describes; its outputs are in it unless they are read apart."""
        return cls(
            data["id"],
            data["taskId"],
            *_state(data),
            attempts=tuple(Attempt.of(attempt) for attempt in data.get("attempts") or ()),
            value=data.get("value"),
            parent_id=data.get("parentTaskRunId"),
            iteration=data.get("iteration"),
            execution_id=data.get("executionId"),
            _outputs=partial(data.get, "outputs")
            if outputs is None
            else partial(outputs, "tasks", data["executionId"], data["id"]),
        )


@dataclass(frozen=True)
class ExecutionRecord(Course):
    """Tell an execution as it was when it was read; `duration` is None while it runs.

    `trigger` says what started it, where that was not a call of the API: its `id`, `type` and `variables`. `labels` are
    without those of the system, `original_id` is that of the execution which this one replays.
    """

    id: str
    namespace: str
    flow_id: str
    revision: int | None
    state: State
    history: tuple[StateChange, ...]
    duration: timedelta | None
    inputs: Json = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    trigger: Json | None = None
    original_id: str | None = None
    _outputs: Callable[[], Json | None] = field(default=dict, repr=False, compare=False)
    _read_runs: Callable[[], tuple[TaskRun, ...]] = field(default=tuple, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.id)

    @cached_property
    def task_runs(self) -> tuple[TaskRun, ...]:
        """The runs of its tasks, in their order; Kestra 2.0 is asked for those of what a search has found."""
        return self._read_runs()

    @cached_property
    def outputs(self) -> Json:
        """What the flow has made; Kestra 2.0 is asked for it when it is first looked at."""
        return Named.of(self._outputs(), "output", f"the execution of {self.flow_id}")

    def depth(self, run: TaskRun) -> int:
        """Return how many task runs of this execution stand around another."""
        parents = {other.id: other.parent_id for other in self.task_runs}
        depth, parent = 0, run.parent_id
        while parent in parents and depth < len(parents):
            depth, parent = depth + 1, parents[parent]
        return depth

    @property
    def triggered_by(self) -> str | None:
        """The id of the execution that started this one, by a subflow task or a Flow trigger; None where none did."""
        variables = (self.trigger or {}).get("variables") or {}
        found = variables.get("executionId")
        return None if found is None else str(found)

    @classmethod
    def of(cls, data: Json, outputs: Outputs | None = None, whole: Callable[[], Json] | None = None) -> ExecutionRecord:
        """Return the execution that the API's JSON describes; its outputs are in it unless they are read apart.

        `whole` reads the JSON that has its task runs, where this has not.
        """
        where = f"the execution of {data['flowId']}"
        original = data.get("originalId")
        trigger = data.get("trigger")
        return cls(
            data["id"],
            data["namespace"],
            data["flowId"],
            data.get("flowRevision"),
            *_state(data),
            inputs=Named.of(data.get("inputs"), "input", where),
            labels=Named.of(labels_of(data), "label", where),
            trigger=None if trigger is None else Named.of(trigger, "entry", f"the trigger of {where}"),
            original_id=None if original == data["id"] else original,
            _outputs=partial(data.get, "outputs") if outputs is None else partial(outputs, "executions", data["id"]),
            _read_runs=partial(_task_runs, (lambda: data) if whole is None else whole, outputs),
        )


def _state(data: Json) -> tuple[State, tuple[StateChange, ...], timedelta | None]:
    state = data["state"]
    history = tuple(StateChange(State(item["state"]), instant(item["date"])) for item in state["histories"])
    text = state.get("duration")
    return State(state["current"]), history, duration(text) if text else None


def _task_runs(whole: Callable[[], Json], outputs: Outputs | None) -> tuple[TaskRun, ...]:
    return _in_loops([TaskRun.of(run, outputs) for run in whole().get("taskRunList") or ()])


def _in_loops(runs: Sequence[TaskRun]) -> tuple[TaskRun, ...]:
    """Return the task runs with the values of all loops around each."""
    known = {run.id: run for run in runs}

    def values(run: TaskRun) -> tuple[str, ...]:
        around = values(known[run.parent_id]) if run.parent_id in known else ()
        return around if run.value is None else (*around, run.value)

    return tuple(replace(run, values=values(run)) for run in runs)
