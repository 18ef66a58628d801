"""The API's calls about plugins."""

from __future__ import annotations

from typing import Any

from pytest_kestra.client.transport import Transport
from pytest_kestra.errors import NotFoundError
from pytest_kestra.records import Json

GROUPS = ("tasks", "triggers", "conditions", "taskRunners")


class Plugins:
    """Read what kinds of tasks, triggers and conditions the server has; they are the same for all tenants."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def types(self) -> list[str]:
        """Return the types of all tasks, triggers, conditions and task runners, without their older names."""
        found = self._transport.send("GET", "/api/v1/plugins").json()
        plugins: list[Json] = found["results"] if isinstance(found, dict) else found  # a page on 2.0
        return sorted({item["cls"] for plugin in plugins for group in GROUPS for item in plugin.get(group) or ()})

    def schema(self, name: str) -> Json:
        """Return the JSON schema of a type's properties; NotFoundError where there is no such type."""
        schema: Json = self._schemas(name)["properties"]
        return schema

    def outputs(self, name: str) -> Json | None:
        """Return the JSON schema of a type's outputs; None where it has none, NotFoundError where there is no type."""
        schema: Json | None = self._schemas(name).get("outputs")
        return schema

    def _schemas(self, name: str) -> Json:
        found: dict[str, Any] = self._transport.send("GET", f"/api/v1/plugins/{name}").json()
        schemas: Json = found["schema"]
        return schemas

    def filters(self) -> list[str] | None:
        """Return the names of the filters that expressions may use; None where the server does not tell them."""
        return self._names("filters")

    def functions(self) -> list[str] | None:
        """Return the names of the functions that expressions may use; None where the server does not tell them."""
        return self._names("functions")

    def _names(self, kind: str) -> list[str] | None:
        try:
            found = self._transport.send("GET", f"/api/v1/pebble/{kind}").json()
        except (NotFoundError, ValueError):
            return None
        # Kestra 2.0 tells functions with their arguments.
        return [item if isinstance(item, str) else str(item["name"]) for item in found]
