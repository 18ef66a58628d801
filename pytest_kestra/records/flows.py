"""Flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytest_kestra.names import Named
from pytest_kestra.records.values import Json, labels_of
from pytest_kestra.times import instant

# The loop of Kestra 2.0.
LOOP = "io.kestra.plugin.core.flow.Loop"


@dataclass(frozen=True)
class FlowRecord:
    """Tell a flow as Kestra has it; what stands under an id, such as a task, is its definition."""

    id: str
    namespace: str
    revision: int
    source: str
    tasks: Mapping[str, Json]
    inputs: Mapping[str, Json]
    triggers: Mapping[str, Json]
    labels: Mapping[str, str]
    variables: Json
    concurrency: Json | None
    # Kestra does not tell it in the answer to a deployment.
    updated: datetime | None = field(default=None, compare=False)

    def __hash__(self) -> int:
        return hash((self.namespace, self.id, self.revision))

    @classmethod
    def of(cls, data: Json) -> FlowRecord:
        """Return the flow that the API's JSON describes."""
        tasks: dict[str, Json] = {}
        for part in ("tasks", "errors", "finally", "afterExecution"):
            _collect_tasks(data.get(part), tasks)
        where = f"the flow {data['id']}"

        def named(what: str, values: Json) -> Json:
            return Named.of(values, what, where)

        return cls(
            data["id"],
            data["namespace"],
            data["revision"],
            data.get("source") or "",
            tasks=named("task", tasks),
            inputs=named("input", {item["id"]: item for item in data.get("inputs") or ()}),
            triggers=named("trigger", {item["id"]: item for item in data.get("triggers") or ()}),
            labels=named("label", labels_of(data)),
            variables=named("variable", data.get("variables") or {}),
            concurrency=data.get("concurrency"),
            updated=instant(data["updated"]) if data.get("updated") else None,
        )


def has_rounds(flow: FlowRecord) -> bool:
    """Tell whether a flow has a loop of Kestra 2.0, whose rounds are executions of their own."""
    return any(task.get("type") == LOOP for task in flow.tasks.values())


def _collect_tasks(node: Any, tasks: dict[str, Json]) -> None:
    """Add every task below a node: whatever has an id and a type, however deep a flowable task keeps it."""
    if isinstance(node, Mapping):
        if isinstance(node.get("id"), str) and isinstance(node.get("type"), str) and "." in node["type"]:
            tasks.setdefault(node["id"], node)
        for value in node.values():
            _collect_tasks(value, tasks)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for item in node:
            _collect_tasks(item, tasks)
