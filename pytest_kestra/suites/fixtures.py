"""Whether the fixtures of a case are for what its flow has: Kestra ignores others without a word."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_kestra.errors import hint
from pytest_kestra.flows.outline import ids_of
from pytest_kestra.records import FlowRecord, TaskRun, has_rounds, iteration
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.flow import Flow
from pytest_kestra.run.inputs import Inputs
from pytest_kestra.suites.source import Case, SuiteSource


def check(suite: SuiteSource, case: Case, flow: Flow) -> None:
    """Raise FlowError where a case gives an input, or a fixture for a task, that its flow has not: better than to run.

    A task that only seems to have a fixture would reach out.
    """
    known = [one for name, task in flow.tasks.items() for one in ids_of(name, str(task["type"]))]
    for task in case.tasks:
        if (name := task["id"]) not in known:
            line = suite.line_of_fixture(case, "tasks", name)
            what = f"{case.name} has a fixture for a task {name!r}, which the flow {flow.id} has not"
            raise suite.source.error(f"{what}{hint(name, known)}", line)
    for name, what in Inputs.of_flow(flow, flow.name).unknown(case.fixtures.get("inputs")).items():
        line = suite.line_of_fixture(case, "inputs", name)
        raise suite.source.error(f"{case.name} gives it, but {what}", line)


def misfits(case: Case, execution: Execution, flow: FlowRecord) -> Iterator[str]:
    """Return a sentence for each task that ran itself, though it has a fixture, which is for another iteration."""
    for name in dict.fromkeys(task["id"] for task in case.tasks):
        values = [task.get("value") for task in case.tasks if task["id"] == name]
        given = [None if value is None else iteration(value) for value in values]
        runs = [run for run in execution.task_runs if run.task_id == name]
        itself = [run for run in runs if own_value(flow, run) not in given]
        unused = [value for value in given if value not in (own_value(flow, run) for run in runs)]
        if itself and unused:
            where = ", ".join(dict.fromkeys(run.values[-1] for run in itself if run.values))
            fixture = "no `value`" if unused[0] is None else f"the `value` {unused[0]!r}"
            own = own_value(flow, itself[0])
            if unused[0] is None or own is None:
                fixture += f", and its task run has {'none' if own is None else 'one'}"
            yield f"{name} ran itself{where and ' for '}{where}: its fixture has {fixture}"


def own_value(flow: FlowRecord, run: TaskRun) -> str | None:
    """Return the value by which a fixture means a task run: that which Kestra itself has noted in it.

    It has to be the same, also where there is none (`Execution.getFixtureForTaskRun`), as in all loops of Kestra 2.0.
    """
    return None if has_rounds(flow) else run.value
