"""Kestra 2.0: commands to the executor, and an answer when it has processed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import TENANT, WORKER_THREADS, Kestra, dated

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

    def kv_store(self, namespace: str) -> Any:
        """Return the key-value store of a namespace."""
        metadata = self.bean("io.kestra.core.runners.DefaultKVMetadataStateStore")
        return java("io.kestra.core.storages.kv.InternalKVStore")(TENANT, namespace, self.storage, metadata)

    def kv_revision(self, entry: Any) -> Any:
        """Return the revision of the value of a key."""
        return entry.revision()

    def read_flows(self, upload: Any, store: Callable[[str, str], None]) -> None:
        """Read the flows of a YAML or ZIP file, which must not be one that unpacks to far more."""
        protection = self.bean("io.kestra.core.security.SecurityConfiguration").zipBombProtection()
        java("io.kestra.core.models.HasSource").readSourceFile(protection, upload, store)

    def file_revision(self, entry: Any) -> Any:
        """Return the revision of a file of a namespace."""
        return entry.getRevision()

    @property
    def limits(self) -> Any:
        """The repository of limits."""
        return self.bean("io.kestra.core.repositories.ConcurrencyLimitRepositoryInterface")

    def kv_page(self, page: Any, filters: Any) -> Any:
        """Return a page of the keys of all namespaces that filters let through."""
        return self.bean("io.kestra.core.services.KVStoreService").list(page, TENANT, None, filters)

    def start(self, execution: Any) -> Any:
        """Tell the executor to create an execution that is as this one."""
        java("io.kestra.runner.h2.KnownFlows").settle()
        create = java(f"{COMMANDS}.Create").of(_id(execution)).withInputs(execution.getInputs())
        create = create.withLabels(execution.getLabels()).withKind(execution.getKind())
        create = create.withScheduleDate(execution.getScheduleDate()).withBreakpoints(execution.getBreakpoints())
        create = create.withTrigger(execution.getTrigger()).withFixtures(execution.getFixtures())
        if execution.getState().isFailed():
            create = create.withStateType(execution.getState().getCurrent())
        return self._processed("Create", execution.getId(), create)

    def pause(self, execution: Any) -> Any:
        """Tell the executor to pause it."""
        if not execution.getState().isRunning():
            raise _conflict("Cannot pause execution: execution is not running.")
        return self._processed("Pause", execution.getId(), java(f"{COMMANDS}.Pause").from_(execution))

    def resume(self, execution: Any, flow: Any, parts: Any, checked: Callable[[Any], None]) -> Any:
        """Read the inputs, and tell the executor to let it go on."""
        now, command = java("io.kestra.plugin.core.flow.Pause$Resumed").now(), java(f"{COMMANDS}.Resume")
        if parts is None:
            return self._processed("Resume", execution.getId(), command.from_(execution, now))
        values = self.execution_service.readInputs(execution, flow, parts).block()
        checked(values)
        return self._processed("Resume", execution.getId(), command.from_(execution, now, values))

    def resume_from_breakpoint(self, execution: Any, breakpoints: str | None) -> Any:
        """Tell the executor to let it go on."""
        optional = java("java.util.Optional").ofNullable(breakpoints)
        command = java(f"{COMMANDS}.ResumeFromBreakpoint").from_(execution, optional)
        return self._processed("Resume from breakpoint", execution.getId(), command)

    def restart(self, execution: Any, revision: Any) -> Any:
        """Tell the executor to begin it again."""
        if not execution.getState().canBeRestarted():
            state = execution.getState().getCurrent()
            raise _conflict(f"Cannot restart execution: current state is '{state}', expected terminated or paused.")
        return self._processed("Restart", execution.getId(), java(f"{COMMANDS}.Restart").from_(execution, revision))

    def replay(
        self,
        execution: Any,
        flow: Any,  # noqa: ARG002 - the executor finds it itself
        *,
        task_run_id: str | None,
        revision: Any,
        breakpoints: str | None,
    ) -> Any:
        """Tell the executor to make the new one."""
        new_id = java("io.kestra.core.utils.IdUtils").create()
        command = java(f"{COMMANDS}.Replay").from_(execution, new_id, task_run_id, revision, breakpoints)
        new = self._processed("Replay", new_id, command)
        labels, label = list(execution.getLabels() or ()), java("io.kestra.core.models.Label")
        replayed = label(label.REPLAYED, "true")
        if replayed not in labels:
            self.set_labels(execution, to_java([*labels, replayed]))
        return new

    def force_run(self, execution: Any) -> Any:
        """Tell the executor to run it."""
        if execution.getState().isTerminated():
            raise _conflict("Cannot force run execution: only non-terminated executions can be force run.")
        return self._processed("Force run", execution.getId(), java(f"{COMMANDS}.ForceRun").from_(execution))

    def unqueue(self, execution: Any, state: Any) -> Any:
        """Tell the executor to take it out of the queue."""
        if str(execution.getState().getCurrent()) != "QUEUED":
            raise _conflict("Cannot unqueue execution: only QUEUED executions can be unqueued.")
        return self._processed("Unqueue", execution.getId(), java(f"{COMMANDS}.Unqueue").from_(execution, state))

    def change_status(self, execution: Any, state: Any) -> Any:
        """Tell the executor to give it the other state."""
        if not execution.getState().canChangeStatus():
            raise _conflict("Cannot change execution state: execution must be terminated and not killed.")
        return self._processed(
            "Change status", execution.getId(), java(f"{COMMANDS}.UpdateStatus").from_(execution, state)
        )

    def change_task_run(self, execution: Any, task_run_id: Any, state: Any) -> Any:
        """Tell the executor to give the task run the other state."""
        if not execution.getState().canChangeStatus():
            raise _conflict("Cannot change task run state: execution must be terminated and not killed.")
        command = java(f"{COMMANDS}.ChangeTaskRunState").from_(execution, task_run_id, state)
        return self._processed("Change task run state", execution.getId(), command)

    def set_labels(self, execution: Any, labels: Any) -> Any:
        """Tell the executor to give it these labels."""
        return self._processed(
            "Set labels", execution.getId(), java(f"{COMMANDS}.UpdateLabels").from_(execution, labels)
        )

    def kill(self, execution: Any, *, cascade: bool) -> Any:
        """Tell the executor, and the workers, that its end is asked for."""
        message = java("io.kestra.core.models.executions.ExecutionKilledExecution").builder()
        requested = java("io.kestra.core.models.executions.ExecutionKilled$State").REQUESTED
        message = message.state(requested).tenantId(TENANT).executionId(execution.getId()).isOnKillCascade(cascade)

        def emit(operation: str) -> None:
            self.kill_queue.emit(message.operationId(operation).build())

        return self._answer("Kill", execution.getId(), emit)

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

    def flow_as_it_runs(self, flow: Any) -> Any:
        """Return it as it is parsed for that."""
        return self.bean(PARSING).parseForRuntime(flow).flow()

    def date_check(self, trigger: Any, context: Any) -> Callable[[Any], bool] | None:
        """Render `when`."""
        when, truth = trigger.getWhen(), java("io.kestra.core.utils.TruthUtils")
        if when is None or str(when) == "true":
            return None
        return lambda date: bool(truth.isTruthy(context.getRunContext().render(when, dated(date))))

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

    def _processed(self, action: str, execution_id: Any, command: Any) -> Any:
        """Send a command and return the execution when it is processed; a conflict where it is refused."""
        return self._answer(action, execution_id, lambda name: self.commands.emit(command.withOperationId(name)))

    def _answer(self, action: str, execution_id: Any, emit: Callable[[str], None]) -> Any:
        told = self._told(emit)
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
