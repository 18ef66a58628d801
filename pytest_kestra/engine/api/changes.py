"""The changes that the endpoints make to an execution: each tells the executor by its queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.conversions import STATE
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import java, to_java

LABEL = "io.kestra.core.models.Label"


def find(call: Call, execution_id: str | None = None) -> Any:
    """Return an execution, the one of the path where no id is given; a Problem where it is not there."""
    found = call.kestra.executions.findById(call.tenant, execution_id or call.path["id"])
    if found.isEmpty():
        raise not_found()
    return found.get()


def emit(call: Call, execution: Any) -> Any:
    """Tell the executor the new state of an execution, and return it."""
    call.kestra.execution_queue.emit(execution)
    return execution


def breakpoints(call: Call) -> Any:
    """Return the breakpoints that are asked for, a Java list, or None where there are none."""
    text = call.query.get("breakpoints")
    if text is None:
        return None
    return to_java([java("io.kestra.core.debug.Breakpoint").of(item) for item in text.split(",") if item])


def pause(call: Call, execution: Any) -> Any:
    """Let an execution start no more tasks."""
    return emit(call, call.kestra.execution_service.pause(execution))


def resume(call: Call, execution: Any) -> Any:
    """Let a paused execution go on without inputs."""
    flow = call.kestra.flows.findByExecutionWithoutAcl(execution)
    resumed = java("io.kestra.plugin.core.flow.Pause$Resumed").now()
    return emit(call, call.kestra.execution_service.resume(execution, flow, java(STATE).RUNNING, resumed))


def restart(call: Call, execution: Any, revision: Any = None) -> Any:
    """Run the tasks of an execution again that have failed; with a revision as a new execution of it."""
    return emit(call, call.kestra.execution_service.restart(execution, revision))


def replay(
    call: Call, execution: Any, flow: Any, *, revision: Any = None, task_run: str | None = None, stops: Any = None
) -> Any:
    """Run an execution again as a new one, from its start or from a task run, and mark it as replayed."""
    new = call.kestra.execution_service.replay(execution, flow, task_run, revision)
    emit(call, new.withBreakpoints(stops))
    replayed = java(LABEL)(java(LABEL).REPLAYED, "true")
    labels = list(execution.getLabels() or ())
    if replayed not in labels:
        labels.append(replayed)
    call.kestra.executions.save(execution.withLabels(to_java(labels)))
    return new.withBreakpoints(stops)


def change_status(call: Call, execution: Any, state: Any) -> Any:
    """Give an execution that has ended another final state."""
    return emit(call, execution.withState(state))


def unqueue(call: Call, execution: Any, state: Any) -> Any:
    """Take an execution out of the queue of its flow's limit; it runs where no other state is given."""
    limits = call.kestra.bean("io.kestra.core.services.ConcurrencyLimitService")
    return emit(call, limits.unqueue(execution, state))


def force_run(call: Call, execution: Any) -> Any:
    """Let an execution run that is created, queued or paused."""
    return emit(call, call.kestra.execution_service.forceRun(execution))


def kill(call: Call, execution: Any, *, cascade: bool) -> None:
    """Ask for the end of an execution, and of the subflows it runs."""
    killed = java("io.kestra.core.models.executions.ExecutionKilledExecution").builder()
    killed = killed.state(java("io.kestra.core.models.executions.ExecutionKilled$State").REQUESTED)
    killed = killed.tenantId(call.tenant).executionId(execution.getId()).isOnKillCascade(cascade)
    call.kestra.kill_queue.emit(killed.build())


def set_labels(call: Call, execution: Any, labels: Mapping[str, str]) -> Any:
    """Give an execution these labels, and keep those of the system."""
    label = java(LABEL)
    system = {
        str(item.key()): str(item.value())
        for item in execution.getLabels() or ()
        if item.key().startswith(label.SYSTEM_PREFIX)
    }
    refuse_system_labels({key: value for key, value in labels.items() if system.get(key) != value})
    kept = to_java([label(key, value) for key, value in {**labels, **system}.items()])
    return call.kestra.executions.save(execution.withLabels(kept))


def refuse_system_labels(labels: Mapping[str, str]) -> None:
    """Raise where one of some labels is the system's."""
    for key, value in labels.items():
        if key.startswith(java(LABEL).SYSTEM_PREFIX):
            message = "System labels can only be set by Kestra itself, offending label"
            raise java("java.lang.IllegalArgumentException")(f"{message}: {key}={value}")
