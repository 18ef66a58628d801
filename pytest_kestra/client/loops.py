"""The rounds of loops, which Kestra 2.0 runs as executions of their own; before, they were task runs like others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_kestra.client.transport import Transport
from pytest_kestra.records import Json


def rounds(transport: Transport, execution_id: str) -> Iterator[Json]:
    """Return all rounds of an execution's loops as a search tells them, those of inner loops after their own round."""
    filters = {"parentId][EQUALS": execution_id, "kind][EQUALS": "LOOP"}
    params = {f"filters[{name}]": value for name, value in filters.items()}
    found = transport.pages("executions", "search", params={**params, "sort": "state.startDate:asc"})
    for item in sorted(found, key=lambda item: (item["loopRun"]["taskRunId"], item["loopRun"]["index"])):
        yield item
        yield from rounds(transport, item["id"])


def with_rounds(transport: Transport, execution: Json) -> Json:
    """Return an execution with the task runs of its loops' rounds, each below the task run of its loop."""
    runs = list(execution.get("taskRunList") or ())
    if not runs or execution.get("kind") == "LOOP":
        return execution
    of_loops: dict[str, list[Json]] = {}
    for item in rounds(transport, execution["id"]):
        one, loop = transport.json("GET", "executions", item["id"]), item["loopRun"]
        for run in one.get("taskRunList") or ():
            if run.get("parentTaskRunId") == loop["taskRunId"]:
                run |= {"value": loop["value"], "iteration": loop["index"]}
            of_loops.setdefault(loop["taskRunId"], []).append(run)
    return {**execution, "taskRunList": list(_placed(runs, of_loops))}


def _placed(runs: Sequence[Json], of_loops: Mapping[str, Sequence[Json]]) -> Iterator[Json]:
    for run in runs:
        yield run
        yield from _placed(of_loops.get(run["id"], ()), of_loops)
