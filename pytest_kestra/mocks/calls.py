"""The calls of mocked tasks, as their stand-ins note them in the key-value stores of their flows' namespaces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_kestra.client.client import Client
from pytest_kestra.errors import NotFoundError
from pytest_kestra.names import Named
from pytest_kestra.times import moment

# How the keys begin: the number of the mock, one of the call, and what it is.
PREFIX = "pytest-kestra.mock."
CALL, ANSWER = ".call", ".answer"


@dataclass(frozen=True)
class Call:
    """Tell one call of a mocked task.

    `properties` are what the flow gives to the task, rendered, with the defaults of its type. `value` is that of the
    iteration, `attempt` counts from 1, `time` is when it began.
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

    def calls(self, namespace: str, mock_id: str) -> Iterator[tuple[int, str, Call]]:
        """Return the calls of a mock in a namespace, each with its number and the key for an answer."""
        for key in self._client.kv.keys(namespace):
            if key.startswith(f"{PREFIX}{mock_id}.") and key.endswith(CALL) and (found := self._call(namespace, key)):
                yield found[0], key.removesuffix(CALL) + ANSWER, found[1]

    def _call(self, namespace: str, key: str) -> tuple[int, Call] | None:
        if key not in self._read:
            try:
                noted = json.loads(self._client.kv.get(namespace, key)["value"])
            except NotFoundError:  # the test has emptied its namespace
                return None
            self._read[key] = noted["number"], _call(noted)
        return self._read[key]

    def answer(self, namespace: str, key: str, data: Mapping[str, Any]) -> None:
        """Give the answer that a stand-in waits for; ValueError or TypeError where JSON cannot have it."""
        self._client.kv.set(namespace, key, json.dumps(data, allow_nan=False))

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
