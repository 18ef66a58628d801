"""The endpoint of Kestra 2.0 that tells which expressions a flow can use."""

from __future__ import annotations

from starlette.responses import Response

from pytest_kestra.engine.api.calls import YAML, Call, json_response, route
from pytest_kestra.engine.api.flows import sources


def of_source(call: Call) -> Response:
    """Answer the expressions of a flow by their kind; with `taskId`, the outputs of the tasks before that one."""
    flow = sources.complete(call, call.text)
    service = call.kestra.bean("io.kestra.core.services.ExpressionContextService")
    return json_response(call.kestra, service.buildExpressionContext(flow, call.query.get("taskId")))


ROUTES = [route("flows/expressions", of_source, "POST", consumes=YAML, body_name="flow")]
