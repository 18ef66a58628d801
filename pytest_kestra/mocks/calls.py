"""The calls of mocked tasks, as their stand-ins note them in the key-value stores of their flows' namespaces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_kestra.client.client import Client
from pytest_kestra.errors import ApiError
from pytest_kestra.names import Named
from pytest_kestra.times import moment

# How the keys begin; then come a name of the mock, one of the call, and what it is.
PREFIX = "pytest-kestra.mock."
# Kestra tells of a key before its value is written whole: so another one says that a call waits for its answer, and
# that the answer is there.
CALL, ASKS, ANSWER, ANSWERED = ".call", ".asks", ".answer", ".answered"


@dataclass(frozen=True)
class Call:
    """Tell one call of a mocked task.

    `properties` are what the flow gives to the task, rendered unless that fails, with the defaults of its type. `value`
    is that of the iteration, `attempt` counts from 1, `time` is when it began.
    """

    task_id: str
    properties: Mapping[str, Any]
    value: str | None
    attempt: int
    time: datetime
    flow_id: str
    execution_id: str


class Notes:
    """Read what stand-ins have noted, and give them answers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._read: dict[str, tuple[int, Call]] = {}

    def calls(self, namespace: str, mock_id: str) -> Iterator[tuple[int, Call]]:
        """Return the calls of a mock in a namespace, each with its number, which counts from 0."""
        for key in self._keys(namespace, mock_id, CALL):
            if (found := self._call(namespace, key)) is not None:
                yield found

    def waiting(self, namespace: str, mock_id: str) -> Iterator[tuple[str, Call]]:
        """Return the calls of a mock that have asked for an answer, each with its name."""
        for key in self._keys(namespace, mock_id, ASKS):
            name = key.removesuffix(ASKS)
            if (found := self._call(namespace, name + CALL)) is not None:
                yield name, found[1]

    def _keys(self, namespace: str, mock_id: str, end: str) -> list[str]:
        keys = self._client.kv.keys(namespace)
        return [key for key in keys if key.startswith(f"{PREFIX}{mock_id}.") and key.endswith(end)]

    def _call(self, namespace: str, key: str) -> tuple[int, Call] | None:
        """Return a call; None where it is just being written, or the test has emptied its namespace."""
        if key not in self._read:
            try:
                noted = json.loads(self._client.kv.get(namespace, key)["value"])
            except (ApiError, ValueError):
                return None
            self._read[key] = noted["number"], _call(noted)
        return self._read[key]

    def answer(self, namespace: str, name: str, data: Mapping[str, Any]) -> None:
        """Give the answer that a call waits for."""
        self._client.kv.set(namespace, name + ANSWER, json.dumps(data))
        self._client.kv.set(namespace, name + ANSWERED, "")

    def remove(self, namespace: str, mock_id: str) -> None:
        """Remove what a mock has left in a namespace."""
        for key in self._client.kv.keys(namespace):
            if key.startswith(f"{PREFIX}{mock_id}."):
                self._client.kv.delete(namespace, key)


def _call(noted: Mapping[str, Any]) -> Call:
    properties = {name: value for name, value in noted["properties"].items() if name not in ("id", "type")}
    value = noted.get("value")
    return Call(
        task_id=noted["task"],
        properties=Named.of(properties, "property", f"the call of {noted['task']}"),
        value=None if value is None else str(value),
        attempt=noted["attempt"],
        time=moment(noted["time"], "time"),
        flow_id=noted["flow"],
        execution_id=noted["execution"],
    )
