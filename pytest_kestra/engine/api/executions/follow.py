"""The endpoints that tell what happens as it happens: executions, those they depend on, and logs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import Call, route
from pytest_kestra.engine.api.executions.records import lowest_level, settle
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import java, to_java

# As Kestra does, a stream on which nothing happens for so long is ended, in seconds.
IDLE_S = 3600.0


async def execution(call: Call) -> Response:
    """Stream an execution's states until it has ended; an unknown one is waited for."""
    return _stream(_execution(call, call.path["id"]))


async def dependencies(call: Call) -> Response:
    """Stream the states of the executions that belong to an execution's flow and those it depends on."""
    found = await call.run(_find, call, call.path["id"])
    if found is None:
        raise not_found()
    return _stream(_dependencies(call, found))


async def logs(call: Call) -> Response:
    """Stream an execution's logs from a level up, those that are there first; the caller ends it."""
    lowest = await call.run(lowest_level, call)
    return _stream(_logs(call, call.path["id"], lowest))


async def _execution(call: Call, execution_id: str) -> AsyncIterator[str]:
    with call.events.execution(execution_id) as states:
        stub = java("io.kestra.core.models.executions.Execution").builder().id(execution_id).build()
        yield await _event(call, "start", stub)
        seen = -1
        current = await call.run(_find, call, execution_id)
        while True:
            # What was read may be newer than what was told before it.
            if current is not None and _changes(current) > seen:
                seen = _changes(current)
                ended = await call.run(_has_ended, call, current)
                yield await _event(call, "end" if ended else "progress", current)
                if ended:
                    return
            current = await _next(states)


async def _dependencies(call: Call, found: Any) -> AsyncIterator[str]:
    correlation = _correlation(found)
    with call.events.correlated(correlation) as states:
        yield await _event(call, "start", to_java({"executionId": found.getId()}))
        left = await call.run(_related, call, found)
        for known in await call.run(_correlated, call, correlation):
            states.put_nowait(known)
        while left:
            state = await _next(states)
            flow = (str(state.getNamespace()), str(state.getFlowId()))
            if flow in left:
                ended = await call.run(_has_ended, call, state)
                yield await _event(call, "end" if ended else "progress", _status(state))
                if ended:
                    left.remove(flow)
        yield await _event(call, "end-all", to_java({"executionId": found.getId()}))


async def _logs(call: Call, execution_id: str, lowest: Any) -> AsyncIterator[str]:
    with call.events.logs(execution_id) as entries:
        yield await _event(call, "start", java("io.kestra.core.models.executions.LogEntry").builder().build())
        told = set()
        for entry in await call.run(_logs_so_far, call, execution_id, lowest):
            told.add(_mark(entry))
            yield await _event(call, "progress", entry)
        while True:
            entry = await _next(entries)
            if entry.getLevel().toInt() >= lowest.toInt() and _mark(entry) not in told:
                yield await _event(call, "progress", entry)


def _stream(events: AsyncIterator[str]) -> Response:
    return StreamingResponse(_until_idle(events), media_type="text/event-stream")


async def _until_idle(events: AsyncIterator[str]) -> AsyncIterator[str]:
    with contextlib.suppress(asyncio.TimeoutError):
        async for event in events:
            yield event


async def _next(queue: asyncio.Queue[Any]) -> Any:
    return await asyncio.wait_for(queue.get(), IDLE_S)


async def _event(call: Call, name: str, value: Any) -> str:
    text = await call.run(call.kestra.json.writeValueAsString, value)
    return f"id: {name}\ndata: {text}\n\n"


def _logs_so_far(call: Call, execution_id: str, lowest: Any) -> list[Any]:
    settle()  # watches are told of an entry before it is in its table
    return list(call.kestra.logs.findByExecutionId(call.tenant, execution_id, lowest))


def _find(call: Call, execution_id: str) -> Any:
    return call.kestra.executions.findById(call.tenant, execution_id).orElse(None)


def _has_ended(call: Call, state: Any) -> bool:
    flow = call.kestra.flows.findByExecutionWithoutAcl(state)
    runs = state.getTaskRunList() or ()
    return bool(call.kestra.execution_service.isTerminated(flow, state)) and all(
        run.getState().isTerminated() for run in runs
    )


def _changes(state: Any) -> int:
    """Return how many changes of state an execution and its task runs have seen: they only get more."""
    runs = [run.getState() for run in state.getTaskRunList() or ()]
    return sum(len(changed.getHistories()) for changed in (state.getState(), *runs))


def _correlation(found: Any) -> str:
    key = java("io.kestra.core.models.Label").CORRELATION_ID
    return next((str(label.value()) for label in found.getLabels() if label.key() == key), str(found.getId()))


def _correlated(call: Call, correlation: str) -> list[Any]:
    key = java("io.kestra.core.models.Label").CORRELATION_ID
    filters = to_java([_labels_filter({key: correlation})])
    unpaged = java("io.micronaut.data.model.Pageable").UNPAGED
    return list(call.kestra.executions.find(unpaged, call.tenant, filters))


def _labels_filter(labels: dict[str, str]) -> Any:
    return queries.made("labels", "EQUALS", to_java(labels))


def _related(call: Call, found: Any) -> set[tuple[str, str]]:
    """Return namespace and id of the execution's flow and of those that depend on it or that it depends on."""
    place = (found.getTenantId(), found.getNamespace(), found.getFlowId())
    directions = (call.flag("destinationOnly"), call.flag("expandAll"))
    own = (str(found.getNamespace()), str(found.getFlowId()))
    topologies = list(call.kestra.dependencies(*place, *directions).toList())
    nodes = [node for topology in topologies for node in (topology.getSource(), topology.getDestination())]
    return {own, *((str(node.getNamespace()), str(node.getId())) for node in nodes)}


def _status(state: Any) -> Any:
    return to_java(
        {
            "executionId": state.getId(),
            "tenantId": state.getTenantId(),
            "namespace": state.getNamespace(),
            "flowId": state.getFlowId(),
            "state": state.getState(),
        }
    )


def _mark(entry: Any) -> tuple[str, ...]:
    return tuple(map(str, (entry.getTimestamp(), entry.getTaskRunId(), entry.getAttemptNumber(), entry.getMessage())))


ROUTES = [
    route("executions/{id}/follow", execution),
    route("executions/{id}/follow-dependencies", dependencies),
    route("logs/{id}/follow", logs),
]
