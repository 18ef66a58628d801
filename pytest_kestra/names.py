"""Names: what stands under them, a word about one that is not there, and long ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pytest_kestra.errors import UnknownNameError

# What is left of a name where something else needs the room.
SHORT = 24


def middle(name: str, length: int) -> str:
    """Cut a name in its middle: its beginning and its end tell it from others."""
    end = length // 2
    return name if len(name) <= length else f"{name[: length - end - 1]}…{name[-end:]}"


class Named(dict[str, Any]):
    """Hold values under their names, as a dictionary that tells the nearest name where one is missing."""

    what = "name"
    where = "these values"

    @classmethod
    def of(cls, values: Mapping[str, Any] | None, what: str, where: str) -> Named:
        """Return values, and those within them, that know what they are and where they are from."""
        named = cls({name: _named(value, what, f"{name!r} of {where}") for name, value in (values or {}).items()})
        named.what, named.where = what, where
        return named

    def __missing__(self, name: object) -> NoReturn:
        raise UnknownNameError(self.what, str(name), map(str, self), self.where)


def _named(value: Any, what: str, where: str) -> Any:
    if isinstance(value, Mapping):
        return Named.of(value, what, where)
    if isinstance(value, list):
        return [_named(item, what, where) for item in value]
    return value
