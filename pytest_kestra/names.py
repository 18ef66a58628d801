"""What stands under names, and a word about a name that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pytest_kestra.errors import UnknownNameError


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
