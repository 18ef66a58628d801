"""Kestra 2.0: commands to the executor, and an answer when it has processed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import TENANT, WORKER_THREADS, Kestra

COMMANDS = "io.kestra.core.executor.command"
OPERATIONS = "io.kestra.runner.h2.Operations"
PARSING = "io.kestra.core.services.FlowParsingService"
# How long Kestra's own server waits until a command is processed.
COMMAND_TIMEOUT_S = 30


class KestraTwoZero(Kestra):
    """Run Kestra 2.0."""

    line = "2.0"
    answers_with_execution = True

    def _context(self, properties: Any) -> Any:
        self._server = java("io.kestra.runner.h2.Server")(properties)
        return self._server.context()

    def _services(self) -> Sequence[Any]:
        return list(self._server.start(WORKER_THREADS))

    @cached_property
    def commands(self) -> Any:
        """The queue on which the executor is told what to do."""
        return self._queue("DispatchQueueInterface", f"{COMMANDS}.ExecutionCommand")

    @cached_property
    def kill_queue(self) -> Any:
        """The queue on which the end of an execution is asked for."""
        return self._queue("BroadcastQueueInterface", "io.kestra.core.models.executions.ExecutionKilled")

    @cached_property
    def logs(self) -> Any:
        """The repository of logs."""
        return self.bean("io.kestra.core.repositories.LogDataStoreInterface")

    @property
    def system_namespace(self) -> str:
        """The namespace of Kestra's own flows."""
        return str(self.bean("io.kestra.core.contexts.configuration.SystemFlowsConfiguration").namespace())

    def start(self, execution: Any) -> Any:
        """Tell the executor to create an execution that is as this one."""
        java("io.kestra.runner.h2.KnownFlows").settle()
        create = java(f"{COMMANDS}.Create").of(_id(execution)).withInputs(execution.getInputs())
        create = create.withLabels(execution.getLabels()).withKind(execution.getKind())
        create = create.withScheduleDate(execution.getScheduleDate()).withBreakpoints(execution.getBreakpoints())
        create = create.withTrigger(execution.getTrigger()).withFixtures(execution.getFixtures())
        if execution.getState().isFailed():
            create = create.withStateType(execution.getState().getCurrent())
        return self._processed("Create", execution, create)

    def pause(self, execution: Any) -> Any:
        """Tell the executor to pause it."""
        if not execution.getState().isRunning():
            raise _conflict("Cannot pause execution: execution is not running.")
        return self._processed("Pause", execution, java(f"{COMMANDS}.Pause").from_(execution))

    def resume(self, execution: Any, flow: Any, parts: Any, checked: Callable[[Any], None]) -> Any:
        """Read the inputs, and tell the executor to let it go on."""
        now, command = java("io.kestra.plugin.core.flow.Pause$Resumed").now(), java(f"{COMMANDS}.Resume")
        if parts is None:
            return self._processed("Resume", execution, command.from_(execution, now))
        values = self.execution_service.readInputs(execution, flow, parts).block()
        checked(values)
        return self._processed("Resume", execution, command.from_(execution, now, values))

    def resume_from_breakpoint(self, execution: Any, breakpoints: str | None) -> Any:
        """Tell the executor to let it go on."""
        optional = java("java.util.Optional").ofNullable(breakpoints)
        command = java(f"{COMMANDS}.ResumeFromBreakpoint").from_(execution, optional)
        return self._processed("Resume from breakpoint", execution, command)

    def restart(self, execution: Any, revision: Any) -> Any:
        """Tell the executor to begin it again."""
        if not execution.getState().canBeRestarted():
            state = execution.getState().getCurrent()
            raise _conflict(f"Cannot restart execution: current state is '{state}', expected terminated or paused.")
        return self._processed("Restart", execution, java(f"{COMMANDS}.Restart").from_(execution, revision))

    def replay(
        self, execution: Any, flow: Any, *, task_run_id: str | None, revision: Any, breakpoints: str | None
    ) -> Any:
        """Tell the executor to make the new one."""
        optional = java("java.util.Optional").ofNullable(breakpoints)
        new = self.execution_service.replay(execution, flow, task_run_id, revision, optional, True)
        java("io.kestra.runner.h2.KnownFlows").settle()
        self._queue("DispatchQueueInterface", "io.kestra.core.models.executions.Execution").emit(new)
        labels, label = list(execution.getLabels() or ()), java("io.kestra.core.models.Label")
        replayed = label(label.REPLAYED, "true")
        if replayed not in labels:
            self.set_labels(execution, to_java([*labels, replayed]))
        return new

    def force_run(self, execution: Any) -> Any:
        """Tell the executor to run it."""
        if execution.getState().isTerminated():
            raise _conflict("Cannot force run execution: only non-terminated executions can be force run.")
        return self._processed("Force run", execution, java(f"{COMMANDS}.ForceRun").from_(execution))

    def unqueue(self, execution: Any, state: Any) -> Any:
        """Tell the executor to take it out of the queue."""
        if str(execution.getState().getCurrent()) != "QUEUED":
            raise _conflict("Cannot unqueue execution: only QUEUED executions can be unqueued.")
        return self._processed("Unqueue", execution, java(f"{COMMANDS}.Unqueue").from_(execution, state))

    def change_status(self, execution: Any, state: Any) -> Any:
        """Tell the executor to give it the other state."""
        if not execution.getState().canChangeStatus():
            raise _conflict("Cannot change execution state: execution must be terminated and not killed.")
        return self._processed("Change status", execution, java(f"{COMMANDS}.UpdateStatus").from_(execution, state))

    def change_task_run(self, execution: Any, task_run_id: Any, state: Any) -> Any:
        """Tell the executor to give the task run the other state."""
        if not execution.getState().canChangeStatus():
            raise _conflict("Cannot change task run state: execution must be terminated and not killed.")
        command = java(f"{COMMANDS}.ChangeTaskRunState").from_(execution, task_run_id, state)
        return self._processed("Change task run state", execution, command)

    def set_labels(self, execution: Any, labels: Any) -> Any:
        """Tell the executor to give it these labels."""
        return self._processed("Set labels", execution, java(f"{COMMANDS}.UpdateLabels").from_(execution, labels))

    def kill(self, execution: Any, *, cascade: bool) -> Any:
        """Tell the executor, and the workers, that its end is asked for."""
        message = java("io.kestra.core.models.executions.ExecutionKilledExecution").builder()
        requested = java("io.kestra.core.models.executions.ExecutionKilled$State").REQUESTED
        message = message.state(requested).tenantId(TENANT).executionId(execution.getId()).isOnKillCascade(cascade)

        def emit(operation: str) -> None:
            self.kill_queue.emit(message.operationId(operation).build())

        return self._answer("Kill", execution, emit)

    def create_flow(self, flow: Any) -> Any:
        """Let the service check it and tell who has to know."""
        return self.flow_service.create(flow)

    def update_flow(self, flow: Any, existing: Any) -> Any:
        """Let the service check it and tell who has to know."""
        return self.flow_service.update(flow, existing)

    def delete_flow(self, flow: Any) -> Any:
        """Let the service tell who has to know."""
        return self.flow_service.delete(flow)

    def parse_flow(self, source: str) -> Any:
        """Parse it strictly."""
        return self.bean(PARSING).parse(TENANT, source, True)

    def complete_flow(self, source: str) -> Any:
        """Parse it; there are no defaults of plugins any more."""
        return self.bean(PARSING).parse(TENANT, source, False)

    def ask_scheduler(self, event: Any) -> None:
        """Tell the scheduler to do something with a trigger and return when it has; a conflict where it refuses."""
        queue = self.bean("io.kestra.core.scheduler.queue.TriggerEventQueue")
        told = self._told(lambda name: queue.send(event.withOperationId(name)))
        if str(told.outcome()) == "FAILED":
            raise _conflict(str(told.error()))

    def _queue(self, kind: str, messages: str) -> Any:
        argument = java("io.micronaut.core.type.Argument")
        wanted = argument.of(java(f"io.kestra.core.queues.{kind}").class_, [java(messages).class_])
        return self.context.getBean(wanted)

    def _processed(self, action: str, execution: Any, command: Any) -> Any:
        """Send a command and return the execution when it is processed; a conflict where it is refused."""
        return self._answer(action, execution, lambda name: self.commands.emit(command.withOperationId(name)))

    def _answer(self, action: str, execution: Any, emit: Callable[[str], None]) -> Any:
        told, execution_id = self._told(emit), execution.getId()
        if str(told.outcome()) == "FAILED":
            raise _conflict(
                f"Failed to execute action '{action}' on execution {execution_id} (operation_id={told.operationId()}). "
                f"Cause: {told.error()}"
            )
        return self.executions.findById(TENANT, execution_id).orElseThrow()

    def _told(self, emit: Callable[[str], None]) -> Any:
        """Emit something under the name of an operation, and return what is told when that is processed."""
        operation, operations = str(java("io.kestra.core.utils.IdUtils").create()), java(OPERATIONS)
        processed = operations.of(operation)
        try:
            emit(operation)
            return processed.get(COMMAND_TIMEOUT_S, java("java.util.concurrent.TimeUnit").SECONDS)
        finally:
            operations.forget(operation)


def _id(execution: Any) -> Any:
    return java("io.kestra.core.models.executions.ExecutionId")(
        *(TENANT, execution.getNamespace(), execution.getFlowId(), execution.getId(), execution.getFlowRevision())
    )


def _conflict(message: str) -> Any:
    return java("io.kestra.core.exceptions.ConflictException")(message)
