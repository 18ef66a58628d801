"""The endpoint of Kestra 2.0 that renders expressions to be shown, without doing anything by it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api.bodies import Body
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.executions import lookup
from pytest_kestra.engine.api.flows import sources
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import java, to_java

# How many may be rendered at once.
MOST = 500


def render(call: Call) -> Response:
    """Answer what some expressions give for an execution, or for a flow; those that give nothing stay as they are."""
    body = Body(call)
    wanted = to_java(body.texts("expressions", MOST))
    renderer = call.kestra.bean("io.kestra.core.runners.DisplayExpressionRenderer")
    return json_response(call.kestra, to_java({"rendered": renderer.render(wanted, _variables(call, body))}))


def _variables(call: Call, body: Body) -> Any:
    """Return the variables of an execution, of a source or of a stored flow, the first of them that is told."""
    contexts = call.kestra.run_contexts
    execution_id = body.text("executionId")
    if execution_id is not None:
        missing = f"Not Found: Unable to find execution '{execution_id}'"
        execution = lookup.execution(call, execution_id, missing)
        return contexts.of(lookup.flow_of(call, execution), execution, False).getVariables()
    flow = _flow(call, body)
    return java("java.util.Map").of() if flow is None else contexts.of(flow, java("java.util.Map").of()).getVariables()


def _flow(call: Call, body: Body) -> Any:
    source, namespace, flow_id = body.text("flow"), body.text("namespace"), body.text("flowId")
    if source is not None:
        return sources.complete(call, source)
    if namespace is None or flow_id is None:
        return None
    found = call.kestra.flows.findById(call.tenant, namespace, flow_id)
    if found.isEmpty():
        raise not_found(f"Not Found: Unable to find flow '{namespace}.{flow_id}'")
    return found.get()


def routes(line: str) -> list[Route]:
    """Return the routes of a line."""
    made = route("expressions/render", render, "POST", consumes=JSON, body_name="request")
    return [] if line == "1.3" else [made]
