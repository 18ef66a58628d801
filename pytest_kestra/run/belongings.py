"""What belongs to a test: nothing else is deleted at its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError
from pytest_kestra.flows.namespaces import is_marked
from pytest_kestra.records import ExecutionRecord


@dataclass(frozen=True)
class Belongings:
    """Tell what belongs to one test.

    `namespaces` are those of its own: their key-value pairs and files are the test's. Where their names are marked, so
    that nobody else can have made them, all flows and executions in them are, too. `flows` are those that the test has
    created, with their first revisions; `started` are the executions that it has asked for.
    """

    namespaces: Collection[str]
    flows: Mapping[tuple[str, str], int]
    started: Collection[str]

    @property
    def marked(self) -> list[str]:
        """The namespaces in which all is the test's."""
        return [namespace for namespace in self.namespaces if is_marked(namespace)]

    def has_namespace(self, namespace: str) -> bool:
        """Say whether the pairs and files of a namespace are the test's."""
        return namespace in self.namespaces or _within(namespace, self.marked)

    def has_flow(self, namespace: str, flow_id: str) -> bool:
        """Say whether a flow is the test's."""
        return (namespace, flow_id) in self.flows or _within(namespace, self.marked)

    def has_execution(self, record: ExecutionRecord) -> bool:
        """Say whether an execution is the test's: not those that a flow of its name had before."""
        if record.id in self.started or _within(record.namespace, self.marked):
            return True
        first = self.flows.get((record.namespace, record.flow_id))
        return first is not None and (record.revision is None or record.revision >= first)


class Removal:
    """Delete what belongs to a test, and nothing else: KestraError where that is asked for."""

    def __init__(self, client: Client, belongings: Belongings) -> None:
        self._client = client
        self._belongings = belongings

    def flow(self, namespace: str, flow_id: str, triggers: Collection[str] = ()) -> None:
        """Delete a flow, and what its triggers leave."""
        _check(self._belongings.has_flow(namespace, flow_id), f"flow {namespace}.{flow_id}")
        self._client.flows.delete(namespace, flow_id)
        if triggers:
            # Kestra forgets them with their flow, but not at once.
            for state in self._client.triggers.states(namespace, flow_id):
                self._client.triggers.delete(namespace, flow_id, state["triggerId"])
        for trigger in triggers:
            self._client.triggers.delete_logs(namespace, flow_id, trigger)

    def execution(self, record: ExecutionRecord) -> None:
        """Delete an execution with its logs, metrics and files."""
        _check(self._belongings.has_execution(record), f"execution {record.id} of {record.namespace}.{record.flow_id}")
        self._client.executions.delete(record.id)

    def contents(self, namespace: str) -> None:
        """Delete the key-value pairs and the files of a namespace."""
        _check(self._belongings.has_namespace(namespace), f"namespace {namespace}")
        for key in self._client.kv.keys(namespace):
            self._client.kv.delete(namespace, key)
        for name in self._client.files.names(namespace):
            self._client.files.delete(namespace, f"/{name}")


def _within(namespace: str, others: Collection[str]) -> bool:
    return any(namespace == other or namespace.startswith(f"{other}.") for other in others)


def _check(belongs: bool, what: str) -> None:  # noqa: FBT001 - the answer of the question before
    if not belongs:
        raise KestraError(f"The {what} does not belong to the test: it was not deleted.")
