"""Kestra's own services, running in this process."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.suites import Suites

TENANT = "main"
WORKER_THREADS = 64
RUNNING = "RUNNING"


class Kestra(ABC):
    """Give access to the executor, worker, scheduler, indexer, repositories and services of one application context.

    What is named or done otherwise in a line of Kestra is in its own class, in `lines`.
    """

    line = ""
    # Whether what changes an execution is answered with the execution.
    answers_with_execution = False

    def __init__(self, properties: dict[str, Any], plugins: Path | None = None) -> None:
        if plugins is not None:
            registry = java("io.kestra.core.plugins.DefaultPluginRegistry").getOrCreate()
            registry.registerIfAbsent(java("java.nio.file.Path").of(str(plugins)))
        self.context = self._context(to_java(properties))

    @abstractmethod
    def _context(self, properties: Any) -> Any:
        """Return a started application context with these properties."""

    @abstractmethod
    def _services(self) -> Sequence[Any]:
        """Start the services that a standalone server has and return them; they may not run yet."""

    def bean(self, name: str) -> Any:
        """Return the bean of a Java type."""
        return self.context.getBean(java(name))

    def run(self, timeout: float) -> None:
        """Start the services and return when all of them run; `timeout` is in seconds."""
        services = self._services()
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

    @abstractmethod
    def start(self, execution: Any) -> Any:
        """Let an execution begin, when all flows are known that may be triggered by it; return it as it is then."""

    @abstractmethod
    def pause(self, execution: Any) -> Any:
        """Pause a running execution and return it."""

    @abstractmethod
    def resume(self, execution: Any, flow: Any, parts: Any, checked: Callable[[Any], None]) -> Any:
        """Let a paused execution go on and return it; `parts` are the inputs of a form, None where it takes none.

        `checked` is called with what was made of them.
        """

    @abstractmethod
    def resume_from_breakpoint(self, execution: Any, breakpoints: str | None) -> Any:
        """Let an execution go on that has stopped at a breakpoint, to the next ones; return it."""

    @abstractmethod
    def restart(self, execution: Any, revision: Any) -> Any:
        """Run the failed tasks of an execution again and return it; another revision makes a new execution."""

    @abstractmethod
    def replay(
        self, execution: Any, flow: Any, *, task_run_id: str | None, revision: Any, breakpoints: str | None
    ) -> Any:
        """Return a new execution made of an old one, from a task run on; the old one is labelled."""

    @abstractmethod
    def force_run(self, execution: Any) -> Any:
        """Let an execution that waits run, whatever it waits for, and return it."""

    @abstractmethod
    def unqueue(self, execution: Any, state: Any) -> Any:
        """Let a queued execution come to a state, which is RUNNING where it is None, and return it."""

    @abstractmethod
    def change_status(self, execution: Any, state: Any) -> Any:
        """Give an execution that has ended another final state and return it."""

    @abstractmethod
    def change_task_run(self, execution: Any, task_run_id: Any, state: Any) -> Any:
        """Give a task run another state, let the execution go on from there and return it."""

    @abstractmethod
    def set_labels(self, execution: Any, labels: Any) -> Any:
        """Replace the labels of an execution and return it."""

    @abstractmethod
    def kill(self, execution: Any, *, cascade: bool) -> Any:
        """Ask for the end of an execution, and with `cascade` of the subflows it runs; return it."""

    @abstractmethod
    def create_flow(self, flow: Any) -> Any:
        """Check and store a new flow."""

    @abstractmethod
    def update_flow(self, flow: Any, existing: Any) -> Any:
        """Check and store a new revision of a flow."""

    @abstractmethod
    def delete_flow(self, flow: Any) -> Any:
        """Delete a flow that is read with its source."""

    @abstractmethod
    def parse_flow(self, source: str) -> Any:
        """Return a source as a flow with its tasks; unknown properties are refused."""

    @abstractmethod
    def flow_as_it_runs(self, flow: Any) -> Any:
        """Return a stored flow, read with its source, as the scheduler has it."""

    @abstractmethod
    def date_check(self, trigger: Any, context: Any) -> Callable[[Any], bool] | None:
        """Return what says whether the conditions of a schedule let a date through, as the scheduler asks it then.

        None where it has no conditions.
        """

    @abstractmethod
    def complete_flow(self, source: str) -> Any:
        """Return a source as a flow as it runs."""

    @abstractmethod
    def kv_store(self, namespace: str) -> Any:
        """Return the key-value store of a namespace."""

    @abstractmethod
    def read_flows(self, upload: Any, store: Callable[[str, str], None]) -> None:
        """Read the flows of a YAML or ZIP file, and call `store` with the source of each and its place."""

    @abstractmethod
    def file_revision(self, entry: Any) -> Any:
        """Return the revision of a file of a namespace."""

    @abstractmethod
    def kv_revision(self, entry: Any) -> Any:
        """Return the revision of the value of a key."""

    @property
    @abstractmethod
    def limits(self) -> Any:
        """What finds and changes how many executions of flows are counted as running."""

    @abstractmethod
    def kv_page(self, page: Any, filters: Any) -> Any:
        """Return a page of the keys of all namespaces that filters let through."""

    @property
    @abstractmethod
    def system_namespace(self) -> str:
        """The namespace of Kestra's own flows."""

    @property
    @abstractmethod
    def logs(self) -> Any:
        """The repository of logs."""

    def dependencies(self, *place: Any) -> Any:
        """Return what flows depend on each other, as Kestra's flow service finds it, when it is known of all flows."""
        java("io.kestra.runner.h2.KnownFlows").settleTopologies()
        return self.flow_service.findDependencies(*place)

    @cached_property
    def inputs(self) -> Any:
        """The reader of execution inputs."""
        return self.bean("io.kestra.core.runners.FlowInputOutput")

    @cached_property
    def storage(self) -> Any:
        """The internal storage."""
        return self.bean("io.kestra.core.storages.StorageInterface")

    @cached_property
    def files(self) -> Any:
        """The factory of what reads and writes the files of a namespace."""
        return self.bean("io.kestra.core.storages.NamespaceFactory")

    @cached_property
    def secrets(self) -> Any:
        """The service that knows secrets."""
        return self.bean("io.kestra.core.secret.SecretService")

    @cached_property
    def metrics(self) -> Any:
        """The repository of metrics."""
        return self.bean("io.kestra.core.repositories.MetricRepositoryInterface")

    @cached_property
    def triggers(self) -> Any:
        """The repository of triggers."""
        return self.bean("io.kestra.core.repositories.TriggerRepositoryInterface")

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


def dated(date: Any) -> Any:
    """Return the variables of a schedule that fires at a date, which the scheduler has in the server's time zone."""
    return to_java({"trigger": {"date": date.withZoneSameInstant(java("java.time.ZoneId").systemDefault())}})


def parsed_breakpoints(names: str | None) -> Any:
    """Return the breakpoints that are asked for, as `task` or `task.value` with commas between; null without any."""
    if not names:
        return None
    kind = java("io.kestra.core.debug.Breakpoint")
    return to_java([kind.of(name.strip()) for name in names.split(",")])
