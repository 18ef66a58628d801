"""The API's calls about key-value pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

from pytest_kestra.client.transport import Transport
from pytest_kestra.errors import KestraError
from pytest_kestra.records import Json
from pytest_kestra.times import duration_text

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
        """Set a key to what JSON has, a date, a datetime or a time span; `ttl` is an ISO 8601 duration that it is kept.

        TypeError or ValueError for other values, KestraError for a description that no header of HTTP can hold.
        """
        given = {"ttl": ttl, "description": description}
        try:
            headers = {name: text.encode("latin-1") for name, text in {**TEXT, **given}.items() if text is not None}
        except UnicodeEncodeError:
            raise KestraError(
                f"The description of the key {key!r} has letters beyond Latin-1, which Kestra's API does not take: "
                f"{description!r}."
            ) from None
        content = _ion(value).encode()
        self._transport.request("PUT", "namespaces", namespace, "kv", key, content=content, headers=headers)

    def delete(self, namespace: str, key: str) -> bool:
        """Delete a key; return whether it was there."""
        return bool(self._transport.json("DELETE", "namespaces", namespace, "kv", key))

    def keys(self, namespace: str) -> list[str]:
        """Return the keys of a namespace, sorted; not those of its parents."""
        if self._transport.address.is_two:
            found = self._transport.pages("kv", params={"filters[namespace][EQUALS]": namespace})
        else:
            found = self._transport.json("GET", "namespaces", namespace, "kv")
        return sorted(item["key"] for item in found)


def _ion(value: Any) -> str:
    """Return a value as Ion, as which Kestra reads what it is sent.

    JSON is a part of it, in which dates would be texts; bare texts would be cut at their first blank. A date with an
    offset would be none for Kestra (io.kestra.core.models.kv.KVType), so each is in UTC.
    """
    if isinstance(value, datetime):
        in_utc = value.astimezone(timezone.utc) if value.tzinfo else value
        return in_utc.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(duration_text(value) if isinstance(value, timedelta) else value, allow_nan=False)
