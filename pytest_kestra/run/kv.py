"""The key-value pairs of a namespace."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError, NotFoundError, UnknownNameError
from pytest_kestra.mocks.calls import PREFIX
from pytest_kestra.times import duration, duration_text, instant


@dataclass(frozen=True, eq=False)
class KeyValues(MutableMapping[str, Any]):
    """Read and set the pairs that `{{ kv('key') }}` renders, as one does with a dictionary.

    Values are what JSON has, or dates, datetimes and time spans, and come back as they were set. But datetimes come
    back in UTC, which they are taken for where they have no zone, and without what is below the millisecond; Kestra
    takes a text that is a time span, such as `PT5M`, for one, and keeps a span that is negative or has a fraction of a
    second as a text. Kestra looks a key up in the parent namespaces too; here are only the namespace's own.
    """

    namespace: str
    client: Client = field(repr=False)

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key; KeyError where it is not set or has expired."""
        try:
            return _value(self.client.kv.get(self.namespace, key))
        except NotFoundError:
            raise UnknownNameError("key", key, self, f"the namespace {self.namespace}") from None

    def __setitem__(self, key: str, value: Any) -> None:
        """Set a key to a value that JSON has, a date, a datetime or a time span."""
        self.set(key, value)

    def set(self, key: str, value: Any, *, ttl: timedelta | None = None, description: str | None = None) -> None:
        """Set a key, for some time if `ttl` says so."""
        if ttl is not None and not isinstance(ttl, timedelta):
            raise KestraError(f"ttl: {ttl!r} is no time span, such as timedelta(minutes=5).")
        time_to_live = None if ttl is None else duration_text(ttl)
        try:
            self.client.kv.set(self.namespace, key, value, ttl=time_to_live, description=description)
        except (TypeError, ValueError) as error:
            raise KestraError(
                f"The value of the key {key!r} is of the type {type(value).__name__}, which Kestra cannot keep: "
                f"{value!r}: {error}. It takes what JSON has, or a date, a datetime or a timedelta "
                "that is not in a list or a dict."
            ) from error

    def __delitem__(self, key: str) -> None:
        """Delete a key; KeyError where it is not set."""
        if not self.client.kv.delete(self.namespace, key):
            raise UnknownNameError("key", key, self, f"the namespace {self.namespace}")

    def __iter__(self) -> Iterator[str]:
        """Return the keys, sorted, but those by which mocks note their calls."""
        return iter(key for key in self.client.kv.keys(self.namespace) if not key.startswith(PREFIX))

    def __len__(self) -> int:
        """Return how many keys are set."""
        return sum(1 for _ in self)


def _value(found: Any) -> Any:
    # Kestra leaves null out.
    value = found.get("value")
    if found["type"] == "DATETIME":
        return instant(value)
    if found["type"] == "DATE":
        return date.fromisoformat(value)
    return duration(value) if found["type"] == "DURATION" else value
