"""The API's calls about flows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pytest_kestra.client.transport import Transport
from pytest_kestra.records import FlowRecord, Json

YAML = {"Content-Type": "application/x-yaml"}

# Kestra checks what stands before a line of `---` as a flow of its own, also where that is only a comment.
HEAD = re.compile(r"\A(?:[ \t\r]*(?:#[^\n]*)?\n)*---[ \t\r]*\n")


@dataclass(frozen=True)
class Verdict:
    """Tell what Kestra says of a flow that it has checked and not stored.

    `constraints` is what stands against it, or None; `readable` says whether Kestra could read it at all.
    `deprecations` are paths such as `tasks[0].outputs`, `infos` say which types have new names, and `outdated` that a
    revision which the text names is not the next one.
    """

    constraints: str | None
    readable: bool
    deprecations: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    outdated: bool = False

    @classmethod
    def of(cls, data: Json) -> Verdict:
        """Return the verdict that the API's JSON describes."""
        return cls(
            data.get("constraints"),
            data.get("flow") is not None,
            deprecations=tuple(data.get("deprecationPaths") or ()),
            warnings=tuple(data.get("warnings") or ()),
            infos=tuple(data.get("infos") or ()),
            outdated=bool(data.get("outdated")),
        )


class Flows:
    """Create, read, update, check and delete flows."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, source: str) -> FlowRecord:
        """Store a new flow; ApiError 422 where it exists or is wrong."""
        return FlowRecord.of(self._post("flows", source))

    def update(self, namespace: str, flow_id: str, source: str) -> FlowRecord:
        """Store a new revision of a flow that exists; the same text keeps the revision."""
        # Kestra's own server can hang when a body reaches a flow that is not there: look first.
        self._transport.request("GET", "flows", namespace, flow_id)
        return FlowRecord.of(
            self._transport.json("PUT", "flows", namespace, flow_id, content=source.encode(), headers=YAML)
        )

    def get(self, namespace: str, flow_id: str, revision: int | None = None) -> FlowRecord:
        """Return a flow with its source, in its latest revision unless one is named."""
        params: dict[str, Any] = {"source": "true"}
        if revision is not None:
            params["revision"] = revision
        return FlowRecord.of(self._transport.json("GET", "flows", namespace, flow_id, params=params))

    def delete(self, namespace: str, flow_id: str) -> None:
        """Delete a flow."""
        self._transport.request("DELETE", "flows", namespace, flow_id)

    def validate(self, source: str) -> list[str]:
        """Check a flow and return what is wrong with it; nothing is stored."""
        return [verdict.constraints for verdict in self._verdicts(source) if verdict.constraints]

    def verdict(self, source: str) -> Verdict:
        """Check a flow and return all that Kestra says of it; nothing is stored."""
        return self._verdicts(source)[0]

    def validate_part(self, section: str, source: str) -> str | None:
        """Check one task or trigger, as `section` says: TASKS or TRIGGERS; return what is wrong with it."""
        params = {"section": section}
        path = ("flows", "validate", "task")
        found: Json = self._transport.json("POST", *path, params=params, content=source.encode(), headers=YAML)
        return found.get("constraints")

    def search(self, namespace: str, how: str = "PREFIX") -> list[FlowRecord]:
        """Return the flows in a namespace and below it, without their sources; or as `how` says, such as CONTAINS."""
        found = self._transport.pages("flows", "search", params={f"filters[namespace][{how}]": namespace})
        return [FlowRecord.of(item) for item in found]

    def _post(self, path: str, source: str, *more: str) -> Any:
        return self._transport.json("POST", path, *more, content=source.encode(), headers=YAML)

    def _verdicts(self, source: str) -> list[Verdict]:
        # Comments instead, so that lines keep their numbers.
        text = HEAD.sub(lambda head: "#\n" * head[0].count("\n"), source)
        if text[:1].isspace():
            # Kestra takes blanks off both ends, and with them the indentation of the first line.
            text = "#" + text if text.lstrip(" \t")[:1] in "\r\n" else "#\n" + text
        return [Verdict.of(entry) for entry in self._post("flows", text, "validate")]
