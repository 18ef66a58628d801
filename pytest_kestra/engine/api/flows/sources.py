"""Sources of flows, given to Kestra to be parsed, checked and stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_kestra.engine.api import halves, problems
from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java


def parse(call: Call, source: str) -> Any:
    """Return a source as a flow that is not checked yet."""
    flow = tell(lambda: java("io.kestra.core.models.flows.GenericFlow").fromYaml(call.tenant, source))
    if halves.ESCAPE.search(source):
        values = java("io.kestra.core.serializers.JacksonMapper").ofYaml()
        halves.refuse(call.kestra, source, values.readValue(source, java("java.util.Map").class_))
    return flow


def check(call: Call, source: str) -> Any:
    """Return a source as a flow with its tasks; unknown properties are refused."""
    return tell(lambda: call.kestra.parse_flow(source))


def complete(call: Call, source: str) -> Any:
    """Return a source as a flow with all defaults of its plugins."""
    return tell(lambda: call.kestra.complete_flow(source))


def load(call: Call, source: str) -> None:
    """Check and store a flow, whether it is new or not."""
    parse(call, source)
    call.kestra.flow_service.importFlow(call.tenant, source)


def create(call: Call, flow: Any) -> Any:
    """Check and store a new flow."""
    return tell(lambda: call.kestra.create_flow(flow))


def update(call: Call, flow: Any, existing: Any) -> Any:
    """Check a flow and store it as a new revision of one that exists."""
    return tell(lambda: call.kestra.update_flow(flow, existing))


def tell(action: Callable[[], Any]) -> Any:
    """Do something with a source; what Kestra's parser does not expect in it is the caller's mistake, too."""
    try:
        return action()
    except java("java.lang.Exception") as error:
        problem = problems.of(error)
        raise problem if problem.status < 500 else Problem(422, f"Invalid entity: {error.getMessage()}") from error
