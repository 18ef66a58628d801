"""The endpoints of namespaces, and of the secrets in them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.jvm import java, to_java

# How many namespaces an input field suggests.
SUGGESTED = 50
TOTAL_LIST = "io.kestra.core.repositories.ArrayListTotal"


def get(call: Call) -> Response:
    """Answer a namespace: there is no list of them, so each name is one."""
    return json_response(call.kestra, _namespace(call.path["id"]))


def search(call: Call) -> Response:
    """Answer a page of the namespaces that have flows, those above them, and the system's."""
    page, total_list = queries.pageable(call, None), java(TOTAL_LIST)
    names = sorted(_matching(call, call.query.get("q")), reverse=_descending(page))
    found = total_list.of(page, to_java([_namespace(name) for name in names]))
    # As in Kestra, a page after the last one has no total either.
    return queries.page_response(call, total_list(0) if found.isEmpty() else found)


def autocomplete(call: Call) -> Response:
    """Answer the first namespaces that contain a text, and those asked for that exist."""
    wanted, query = call.texts("ids"), call.read("java.util.Map").get("q")
    kept = set(wanted) & _names(call)
    found = sorted(_matching(call, None if query is None else str(query)) - kept)[:SUGGESTED]
    return json_response(call.kestra, to_java(sorted({*found, *kept})))


def secrets(call: Call) -> Response:
    """Answer a page of the names of the secrets that a namespace may use."""
    page, namespace = queries.pageable(call, None), call.path["namespace"]
    queried = [item.value() for item in queries.filters(call, old=False) if str(item.field().value()) == "q"]
    query = str(queried[0]).lower() if queried else ""
    names = [str(name) for name in call.kestra.secrets.inheritedSecrets(call.tenant, namespace).get(namespace)]
    found = sorted((name for name in names if query in name.lower()), reverse=_descending(page))
    return _secrets(call, java(TOTAL_LIST).of(page, to_java(found)))


def every_secret(call: Call) -> Response:
    """Answer a page of the names of the secrets of all namespaces."""
    page = queries.pageable(call, None)
    return _secrets(call, call.kestra.secrets.list(page, call.tenant, queries.filters(call, old=False)))


def inherited_secrets(call: Call) -> Response:
    """Answer the names of the secrets that a namespace may use, by the namespace that has them."""
    return json_response(call.kestra, call.kestra.secrets.inheritedSecrets(call.tenant, call.path["namespace"]))


def _secrets(call: Call, names: Any) -> Response:
    found = [{"key": str(name)} for name in names]
    return json_response(call.kestra, to_java({"readOnly": True, "results": found, "total": names.getTotal()}))


def _descending(page: Any) -> bool:
    orders = page.getSort().getOrderBy()
    return not orders.isEmpty() and not orders.get(0).isAscending()


def _namespace(name: str) -> Any:
    return java("io.kestra.core.models.namespaces.Namespace").builder().id(name).build()


def _names(call: Call) -> set[str]:
    as_tree = java("io.kestra.core.models.namespaces.NamespaceInterface").asTree
    return {str(name) for found in call.kestra.flows.findDistinctNamespace(call.tenant) for name in as_tree(found)}


def _matching(call: Call, query: str | None) -> set[str]:
    system = call.kestra.system_namespace
    return {name for name in {*_names(call), system} if query is None or query.lower() in name.lower()}


ROUTES = [
    route("namespaces/autocomplete", autocomplete, "POST", consumes=JSON, body_name="autocomplete"),
    route("namespaces/search", search),
    route("namespaces/{id}", get),
    route("namespaces/{namespace}/secrets", secrets),
    route("namespaces/{namespace}/inherited-secrets", inherited_secrets),
    route("secrets", every_secret),
]
