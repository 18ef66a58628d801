"""The end of a test: nothing of it stays on the server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from pytest_kestra.errors import KestraError, NotFoundError
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.files import NamespaceFiles
from pytest_kestra.run.kv import KeyValues
from pytest_kestra.run.session import Session
from pytest_kestra.run.waiting import SHORTEST_S, has_reached

# How long a test's end waits for the executions that it kills, in seconds.
KILL_TIMEOUT_S = 20.0
Errors = list[KestraError | AssertionError]


def clean_up(session: Session) -> None:
    """End and delete what a test has made; what fails is raised when the rest is done."""
    errors: Errors = []
    calls = session.client
    ours: dict[str, None] = {}
    for (namespace, flow_id), revision in session.deployer.created.items():
        with _collecting(errors):
            found = calls.executions.of_flow(namespace, flow_id)
            mine = [record for record in found if record.revision is None or record.revision >= revision]
            ours |= dict.fromkeys(record.id for record in mine)
            _end([record.id for record in mine if not record.state.is_final], session)
        with _collecting(errors):
            calls.flows.delete(namespace, flow_id)
    others = [execution_id for execution_id in session.started if execution_id not in ours]
    with _collecting(errors):
        _end([execution_id for execution_id in others if _runs(execution_id, session)], session)
    if not session.ephemeral:
        for execution_id in [*ours, *others]:
            with _collecting(errors):
                calls.executions.delete(execution_id)
        for namespace in session.deployer.namespaces if session.deployer.namespace is not None else ():
            with _collecting(errors):
                KeyValues(namespace, calls).clear()
                NamespaceFiles(namespace, calls).clear()
    if errors:
        raise errors[0]


def _runs(execution_id: str, session: Session) -> bool:
    try:
        return not session.client.executions.get(execution_id).state.is_final
    except NotFoundError:
        return False


def _end(execution_ids: Sequence[str], session: Session) -> None:
    """Kill executions, and return when all of them have ended."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    # The newest first: queued ones would begin to run as soon as those before them end.
    for execution_id in reversed(execution_ids):
        session.client.executions.kill(execution_id)
    for execution_id in execution_ids:
        execution = Execution.reading(session.client.executions.get(execution_id), session)
        if not has_reached(execution, None):
            execution.kill(timeout=max(SHORTEST_S, deadline - time.monotonic()))


@contextlib.contextmanager
def _collecting(errors: Errors) -> Iterator[None]:
    """Keep an error for later; what is gone already is none."""
    try:
        yield
    except NotFoundError:
        pass
    except (KestraError, AssertionError) as error:
        errors.append(error)
