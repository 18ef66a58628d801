"""The flow endpoints."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import YAML, Call, json_response, route
from pytest_kestra.engine.api.problems import missing, not_found
from pytest_kestra.engine.jvm import java


def create(call: Call) -> Response:
    """Check and store a new flow."""
    flow = _flow(call)
    return json_response(call.kestra, call.kestra.flow_service.create(flow, True))


def update(call: Call) -> Response:
    """Check a flow that exists and store it as a new revision; the same text keeps the revision."""
    kestra = call.kestra
    existing = _find_with_source(call)
    flow = _flow(call)
    defaults = kestra.bean("io.kestra.core.services.PluginDefaultService")
    # The repository checks the values, but only this parsing refuses unknown properties.
    defaults.parseFlowWithVersionDefaults(call.tenant, call.text, True)
    return json_response(kestra, kestra.flows.update(flow, existing))


def get(call: Call) -> Response:
    """Answer a flow, with its source if asked."""
    if call.flag("source"):
        return json_response(call.kestra, _find_with_source(call))
    found = call.kestra.flows.findById(*_key(call), call.optional_number("revision"), call.flag("allowDeleted"))
    if found.isEmpty():
        raise not_found()
    return json_response(call.kestra, found.get())


def delete(call: Call) -> Response:
    """Delete a flow, which makes one more revision of it."""
    call.kestra.flow_service.delete(_find_with_source(call))
    return Response(status_code=204)


def revisions(call: Call) -> Response:
    """Answer all revisions of a flow."""
    found = call.kestra.flows.findRevisions(*_key(call), call.flag("allowDelete"))
    if found.isEmpty():
        raise not_found()
    return json_response(call.kestra, found)


def search(call: Call) -> Response:
    """Answer a page of flows."""
    page = queries.pageable(call, call.kestra.flows)
    found = call.kestra.flows.find(page, call.tenant, queries.filters(call))
    return queries.page_response(call, found)


def by_namespace(call: Call) -> Response:
    """Answer all flows of a namespace."""
    return json_response(call.kestra, call.kestra.flows.findByNamespace(call.tenant, call.path["namespace"]))


def validate(call: Call) -> Response:
    """Check every document of a YAML text and answer one entry for each."""
    source_type = java("io.kestra.core.models.flows.FlowSource")
    sources = java("java.util.ArrayList")()
    for document in java("java.util.regex.Pattern").compile(r"(?m)^---\s*$").split(call.text):
        if str(document).strip():
            sources.add(source_type(None, document))
    return json_response(call.kestra, call.kestra.flow_service.validate(call.tenant, sources))


def _key(call: Call) -> tuple[str, str, str]:
    return call.tenant, call.path["namespace"], call.path["id"]


def _flow(call: Call) -> Any:
    flow = java("io.kestra.core.models.flows.GenericFlow").fromYaml(call.tenant, call.text)
    if flow is None:  # the YAML is `null`
        raise missing(call.body_name, "Body")
    return flow


def _find_with_source(call: Call) -> Any:
    found = call.kestra.flows.findByIdWithSource(
        *_key(call), call.optional_number("revision"), call.flag("allowDeleted")
    )
    if found.isEmpty():
        raise not_found()
    return found.get()


ROUTES = [
    route("flows", create, "POST", consumes=YAML, body_name="flow"),
    route("flows/search", search),
    route("flows/validate", validate, "POST", consumes=YAML, body_name="flows"),
    route("flows/{namespace}", by_namespace),
    route("flows/{namespace}/{id}", get),
    route("flows/{namespace}/{id}", update, "PUT", consumes=YAML, body_name="flow"),
    route("flows/{namespace}/{id}", delete, "DELETE"),
    route("flows/{namespace}/{id}/revisions", revisions),
]
