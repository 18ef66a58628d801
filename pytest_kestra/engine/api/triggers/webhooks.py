"""The endpoints that webhooks call."""

from __future__ import annotations

from email.message import Message
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api.calls import ANY, API, Call, json_response, route
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.api.triggers.calling import Calling
from pytest_kestra.engine.api.triggers.evaluations import Evaluation
from pytest_kestra.engine.jvm import java, to_java


async def trigger(call: Call) -> Response:
    """Let the trigger that has the key in the path start an execution; wait for its end if the trigger does."""
    answer = await (await call.run(_evaluate, call)).answer()
    return await call.run(_response, call, answer)


def _evaluate(call: Call) -> Evaluation | Calling:
    flow = call.kestra.flows.findById(call.tenant, call.path["namespace"], call.path["id"]).orElse(None)
    if flow is None:
        raise not_found("Not Found: Flow not found")
    if flow.isDisabled():
        raise java("java.lang.IllegalStateException")("Cannot execute disabled flow")
    if isinstance(flow, java("io.kestra.core.models.flows.FlowWithException")):
        raise java("java.lang.IllegalStateException")(f"Cannot execute an invalid flow: {flow.getException()}")
    webhooks = java("io.kestra.plugin.core.trigger.AbstractWebhookTrigger")
    for found in flow.getTriggers() or ():
        if isinstance(found, webhooks) and _key(call, flow, found) == call.path["key"]:
            kind = Evaluation if call.kestra.line == "1.3" else Calling
            return kind(call, flow, found, _request(call))
    raise not_found("Not Found: Webhook not found")


def _key(call: Call, flow: Any, found: Any) -> str | None:
    """Return a trigger's key, none where it cannot be rendered: such a trigger has no address."""
    try:
        return str(call.kestra.run_contexts.of(flow, found).render(found.getKey())).strip()
    except java("io.kestra.core.exceptions.IllegalVariableEvaluationException"):
        return None


def _request(call: Call) -> Any:
    """Return the request as Kestra's triggers take it."""
    request = java("io.kestra.core.http.HttpRequest")
    body = java("io.kestra.core.http.HttpRequest$StringRequestBody").of(_text(call)) if call.body else None
    # Java refuses names that differ in case only: the first stands for all.
    names: dict[str, str] = {}
    headers: dict[str, list[str]] = {}
    for name, value in call.raw_headers:
        headers.setdefault(names.setdefault(name.lower(), name), []).append(value)
    return request.of(java("java.net.URI").create(call.uri), call.method, body, to_java(headers))


def _text(call: Call) -> str:
    kind = Message()
    kind["content-type"] = call.headers.get("content-type", "")
    try:
        return call.body.decode(kind.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return call.text


def _response(call: Call, answer: Any) -> Response:
    status, body, headers = answer.getStatus().getCode(), answer.getBody(), _headers(answer)
    if body is None:
        if status == 404:
            raise not_found()
        return Response(status_code=status, headers=headers)
    if isinstance(body, str):
        return Response(body, status, headers=headers)
    response = json_response(call.kestra, body, status)
    response.headers.update(headers)
    return response


def _headers(answer: Any) -> dict[str, str]:
    headers = answer.getHeaders()
    return {} if headers is None else {str(name): ", ".join(values) for name, values in headers.map().items()}


def _routes(path: str) -> list[Route]:
    return [route(path, trigger, method, consumes=ANY) for method in ("GET", "POST", "PUT")]


PATH = "executions/webhook/{namespace}/{id}/{key}"

# Who calls has got an address once, perhaps one without a tenant.
ROUTES = [made for start in ("", f"{API}/") for end in ("", "/", "/{path}") for made in _routes(f"{start}{PATH}{end}")]
