"""What interrupted runs have left on a server: it is found by the marks of its namespaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

from pytest_kestra.client.client import Client
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import MARK_LENGTH, Namespaces, marked_part
from pytest_kestra.run.belongings import Belongings
from pytest_kestra.run.cleanup import Cleanup
from pytest_kestra.run.session import Session

# How long an execution may take that is ended here, in seconds; it has its own limit.
TIMEOUT_S = 60.0
LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


@dataclass
class Leftover:
    """Tell what is in a namespace that a test has made, and when something last happened there."""

    namespace: str
    last: datetime = LONG_AGO
    flows: list[str] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """The end of the namespace, which no other has."""
        return self.namespace[-MARK_LENGTH:]


def find(client: Client, run: str | None = None) -> list[Leftover]:
    """Return what tests have left on a server, oldest first; with `run`, those of one run.

    Tests that run in this moment are found, too.
    """
    word = "pytest-" if run is None else f"pytest-{run}-"
    found: dict[str, Leftover] = {}
    for flow in client.flows.search(word, "CONTAINS"):
        if (namespace := marked_part(flow.namespace, run)) is not None:
            left = found.setdefault(namespace, Leftover(namespace))
            left.flows.append(flow.id)
            left.last = max(left.last, flow.updated or LONG_AGO)
    for execution in client.executions.search({"namespace][CONTAINS": word}):
        if (namespace := marked_part(execution.namespace, run)) is not None:
            left = found.setdefault(namespace, Leftover(namespace))
            left.executions.append(execution.id)
            left.last = max(left.last, *(change.date for change in execution.history))
    return sorted(found.values(), key=lambda left: left.last)


def remove(client: Client, leftover: Leftover) -> None:
    """End and delete all in a namespace that a test has made; what fails is raised when the rest is done."""
    session = Session(client, Deployer(client, Namespaces(None)), TIMEOUT_S)
    Cleanup(session, Belongings(namespaces=[leftover.namespace], flows={}, started=())).run()
