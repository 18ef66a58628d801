"""The endpoints that change many flows at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import FORM, JSON, YAML, Call, json_response, route
from pytest_kestra.engine.api.contents import by_content
from pytest_kestra.engine.api.flows import sources
from pytest_kestra.engine.api.problems import Problem, invalid
from pytest_kestra.engine.jvm import java, to_java

# Kestra splits at these three characters wherever they are.
SEPARATOR = "---"


def bulk(call: Call) -> Response:
    """Store the flows of a YAML text; others of the namespace, or of all, are deleted unless told otherwise."""
    flows = [sources.parse(call, source) for source in _documents(call)]
    child = call.flag("allowNamespaceChild")
    return json_response(call.kestra, _store(call, flows, call.query.get("namespace"), child=child))


def namespace(call: Call) -> Response:
    """Store the flows of a YAML text as those of a namespace; others are deleted unless told otherwise."""
    flows = [sources.parse(call, source.strip()) for source in _documents(call)]
    return json_response(call.kestra, _store(call, flows, call.path["namespace"]))


def namespace_files(call: Call) -> Response:
    """Store flows that are sent as files as those of a namespace, which takes the place of theirs with `override`."""
    texts = [content.strip() for _, content in call.files("flows")]
    if call.flag("override"):
        line = f"namespace: {call.path['namespace']}"
        texts = [re.sub(r"(?m)^namespace:.+", lambda _: line, text, count=1) for text in texts]
    return json_response(
        call.kestra, _store(call, [sources.parse(call, text) for text in texts], call.path["namespace"])
    )


def namespace_from_json(call: Call) -> Response:
    """Store flows that are told as JSON as those of a namespace; deprecated, but served."""
    told = call.read_list("io.kestra.core.models.flows.Flow")
    flows = [sources.parse(call, flow.sourceOrGenerateIfNull()) for flow in told]
    service = call.kestra.bean("io.kestra.core.services.PluginDefaultService")
    stored = _store(call, flows, call.path["namespace"])
    return json_response(call.kestra, to_java([service.injectVersionDefaults(flow, False).toFlow() for flow in stored]))


def delete_by_ids(call: Call) -> Response:
    """Delete flows that are named; all must be there."""
    return _count(call, [call.kestra.delete_flow(flow) for flow in by_ids(call)])


def delete_by_query(call: Call) -> Response:
    """Delete the flows that a search finds."""
    return _count(call, [call.kestra.delete_flow(flow) for flow in by_query(call)])


def disable_by_ids(call: Call) -> Response:
    """Disable flows that are named, and count those that were not disabled."""
    return _set_disabled(call, by_ids(call), disabled=True)


def disable_by_query(call: Call) -> Response:
    """Disable the flows that a search finds, and count those that were not disabled."""
    return _set_disabled(call, by_query(call), disabled=True)


def enable_by_ids(call: Call) -> Response:
    """Enable flows that are named, and count those that were disabled."""
    return _set_disabled(call, by_ids(call), disabled=False)


def enable_by_query(call: Call) -> Response:
    """Enable the flows that a search finds, and count those that were disabled."""
    return _set_disabled(call, by_query(call), disabled=False)


def by_ids(call: Call) -> list[Any]:
    """Return the flows, with their sources, that the body names by namespace and id; all must be there."""
    find = call.kestra.flows.findByIdWithSource
    return [find(call.tenant, item.get("namespace"), item.get("id")).orElseThrow() for item in call.read_texts()]


def by_query(call: Call) -> list[Any]:
    """Return all flows, with their sources, that a search finds."""
    all_of_them = java("io.micronaut.data.model.Pageable").UNPAGED
    return list(call.kestra.flows.findWithSource(all_of_them, call.tenant, queries.filters(call)))


def _documents(call: Call) -> list[str]:
    return list(java("java.lang.String")(call.text).split(SEPARATOR)) if call.text else []


def _set_disabled(call: Call, flows: Iterable[Any], *, disabled: bool) -> Response:
    changed = [flow for flow in flows if flow.isDisabled() != disabled]
    for flow in changed:
        source = java("io.kestra.core.services.FlowService").injectDisabled(flow.getSource(), disabled)
        call.kestra.update_flow(sources.parse(call, source), flow)
    return _count(call, changed)


def _count(call: Call, flows: list[Any]) -> Response:
    return json_response(call.kestra, to_java({"count": len(flows)}))


def _store(call: Call, flows: list[Any], namespace: str | None, *, child: bool = False) -> Any:
    """Create or update flows, and delete the others with `delete`; return these first, then those."""
    _refuse_others(flows, namespace, child=child)
    ids = [str(flow.getId()) for flow in flows]
    if len(set(ids)) < len(ids):
        raise invalid("flow.id", "Duplicate flow id")
    deleted = [flow for flow in _existing(call, namespace) if str(flow.getId()) not in ids]
    for flow in deleted:
        call.kestra.delete_flow(flow)
    stored = [_create_or_update(call, flow) for flow in flows]
    return to_java([*deleted, *stored])


def _existing(call: Call, namespace: str | None) -> Iterable[Any]:
    if not call.flag("delete", default=True):
        return ()
    repository = call.kestra.flows
    found: Iterable[Any] = (
        repository.findAllWithSource(call.tenant)
        if namespace is None
        else repository.findByNamespaceWithSource(call.tenant, namespace)
    )
    return found


def _create_or_update(call: Call, flow: Any) -> Any:
    existing = call.kestra.flows.findById(call.tenant, flow.getNamespace(), flow.getId())
    return sources.create(call, flow) if existing.isEmpty() else sources.update(call, flow, existing.get())


def _refuse_others(flows: list[Any], namespace: str | None, *, child: bool) -> None:
    if namespace is None:
        return
    others = [
        (f"{flow.uid()} - flow namespace is invalid", "flow.namespace")
        for flow in flows
        if flow.getNamespace() != namespace and not (child and str(flow.getNamespace()).startswith(namespace))
    ]
    if others:
        text = ", ".join(f"{place}: {message}" for message, place in others)
        raise Problem(422, f"Invalid entity: {text}", others)


ROUTES = [
    route("flows/bulk", bulk, "POST", consumes=YAML, body_name="flows"),
    by_content(
        "flows/{namespace}",
        {YAML: namespace, FORM: namespace_files, JSON: namespace_from_json},
        "POST",
        body_name="flows",
    ),
    route("flows/delete/by-ids", delete_by_ids, "DELETE", consumes=JSON, body_name="ids"),
    route("flows/delete/by-query", delete_by_query, "DELETE"),
    route("flows/disable/by-ids", disable_by_ids, "POST", consumes=JSON, body_name="ids"),
    route("flows/disable/by-query", disable_by_query, "POST"),
    route("flows/enable/by-ids", enable_by_ids, "POST", consumes=JSON, body_name="ids"),
    route("flows/enable/by-query", enable_by_query, "POST"),
]
