"""The executions and flows that requests name."""

from __future__ import annotations

from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import java


def execution(call: Call, execution_id: str | None = None, message: str = "Not Found") -> Any:
    """Return an execution, that of the path unless one is named; a 404 with a message where there is none."""
    found = call.kestra.executions.findById(call.tenant, call.path["id"] if execution_id is None else execution_id)
    if found.isEmpty():
        raise not_found(message)
    return found.get()


def to_change(call: Call) -> Any:
    """Return the execution of the path, for what stores it again: nothing of it may be old when that is done."""
    await_flows()
    return execution(call)


def await_flows() -> None:
    """Wait until all flows are known that were stored before."""
    java("io.kestra.runner.h2.KnownFlows").settle()


def flow_of(call: Call, execution: Any) -> Any:
    """Return the flow of an execution, in the revision that it runs."""
    return call.kestra.flows.findByExecutionWithoutAcl(execution)
