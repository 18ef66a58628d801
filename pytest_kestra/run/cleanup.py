"""The end of a test: nothing of it stays on the server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from pytest_kestra.errors import KestraError, NotFoundError
from pytest_kestra.records import ExecutionRecord
from pytest_kestra.run.belongings import Belongings, Removal
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.session import SETTLE_S, Session
from pytest_kestra.run.waiting import SHORTEST_S, has_reached, poll

# How long a test's end waits for the executions that it kills, in seconds.
KILL_TIMEOUT_S = 60.0
# How often it looks for executions, since triggers may have made some in the meantime.
ROUNDS = 3


def clean_up(session: Session) -> None:
    """End and delete what a test has made; what fails is raised when the rest is done."""
    deployer = session.deployer
    created = [namespace for namespace, _ in deployer.created]
    Cleanup(
        session,
        Belongings(
            namespaces=dict.fromkeys([*created, *deployer.namespaces]) if deployer.namespace is not None else (),
            flows=deployer.created,
            started=dict.fromkeys(one for one in session.started if one not in session.awaited),
        ),
    ).run()


class Cleanup:
    """End and delete what belongs to a test."""

    def __init__(self, session: Session, ours: Belongings) -> None:
        self._session = session
        self._client = session.client
        self._ours = ours
        self._removal = Removal(session.client, ours)
        self._removed: set[str] = set()
        self._killed: set[str] = set()
        self._errors: list[KestraError | AssertionError] = []

    def run(self) -> None:
        """Do it; what fails is raised when the rest is done."""
        self._end_all()
        if self._session.ephemeral:
            # All else is about to be forgotten.
            for namespace, flow_id in self._ours.flows:
                with self._collecting():
                    self._removal.flow(namespace, flow_id)
        else:
            self._remove()
        if self._errors:
            raise self._errors[0]

    def _remove(self) -> None:
        places = self._remove_flows()
        # Their triggers may have started some until then.
        found = self._end_all()
        for namespace in dict.fromkeys([*self._ours.namespaces, *places, *(record.namespace for record in found)]):
            if self._ours.has_namespace(namespace):
                with self._collecting():
                    self._removal.contents(namespace)
        # Executions go last: as long as there are some, what an interrupted run has left can be found by them.
        for _ in range(ROUNDS):
            for record in found:
                with self._collecting():
                    self._removal.execution(record)
                self._removed.add(record.id)
            found = self._end_all()
            if not found:
                break

    def _remove_flows(self) -> list[str]:
        """Delete the flows, and return their namespaces."""
        found: dict[tuple[str, str], list[str]] = {key: [] for key in self._ours.flows}
        with self._collecting():
            for namespace in self._ours.marked:
                for flow in self._client.flows.search(namespace):
                    found[flow.namespace, flow.id] = list(flow.triggers)
        for (namespace, flow_id), triggers in found.items():
            with self._collecting():
                known = namespace in self._ours.marked
                here = triggers if known else list(self._client.flows.get(namespace, flow_id).triggers)
                self._removal.flow(namespace, flow_id, here)
        return [namespace for namespace, _ in found]

    def _end_all(self) -> list[ExecutionRecord]:
        """End all executions, and return them."""
        found: list[ExecutionRecord] = []
        with self._collecting():
            found = self._executions()
            self._end(found)
        return found

    def _executions(self) -> list[ExecutionRecord]:
        """Return the executions that are the test's and not removed yet, oldest first."""
        calls, marked = self._client.executions, self._ours.marked
        found = [calls.search({"namespace][PREFIX": namespace}) for namespace in marked]
        found += [calls.of_flow(*key) for key in self._ours.flows if key[0] not in marked]
        ours = {record.id: record for records in found for record in records if self._ours.has_execution(record)}
        for execution_id in self._ours.started:
            if execution_id not in ours and execution_id not in self._removed and (record := self._read(execution_id)):
                ours[execution_id] = record
        return [record for record in ours.values() if record.id not in self._removed]

    def _read(self, execution_id: str) -> ExecutionRecord | None:
        """Return an execution; one that Kestra has only just been asked for may come late."""

        def read() -> ExecutionRecord | None:
            try:
                return self._client.executions.get(execution_id)
            except NotFoundError:
                return None

        found = read() if self._session.ephemeral else poll(read, bool, SETTLE_S)
        if found is None:
            self._removed.add(execution_id)
        return found

    def _end(self, records: Sequence[ExecutionRecord]) -> None:
        """Kill executions, and return when all of them have ended."""
        # What has withstood once is not waited for again.
        running = [record.id for record in records if not record.state.is_final and record.id not in self._killed]
        self._killed.update(running)
        deadline = time.monotonic() + KILL_TIMEOUT_S
        # The newest first: queued ones would begin to run as soon as those before them end.
        for execution_id in reversed(running):
            with self._collecting():
                self._client.executions.kill(execution_id)
        for execution_id in running:
            with self._collecting():
                execution = Execution.reading(self._client.executions.get(execution_id), self._session)
                if not has_reached(execution, None):
                    execution.kill(timeout=max(SHORTEST_S, deadline - time.monotonic()))

    @contextlib.contextmanager
    def _collecting(self) -> Iterator[None]:
        """Keep an error for later; what is gone already is none."""
        try:
            yield
        except NotFoundError:
            pass
        except (KestraError, AssertionError) as error:
            self._errors.append(error)
