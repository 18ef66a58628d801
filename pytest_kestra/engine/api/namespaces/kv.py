"""The endpoints of the key-value store."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import JSON, TEXT, Call, json_response, route
from pytest_kestra.engine.api.problems import missing, not_found
from pytest_kestra.engine.jvm import java, to_java

# What keys are sorted by: the names in answers, and those that Kestra stores them under.
COLUMNS = {
    **{name: name for name in ("namespace", "name", "version", "description", "created", "updated", "expirationDate")},
    "key": "name",
    "creationDate": "created",
    "updateDate": "updated",
}


def every(call: Call) -> Response:
    """Answer a page of the keys of all namespaces."""
    page = queries.pageable(call, None, COLUMNS)
    return queries.page_response(call, call.kestra.kv_page(page, queries.filters(call, old=False)))


def by_namespace(call: Call) -> Response:
    """Answer the keys of a namespace."""
    return json_response(call.kestra, _store(call).list())


def inherited(call: Call) -> Response:
    """Answer the keys that a namespace has from those above it; of two with one name the nearer one counts."""
    parts = call.path["namespace"].split(".")
    entries: dict[str, Any] = {}
    for length in range(len(parts) - 1, 0, -1):
        for entry in _store(call, ".".join(parts[:length])).list():
            entries.setdefault(entry.key(), entry)
    return json_response(call.kestra, to_java(list(entries.values())))


def get(call: Call) -> Response:
    """Answer the value of a key, with its type."""
    store, key = _store(call), call.path["key"]
    found = store.getValue(key)
    entry = store.get(key)
    if found.isEmpty() or entry.isEmpty():
        raise not_found(f"Not Found: No value found for key '{key}' in namespace '{call.path['namespace']}'")
    value = found.get().value()
    if isinstance(value, java("[B")):
        value = bytes(value).decode("utf-8", errors="replace")
    details = {
        "type": java("io.kestra.core.models.kv.KVType").from_(value),
        "value": value,
        "revision": call.kestra.kv_revision(entry.get()),
        "updated": entry.get().updateDate(),
    }
    return json_response(call.kestra, to_java(details))


def put(call: Call) -> Response:
    """Set a key; the value is read as Ion, and as text where it is none."""
    if not call.body:
        raise missing("value", "Body")
    ttl = call.headers.get("ttl")
    duration = None if ttl is None else java("java.time.Duration").parse(ttl)
    metadata = java("io.kestra.core.storages.kv.KVMetadata")(
        call.headers.get("description"), java("java.time.Duration") @ duration
    )
    value: Any
    try:
        value = java("io.kestra.core.serializers.JacksonMapper").ofIon().readTree(call.text)
    # The message of the one may end in the middle of a character, which makes the other of it.
    except (java("com.fasterxml.jackson.core.JsonProcessingException"), UnicodeDecodeError):
        value = call.text
    _store(call).put(call.path["key"], java("io.kestra.core.storages.kv.KVValueAndMetadata")(metadata, value))
    return Response(status_code=200)


def delete(call: Call) -> Response:
    """Delete a key; answer whether it was there."""
    return json_response(call.kestra, _store(call).delete(call.path["key"]))


def delete_some(call: Call) -> Response:
    """Delete the keys that the body names; answer those that were there."""
    store = _store(call)
    return json_response(call.kestra, to_java({"keys": [key for key in call.texts("keys") if store.delete(key)]}))


def _store(call: Call, namespace: str | None = None) -> Any:
    """Return the store of a namespace, by default the path's."""
    return call.kestra.kv_store(namespace or call.path["namespace"])


ROUTES = [
    route("kv", every),
    route("namespaces/{namespace}/kv", by_namespace),
    route("namespaces/{namespace}/kv", delete_some, "DELETE", consumes=JSON, body_name="request"),
    route("namespaces/{namespace}/kv/inheritance", inherited),
    route("namespaces/{namespace}/kv/{key}", get),
    route("namespaces/{namespace}/kv/{key}", put, "PUT", consumes=TEXT, body_name="value"),
    route("namespaces/{namespace}/kv/{key}", delete, "DELETE"),
]
