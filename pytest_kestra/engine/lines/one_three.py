"""Kestra 1.3: queues that are named, executions that are emitted as they shall be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import TENANT, WORKER_THREADS, Kestra, dated, parsed_breakpoints

RUNNERS = "io.kestra.core.runners"
STATE = "io.kestra.core.models.flows.State$Type"
DEFAULTS = "io.kestra.core.services.PluginDefaultService"


class KestraOneThree(Kestra):
    """Run Kestra 1.3."""

    line = "1.3"

    def _context(self, properties: Any) -> Any:
        builder = java("io.micronaut.context.ApplicationContext").builder().properties(properties)
        no_meters = java("io.micrometer.core.instrument.config.MeterFilter").deny()
        return builder.deduceEnvironment(False).banner(False).singletons(no_meters).start()

    def _services(self) -> Sequence[Any]:
        worker_id = str(java("java.util.UUID").randomUUID())
        threads = java("java.lang.Integer")(WORKER_THREADS)
        worker = self.context.createBean(java(f"{RUNNERS}.Worker"), worker_id, threads, None)
        java("io.kestra.runner.h2.HeldResults").install(worker)
        executor = self.bean(f"{RUNNERS}.ExecutorInterface")
        java("io.kestra.runner.h2.WakingDelays").install(executor)
        services = [executor, worker, self.bean(f"{RUNNERS}.Scheduler"), self.bean(f"{RUNNERS}.Indexer")]
        for service in services:
            thread = java("java.lang.Thread")(service)
            thread.setDaemon(True)
            thread.start()
        return services

    def queue(self, name: str) -> Any:
        """Return one of Kestra's queues by the name it is injected with, such as `executionQueue`."""
        by_name = java("io.micronaut.inject.qualifiers.Qualifiers").byName
        return self.context.getBean(java("io.kestra.core.queues.QueueInterface"), by_name(name))

    @cached_property
    def execution_queue(self) -> Any:
        """The queue on which an execution is created."""
        return self.queue("executionQueue")

    @cached_property
    def kill_queue(self) -> Any:
        """The queue on which the end of an execution is asked for."""
        return self.queue("executionKilledQueue")

    @cached_property
    def trigger_queue(self) -> Any:
        """The queue on which the new state of a trigger is told, which stores it."""
        return self.queue("triggerQueue")

    @cached_property
    def logs(self) -> Any:
        """The repository of logs."""
        return self.bean("io.kestra.core.repositories.LogRepositoryInterface")

    @property
    def system_namespace(self) -> str:
        """The namespace of Kestra's own flows."""
        return str(self.bean("io.kestra.core.contexts.KestraConfig").getSystemFlowNamespace())

    def kv_store(self, namespace: str | None) -> Any:
        """Return the key-value store of a namespace, or of all where it is None."""
        metadata = self.bean("io.kestra.core.repositories.KvMetadataRepositoryInterface")
        return java("io.kestra.core.storages.kv.InternalKVStore")(TENANT, namespace, self.storage, metadata)

    def kv_revision(self, entry: Any) -> Any:
        """Return the revision of the value of a key."""
        return entry.version()

    def read_flows(self, upload: Any, store: Callable[[str, str], None]) -> None:
        """Read the flows of a YAML or ZIP file."""
        java("io.kestra.core.models.HasSource").readSourceFile(upload, store)

    def file_revision(self, entry: Any) -> Any:
        """Return the revision of a file of a namespace."""
        return entry.getVersion()

    @property
    def limits(self) -> Any:
        """Kestra's service of limits."""
        return self.bean("io.kestra.core.services.ConcurrencyLimitService")

    def kv_page(self, page: Any, filters: Any) -> Any:
        """Return a page of the keys of all namespaces that filters let through."""
        return self.kv_store(None).list(page, filters)

    def start(self, execution: Any) -> Any:
        """Emit a new execution when all flows are known that were stored before; the executor stores it."""
        java("io.kestra.runner.h2.KnownFlows").settle()
        return self._emit(execution)

    def _emit(self, execution: Any) -> Any:
        """Emit an execution at once, as it was just read: the executor stores it whole, over what happens meanwhile."""
        self.execution_queue.emit(execution)
        return execution

    def pause(self, execution: Any) -> Any:
        """Emit it as it is when it pauses."""
        return self._emit(self.execution_service.pause(execution))

    def resume(self, execution: Any, flow: Any, parts: Any, checked: Callable[[Any], None]) -> Any:
        """Emit it as it goes on."""
        how = (java(STATE).RUNNING, java("io.kestra.plugin.core.flow.Pause$Resumed").now())
        if parts is None:
            return self._emit(self.execution_service.resume(execution, flow, *how))
        resumed = self.execution_service.resume(execution, flow, how[0], parts, how[1]).block()
        checked(resumed)
        return self._emit(resumed)

    def resume_from_breakpoint(self, execution: Any, breakpoints: str | None) -> Any:
        """Emit it as it goes on, with the next breakpoints."""
        states = java(STATE)
        runs = [
            run.withState(states.CREATED) if run.getState().isBreakpoint() else run
            for run in execution.getTaskRunList()
        ]
        going_on = execution.withState(states.RUNNING).withTaskRunList(to_java(runs))
        return self._emit(going_on.withBreakpoints(parsed_breakpoints(breakpoints)))

    def restart(self, execution: Any, revision: Any) -> Any:
        """Emit it as it begins again."""
        return self._emit(self.execution_service.restart(execution, revision))

    def replay(
        self, execution: Any, flow: Any, *, task_run_id: str | None, revision: Any, breakpoints: str | None
    ) -> Any:
        """Emit the new one, and store the old one with a label, and with the inputs that were given."""
        new = self.execution_service.replay(execution, flow, task_run_id, revision)
        self._emit(new := new.withBreakpoints(parsed_breakpoints(breakpoints)))
        self.executions.save(_with_label(execution, "REPLAYED"))
        return new

    def force_run(self, execution: Any) -> Any:
        """Emit it as it runs."""
        return self._emit(self.execution_service.forceRun(execution))

    def unqueue(self, execution: Any, state: Any) -> Any:
        """Emit it as it runs."""
        return self._emit(self.limits.unqueue(execution, state))

    def change_status(self, execution: Any, state: Any) -> Any:
        """Emit it with the other state."""
        return self._emit(execution.withState(state))

    def change_task_run(self, execution: Any, task_run_id: Any, state: Any) -> Any:
        """Emit it as it goes on, with a label."""
        flow = self.flows.findByExecutionWithoutAcl(execution)
        changed = self.execution_service.changeTaskRunState(execution, flow, task_run_id, state)
        return self._emit(_with_label(changed, "RESTARTED"))

    def set_labels(self, execution: Any, labels: Any) -> Any:
        """Store it with these labels."""
        return self.executions.save(execution.withLabels(labels))

    def kill(self, execution: Any, *, cascade: bool) -> Any:
        """Emit that its end is asked for."""
        message = java("io.kestra.core.models.executions.ExecutionKilledExecution").builder()
        requested = java("io.kestra.core.models.executions.ExecutionKilled$State").REQUESTED
        message = message.state(requested).tenantId(TENANT).executionId(execution.getId()).isOnKillCascade(cascade)
        self.kill_queue.emit(message.build())
        return execution

    def create_flow(self, flow: Any) -> Any:
        """Let the service check it, and its repository tell who has to know."""
        return self.flow_service.create(flow, True)

    def update_flow(self, flow: Any, existing: Any) -> Any:
        """Let the repository check the values and tell who has to know."""
        return self.flows.update(flow, existing)

    def delete_flow(self, flow: Any) -> Any:
        """Let the repository tell who has to know."""
        return self.flows.delete(flow)

    def parse_flow(self, source: str) -> Any:
        """Parse it strictly, with the versions of its plugins."""
        return self.bean(DEFAULTS).parseFlowWithVersionDefaults(TENANT, source, True)

    def complete_flow(self, source: str) -> Any:
        """Parse it with all defaults of its plugins."""
        return self.bean(DEFAULTS).parseFlowWithAllDefaults(TENANT, source, False)

    def flow_as_it_runs(self, flow: Any) -> Any:
        """Return it with all defaults of its plugins."""
        return self.bean(DEFAULTS).injectAllDefaults(flow, java("org.slf4j.LoggerFactory").getLogger(__name__))

    def date_check(self, trigger: Any, context: Any) -> Callable[[Any], bool] | None:
        """Ask Kestra's conditions."""
        if not trigger.getConditions():
            return None
        service = self.bean("io.kestra.core.services.ConditionService")
        json = java("io.kestra.core.serializers.JacksonMapper").ofJson()
        condition = java("io.kestra.core.models.conditions.Condition").class_
        type_ = json.getTypeFactory().constructCollectionType(java("java.util.List").class_, condition)
        text = json.writeValueAsString(trigger.getConditions())

        def holds(date: Any) -> bool:
            # They keep what they have once rendered, and the scheduler reads the flow anew each time.
            return bool(service.areValid(json.readValue(text, type_), context.withVariables(dated(date))))

        return holds


def _with_label(execution: Any, name: str) -> Any:
    label_type = java("io.kestra.core.models.Label")
    wanted = label_type(getattr(label_type, name), "true")
    labels = list(execution.getLabels() or ())
    return execution if wanted in labels else execution.withLabels(to_java([*labels, wanted]))
