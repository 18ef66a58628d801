"""Making a suite of a real execution, for a person to edit and keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from pytest_kestra.errors import NotFoundError
from pytest_kestra.flows.namespaces import outside
from pytest_kestra.mocks.side_effects import has_side_effects
from pytest_kestra.mocks.stand_in import original
from pytest_kestra.records import ExecutionRecord, FlowRecord, TaskRun, has_rounds
from pytest_kestra.suites.fixtures import own_value
from pytest_kestra.suites.runner import moved
from pytest_kestra.suites.source import EXTENSION

TYPE = "io.kestra.core.tests.flow.UnitTest"
HEAD = """\
# Recorded from the execution {id} of {when:%Y-%m-%d %H:%M} UTC.
# Tasks that reach out, or pause, are fixtures with what they gave then. What the others gave, and the flow, is
# asserted: take out what changes from run to run, and what does not matter.
"""
NAME = re.compile(r"[A-Za-z_]\w*")
# With which an expression, a tag or a comment begins.
BEGIN = re.compile(r"\{[{%#]")
# The output of a task that runs a flow, as a path.
EXECUTION_ID = ".executionId"
# Of a list with more items than this only the length is asserted.
LONG = 10
# Why a value is not in a suite.
PRIVATE = "a secret or a file of that execution"
PAUSE = "io.kestra.plugin.core.flow.Pause"


class Recording:
    """Describe an execution of a flow as the one case of a suite.

    `side_effects` are the types that reach out; `find` returns a flow by its namespace and id, or raises NotFoundError.
    """

    def __init__(
        self,
        execution: ExecutionRecord,
        flow: FlowRecord,
        side_effects: Sequence[str],
        find: Callable[[str, str], FlowRecord],
    ) -> None:
        self.execution = execution
        self.flow = flow
        self.side_effects = side_effects
        self._find = find
        # What cannot be in a suite, for a comment.
        self.notes: list[str] = []

    def text(self) -> str:
        """Return the suite as YAML."""
        execution = self.execution
        case: dict[str, Any] = {"id": f"recorded-{execution.id}", "type": TYPE}
        if execution.state != "SUCCESS":
            case["expectedState"] = str(execution.state)
        case["fixtures"] = self._fixtures()
        case["assertions"] = list(self._assertions())
        states = {run.task_id: str(run.state) for run in execution.task_runs if not run.values}
        case[EXTENSION] = {"expect": {"tasks": states}}
        # The execution of a test that was kept is in a namespace that nobody else has.
        namespace = outside(execution.namespace)
        suite = {
            "id": f"{execution.flow_id}-recorded",
            "namespace": namespace,
            "flowId": execution.flow_id,
            "testCases": [moved(case, {execution.namespace: namespace})],
        }
        head = HEAD.format(id=execution.id, when=execution.history[0].date)
        notes = "".join(f"# {note}\n" for note in self.notes)
        return head + notes + yaml.safe_dump(suite, sort_keys=False, allow_unicode=True, width=120)

    def _fixtures(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if inputs := self._plain(self.execution.inputs, "input"):
            found["inputs"] = inputs
        # Kestra takes the first that has the id and the innermost value of a task run (`getFixtureForTaskRun`).
        runs: dict[tuple[str, str | None], TaskRun] = {}
        for run in filter(self._reaches_out, self.execution.task_runs):
            first = runs.setdefault((run.task_id, own_value(self.flow, run)), run)
            if (first.state, first.outputs) != (run.state, run.outputs):
                self.notes.append(f"Left out, as a fixture for it would be one for {first.name}, too: {run.name}.")
        if runs:
            found["tasks"] = [self._fixture(run) for run in runs.values()]
        if (trigger := self.execution.trigger) is not None:
            found["trigger"] = {name: trigger[name] for name in ("id", "type", "variables") if trigger.get(name)}
        return found

    def _fixture(self, run: TaskRun) -> dict[str, Any]:
        fixture: dict[str, Any] = {"id": run.task_id}
        if (value := own_value(self.flow, run)) is not None:
            fixture["value"] = value
        if run.state != "SUCCESS":
            fixture["state"] = str(run.state)
        if outputs := self._plain(run.outputs, f"output of {run.name}"):
            fixture["outputs"] = outputs
        return fixture

    def _assertions(self) -> Iterator[dict[str, Any]]:
        for run in self.execution.task_runs:
            if not self._reaches_out(run) and not (run.values and has_rounds(self.flow)):
                place = "outputs" + "".join(map(_step, (run.task_id, *run.values)))
                for assertion in self._equal(run.outputs, place, run.name):
                    yield {**assertion, "taskId": run.task_id}
        yield from self._equal(self.execution.outputs, "execution.outputs", "the flow")

    def _equal(self, outputs: Mapping[str, Any], place: str, who: str) -> Iterator[dict[str, Any]]:
        """Return assertions on each single value in outputs, which expressions name below `place`."""
        for path, value in _leaves(outputs):
            what = f"output of {who} {path.removeprefix('.')!r}"
            if not _is_plain(value):
                self._leave_out(what, PRIVATE)
            elif path == EXECUTION_ID or self.execution.id in str(value):
                self._leave_out(what, "new at each run")
            elif value is not None:
                yield {"value": f"{{{{ {place}{path} }}}}", "equalTo": _unrendered(value)}

    def _reaches_out(self, run: TaskRun) -> bool:
        task = self.flow.tasks.get(run.task_id)
        return task is not None and self._acts(original(task), ())

    def _acts(self, task: Mapping[str, Any], around: tuple[tuple[str, str], ...]) -> bool:
        """Say whether a task reaches out or pauses, or runs a flow that does, or of which that cannot be told."""
        if has_side_effects(str(task["type"]), self.side_effects) or (task["type"] == PAUSE and not task.get("tasks")):
            return True
        if "flowId" not in task:
            return False
        # Fixtures do not reach into the execution of another flow.
        key = str(task.get("namespace")), str(task["flowId"])
        if key in around:
            return False
        try:
            flow = self._find(*key)
        except NotFoundError:
            return True
        return any(self._acts(original(one), (*around, key)) for one in flow.tasks.values())

    def _plain(self, values: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Return values without what belongs to one execution only, or is secret, and note these."""
        found = {}
        for name, value in values.items():
            if _is_plain(value):
                found[name] = _unrendered(value)
            else:
                self._leave_out(f"{what} {name!r}", PRIVATE)
        return found

    def _leave_out(self, what: str, why: str) -> None:
        self.notes.append(f"Left out, as it is {why}: the {what}.")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return the single values in outputs, each with its path; of a long list only its length."""
    if isinstance(value, Mapping) and not _is_encrypted(value):
        for name, item in value.items():
            yield from _leaves(item, path + _step(str(name)))
    elif isinstance(value, (list, tuple)):
        if len(value) > LONG:
            yield f"{path} | length", len(value)
        else:
            for index, item in enumerate(value):
                yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _is_encrypted(value: Mapping[str, Any]) -> bool:
    return str(value.get("type", "")).startswith("io.kestra.datatype:")


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not _is_encrypted(value) and all(map(_is_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return not (isinstance(value, str) and value.startswith("kestra://"))


def _unrendered(value: Any) -> Any:
    """Return a value of JSON as YAML writes it, with texts which Kestra renders to what they were."""
    if isinstance(value, Mapping):
        return {str(name): _unrendered(item) for name, item in value.items()}
    if isinstance(value, str):
        return BEGIN.sub(r"{{ '\g<0>' }}", value)
    return [_unrendered(item) for item in value] if isinstance(value, (list, tuple)) else value


def _step(name: str) -> str:
    return f".{name}" if NAME.fullmatch(name) else "['" + name.replace("'", "\\'") + "']"
