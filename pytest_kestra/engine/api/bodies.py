"""JSON bodies, property by property, and what is said of one that is not allowed."""

from __future__ import annotations

from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import invalid, require_least
from pytest_kestra.engine.jvm import java


class Body:
    """Read the properties of a request's body, each as Kestra's web server reads its type."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._values = call.read("java.util.Map")

    def text(self, name: str) -> str | None:
        """Return a text, None where there is none."""
        found = self.value(name, "java.lang.String")
        return None if found is None else str(found)

    def required(self, name: str, *, blank: bool = False) -> str:
        """Return a text that must be there, and be more than blanks unless told otherwise."""
        found = self.text(name)
        if found is None or not (blank or found.strip()):
            raise invalid(name, "must not be null" if blank else "must not be blank")
        return found

    def flag(self, name: str) -> bool:
        """Return what is true or false; false where it is missing."""
        return bool(self.value(name, "java.lang.Boolean"))

    def number(self, name: str, least: int) -> int:
        """Return a whole number that must not be less than another; 0 where it is missing."""
        found = int(self.value(name, "java.lang.Integer") or 0)
        require_least(name, found, least)
        return found

    def texts(self, name: str, most: int) -> list[str]:
        """Return a list of texts, of which there must be one, and not more than some."""
        return self._limited(name, self._call.texts(name), most)

    def items(self, name: str, most: int) -> list[dict[str, Any]]:
        """Return a list of objects, of which there must be one, and not more than some."""
        found = [dict(item or {}) for item in self._call.read_part(name, "java.util.Map")]
        return self._limited(name, found, most)

    def value(self, name: str, type_name: str) -> Any:
        """Return a value as a Java type, None where there is none."""
        return self._call.kestra.json.convertValue(self._values.get(name), java(type_name).class_)

    def _limited(self, name: str, found: list[Any], most: int) -> list[Any]:
        if not found:
            raise invalid(name, "must not be empty")
        if len(found) > most:
            raise invalid(name, f"size must be between 0 and {most}")
        return found
