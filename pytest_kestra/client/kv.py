"""The API's calls about key-value pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_kestra.client.transport import Transport
from pytest_kestra.records import Json

TEXT = {"Content-Type": "text/plain"}


class KeyValues:
    """Read, set and delete the key-value pairs of namespaces."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, namespace: str, key: str) -> Json:
        """Return `type` and `value` of a key; NotFoundError where there is none."""
        found: Mapping[str, Any] = self._transport.json("GET", "namespaces", namespace, "kv", key)
        return found

    def set(
        self, namespace: str, key: str, value: Any, *, ttl: str | None = None, description: str | None = None
    ) -> None:
        """Set a key to a value, which is sent as JSON; `ttl` is an ISO 8601 duration after which it is gone."""
        given = {"ttl": ttl, "description": description}
        headers = {**TEXT, **{name: text for name, text in given.items() if text is not None}}
        # Kestra reads the body as Ion, of which JSON is a part: a bare text would be cut at its first blank.
        content = json.dumps(value).encode()
        self._transport.request("PUT", "namespaces", namespace, "kv", key, content=content, headers=headers)

    def delete(self, namespace: str, key: str) -> bool:
        """Delete a key; return whether it was there."""
        return bool(self._transport.json("DELETE", "namespaces", namespace, "kv", key))

    def keys(self, namespace: str) -> list[str]:
        """Return the keys of a namespace, sorted; not those of its parents."""
        return sorted(item["key"] for item in self._transport.json("GET", "namespaces", namespace, "kv"))
