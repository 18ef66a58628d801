"""A deployed flow."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from os import PathLike
from typing import Any

import httpx

from pytest_kestra.errors import ApiError, FlowError, NotFoundError, UnknownNameError, WaitTimeout
from pytest_kestra.flows import files
from pytest_kestra.flows.deployer import gone
from pytest_kestra.mocks.stand_in import TYPE, original
from pytest_kestra.names import Named
from pytest_kestra.records import ExecutionRecord, FlowRecord
from pytest_kestra.run.concurrency import ConcurrencyProof, Proving
from pytest_kestra.run.diagnosis.text import late
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.files import NamespaceFiles
from pytest_kestra.run.inputs import Inputs
from pytest_kestra.run.kv import KeyValues
from pytest_kestra.run.saturation import Saturation
from pytest_kestra.run.session import SHOWN_S, Session
from pytest_kestra.run.triggers.origins import Origins
from pytest_kestra.run.triggers.trigger import Trigger
from pytest_kestra.run.waiting import SHORTEST_S, has_reached, poll
from pytest_kestra.states import STATES
from pytest_kestra.times import moment

CORRELATION = "system.correlationId"
# What a proxy says that did not wait for Kestra: Bad Gateway, Gateway Timeout, and that of Cloudflare.
GAVE_UP = (502, 504, 524)


@dataclass(frozen=True, repr=False)
class Flow(FlowRecord):
    """Run a flow that is on the server, and tell what it consists of.

    `name` is the file it came from. `tasks`, `inputs` and `triggers` are definitions under their ids.
    """

    name: str = field(kw_only=True)
    session: Session = field(kw_only=True, repr=False, compare=False)

    __hash__ = FlowRecord.__hash__

    @classmethod
    def deployed(cls, record: FlowRecord, name: str, session: Session) -> Flow:
        """Return the flow that the server has; a mocked task is told as the flow's own text has it."""
        if TYPE in record.source:
            told = {task_id: original(task) for task_id, task in record.tasks.items()}
            record = replace(record, tasks=Named.of(told, "task", f"the flow {record.id}"))
        return cls(**vars(record), name=name, session=session)

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Execution:
        """Run the flow and return its execution when that has ended, in whatever state.

        Values of `inputs` may be Python's own: numbers, lists, dates, time spans, a Path or bytes for a FILE. `timeout`
        is in seconds; WaitTimeout where it takes longer. InputError for an input that is unknown, missing or wrong.
        """
        limit = self.session.limit(timeout)
        deadline = time.monotonic() + limit
        # By which the execution is found again if it does not answer in time; Kestra lets clients choose it.
        mark = uuid.uuid4().hex
        try:
            record = self._create(inputs, {**(labels or {}), CORRELATION: mark}, wait=True, timeout=limit)
        except httpx.ReadTimeout as error:
            raise self._late(limit, mark) from error
        except ApiError as error:
            if error.status not in GAVE_UP or not (found := self._marked(mark)):
                raise
            record = found[-1]
        execution = Execution.reading(record, self.session)
        if has_reached(execution, None):
            return execution
        return execution.wait(timeout=max(SHORTEST_S, deadline - time.monotonic()))

    def start(self, inputs: Mapping[str, Any] | None = None, *, labels: Mapping[str, str] | None = None) -> Execution:
        """Start the flow and return its execution at once; arguments as in `run`."""
        return Execution.reading(self._create(inputs, labels), self.session)

    def run_until(
        self,
        state: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Execution:
        """Start the flow and return its execution when it is, or was, in a state such as `RUNNING` or `PAUSED`."""
        return self.start(inputs, labels=labels).wait(until=state, timeout=timeout)

    def saturated(
        self, inputs: Mapping[str, Any] | None = None, *, hold: bool = True, timeout: float | None = None
    ) -> AbstractContextManager[list[Execution]]:
        """Fill the flow's concurrency limit for the time of a `with` block, and give the executions that do.

        They are held before their first task, in the state BREAKPOINT, so it does not matter how long tasks take; at
        the end of the block they go on. A kill in it frees a slot. With `hold=False` they are RUNNING instead, as long
        as the flow takes. The limit is that of the flow's latest revision, which is the one that runs. `timeout` is in
        seconds, for each step. KestraError where the flow has no limit, where other executions of it take slots, or
        where executions end too early; ConcurrencyLimitError where Kestra lets fewer run than the limit says.
        """
        return self._saturation(inputs, timeout).filled(hold=hold)

    def assert_concurrency_limit(
        self, inputs: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> ConcurrencyProof:
        """Prove the flow's concurrency limit: fill it, exceed it twice, empty it; return what was seen.

        It verifies that as many executions run as the limit says and no more, that others are treated as `behavior`
        says, that a refusal frees no slot, that queued ones run in the order they came, and that all slots are free at
        the end. All that run do so to their end. ConcurrencyLimitError where something is otherwise, KestraError and
        `timeout` as for `saturated`, WaitTimeout where an execution does not end.
        """
        return Proving(self._saturation(inputs, timeout)).proof()

    def trigger(self, trigger_id: str) -> Trigger:
        """Return a trigger by its id; UnknownNameError where the flow has none of this id."""
        definition = self.triggers[trigger_id]
        return Trigger(trigger_id, definition["type"], definition, flow=self, session=self.session)

    @property
    def kv(self) -> KeyValues:
        """The key-value pairs of this flow's namespace."""
        return KeyValues(self.namespace, self.session.client)

    @property
    def files(self) -> NamespaceFiles:
        """The files of this flow's namespace."""
        return NamespaceFiles(self.namespace, self.session.client)

    def executions(
        self,
        *,
        state: str | Collection[str] | None = None,
        labels: Mapping[str, str] | None = None,
        trigger: str | None = None,
        triggered_by: Execution | None = None,
        since: str | datetime | None = None,
    ) -> list[Execution]:
        """Return the executions of this flow, oldest first: all, or those that meet every condition.

        `state` is one or several, `labels` are those that an execution has at least, `trigger` is the id of the trigger
        and `triggered_by` the execution that started it, `since` the date after which it was created, in UTC where it
        has no zone. UnknownNameError for a state or trigger that there is not.
        """
        filters: dict[str, str] = {}
        if state is not None:
            filters["state][IN"] = ",".join(_states(state))
        if since is not None:
            filters["startDate][GREATER_THAN_OR_EQUAL_TO"] = moment(since, "since").isoformat()
        for key, value in (labels or {}).items():
            filters[f"labels][EQUALS][{key}"] = value
        trigger_id, origins = trigger and self.trigger(trigger).id, Origins(self.session.client)
        started_by = None if triggered_by is None else triggered_by.id
        found = self.session.client.executions.of_flow(self.namespace, self.id, filters, started_by)
        return [
            Execution.reading(record, self.session)
            for record in found
            if trigger_id is None or origins.of(record) == trigger_id
        ]

    def update(self, source: str | PathLike[str]) -> Flow:
        """Store another text of this flow, from a file or as YAML, and return the flow in its new revision.

        FlowError where Kestra refuses it, such as for another `id` or `namespace`.
        """
        text = files.one(source, self.session.folders, self.session.client.address.line)
        return Flow.deployed(self.session.deployer.update(self, text), text.name, self.session)

    def refresh(self) -> Flow:
        """Return this flow as the server has it now; FlowError where it is no longer there."""
        with self._there():
            return Flow.deployed(self.session.client.flows.get(self.namespace, self.id), self.name, self.session)

    def delete(self) -> None:
        """Delete this flow from the server; FlowError where it is no longer there."""
        with self._there():
            self.session.client.flows.delete(self.namespace, self.id)
        self.session.deployer.forget(self)

    @contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            raise FlowError(f"{self.name}: {gone(self.id)}") from error

    def _saturation(self, inputs: Mapping[str, Any] | None, timeout: float | None) -> Saturation:
        def start(*breakpoints: str) -> Execution:
            return Execution.reading(self._create(inputs, None, breakpoints=breakpoints), self.session)

        return Saturation(self.refresh(), self.name, self.session, start, self.session.limit(timeout))

    def __repr__(self) -> str:
        return f"<Flow {self.id} of {self.namespace}, revision {self.revision}>"

    def _create(
        self, inputs: Mapping[str, Any] | None, labels: Mapping[str, str] | None, **options: Any
    ) -> ExecutionRecord:
        self.session.require_mocks(self.namespace, self.id)
        taken = Inputs.of_flow(self, self.name)
        self.session.secrets.extend(taken.secrets(inputs))
        fields = taken.fields(inputs)
        calls = self.session.client.executions
        # Kestra 1.3 still runs a flow that was deleted.
        with self._there(), taken.refusals(inputs, lambda: calls.validate(self.namespace, self.id, fields)):
            created = calls.create(self.namespace, self.id, fields, labels=labels, **options)
        self.session.started.append(created.id)
        return created

    def _late(self, limit: float, mark: str) -> WaitTimeout:
        """Return the error for the execution that did not answer in time."""
        found = self._marked(mark)
        if not found:
            return WaitTimeout(f"Kestra has not even created an execution of {self.id} within {limit:g} s.")
        return WaitTimeout(late(Execution.reading(found[-1], self.session), self.session, limit))

    def _marked(self, mark: str) -> list[ExecutionRecord]:
        """Return the executions, one or none, whose creation was not answered."""
        marked = {f"labels][EQUALS][{CORRELATION}": mark}
        calls = self.session.client.executions
        found = poll(lambda: calls.of_flow(self.namespace, self.id, marked), bool, SHOWN_S)
        self.session.started.extend(record.id for record in found)
        return found


def _states(state: str | Collection[str]) -> list[str]:
    states = [state] if isinstance(state, str) else list(state)
    for one in states:
        if one not in STATES:
            raise UnknownNameError("state", one, sorted(STATES), "Kestra")
    return states
