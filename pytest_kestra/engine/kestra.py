"""Kestra's own services, running in this process."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.suites import Suites

TENANT = "main"
WORKER_THREADS = 64
RUNNING = "RUNNING"


class Kestra:
    """Give access to the executor, worker, scheduler, indexer, repositories and services of one application context."""

    def __init__(self, properties: dict[str, Any], plugins: Path | None = None) -> None:
        if plugins is not None:
            registry = java("io.kestra.core.plugins.DefaultPluginRegistry").getOrCreate()
            registry.registerIfAbsent(java("java.nio.file.Path").of(str(plugins)))
        builder = java("io.micronaut.context.ApplicationContext").builder()
        self.context = builder.properties(to_java(properties)).deduceEnvironment(False).banner(False).start()

    def bean(self, name: str) -> Any:
        """Return the bean of a Java type."""
        return self.context.getBean(java(name))

    def queue(self, name: str) -> Any:
        """Return one of Kestra's queues by the name it is injected with, such as `executionQueue`."""
        by_name = java("io.micronaut.inject.qualifiers.Qualifiers").byName
        return self.context.getBean(java("io.kestra.core.queues.QueueInterface"), by_name(name))

    def run(self, timeout: float) -> None:
        """Start the four services and return when all of them run; `timeout` is in seconds."""
        worker_id = str(java("java.util.UUID").randomUUID())
        threads = java("java.lang.Integer")(WORKER_THREADS)
        worker = self.context.createBean(java("io.kestra.core.runners.Worker"), worker_id, threads, None)
        java("io.kestra.runner.h2.HeldResults").install(worker)
        executor = self.bean("io.kestra.core.runners.ExecutorInterface")
        java("io.kestra.runner.h2.WakingDelays").install(executor)
        services = [
            executor,
            worker,
            self.bean("io.kestra.core.runners.Scheduler"),
            self.bean("io.kestra.core.runners.Indexer"),
        ]
        for service in services:
            thread = java("java.lang.Thread")(service)
            thread.setDaemon(True)
            thread.start()
        deadline = time.monotonic() + timeout
        while waiting := [service for service in services if str(service.getState()) != RUNNING]:
            if time.monotonic() > deadline:
                names = ", ".join(str(service.getType()) for service in waiting)
                raise EngineError(f"Kestra's {names} did not start within {timeout:g} s.")
            time.sleep(0.005)

    @cached_property
    def version(self) -> str:
        """Kestra's version."""
        return str(self.bean("io.kestra.core.utils.VersionProvider").getVersion())

    @cached_property
    def json(self) -> Any:
        """Micronaut's object mapper, which writes what the real server answers."""
        return self.bean("com.fasterxml.jackson.databind.ObjectMapper")

    @cached_property
    def flows(self) -> Any:
        """The repository of flows."""
        return self.bean("io.kestra.core.repositories.FlowRepositoryInterface")

    @cached_property
    def flow_service(self) -> Any:
        """The service that checks and stores flows."""
        return self.bean("io.kestra.core.services.FlowService")

    @cached_property
    def executions(self) -> Any:
        """The repository of executions."""
        return self.bean("io.kestra.core.repositories.ExecutionRepositoryInterface")

    @cached_property
    def execution_service(self) -> Any:
        """The service that deletes, restarts and ends executions."""
        return self.bean("io.kestra.core.services.ExecutionService")

    @cached_property
    def execution_queue(self) -> Any:
        """The queue on which an execution is created."""
        return self.queue("executionQueue")

    def start(self, execution: Any) -> None:
        """Let an execution begin, when all flows are known that may be triggered by it."""
        java("io.kestra.runner.h2.KnownFlows").settle()
        self.execution_queue.emit(execution)

    def dependencies(self, *place: Any) -> Any:
        """Return what flows depend on each other, as Kestra's flow service finds it, when it is known of all flows."""
        java("io.kestra.runner.h2.KnownFlows").settleTopologies()
        return self.flow_service.findDependencies(*place)

    @cached_property
    def kill_queue(self) -> Any:
        """The queue on which the end of an execution is asked for."""
        return self.queue("executionKilledQueue")

    @cached_property
    def inputs(self) -> Any:
        """The reader of execution inputs."""
        return self.bean("io.kestra.core.runners.FlowInputOutput")

    @cached_property
    def storage(self) -> Any:
        """The internal storage."""
        return self.bean("io.kestra.core.storages.StorageInterface")

    @cached_property
    def kv(self) -> Any:
        """The repository of what is known of keys; their values are in the storage."""
        return self.bean("io.kestra.core.repositories.KvMetadataRepositoryInterface")

    @cached_property
    def files(self) -> Any:
        """The factory of what reads and writes the files of a namespace."""
        return self.bean("io.kestra.core.storages.NamespaceFactory")

    @cached_property
    def secrets(self) -> Any:
        """The service that knows secrets."""
        return self.bean("io.kestra.core.secret.SecretService")

    @cached_property
    def logs(self) -> Any:
        """The repository of logs."""
        return self.bean("io.kestra.core.repositories.LogRepositoryInterface")

    @cached_property
    def metrics(self) -> Any:
        """The repository of metrics."""
        return self.bean("io.kestra.core.repositories.MetricRepositoryInterface")

    @cached_property
    def triggers(self) -> Any:
        """The repository of triggers."""
        return self.bean("io.kestra.core.repositories.TriggerRepositoryInterface")

    @cached_property
    def trigger_queue(self) -> Any:
        """The queue on which the new state of a trigger is told, which stores it."""
        return self.queue("triggerQueue")

    @cached_property
    def conditions(self) -> Any:
        """The service that checks conditions."""
        return self.bean("io.kestra.core.services.ConditionService")

    @cached_property
    def run_contexts(self) -> Any:
        """The factory of run contexts, which render expressions."""
        return self.bean("io.kestra.core.runners.RunContextFactory")

    @property
    def masking_renderer(self) -> Any:
        """The renderer of expressions that shows no secret."""
        return self.bean("io.kestra.core.runners.SecureVariableRendererFactory").createOrGet()

    @cached_property
    def suites(self) -> Suites:
        """The unit-test suites, which Kestra's open-source edition does not keep."""
        return Suites()

    @cached_property
    def concurrency(self) -> Any:
        """The service of concurrency limits."""
        return self.bean("io.kestra.core.services.ConcurrencyLimitService")
