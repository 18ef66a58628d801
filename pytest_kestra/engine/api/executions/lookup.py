"""The executions and flows that requests name."""

from __future__ import annotations

from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import not_found


def execution(call: Call, execution_id: str | None = None) -> Any:
    """Return an execution, that of the path unless one is named; a 404 where there is none."""
    found = call.kestra.executions.findById(call.tenant, execution_id or call.path["id"])
    if found.isEmpty():
        raise not_found()
    return found.get()


def flow_of(call: Call, execution: Any) -> Any:
    """Return the flow of an execution, in the revision that it runs."""
    return call.kestra.flows.findByExecutionWithoutAcl(execution)
