"""The API's calls about unit-test suites, which the Enterprise Edition and the embedded engine have."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from pytest_kestra.client.transport import Transport
from pytest_kestra.errors import NotFoundError
from pytest_kestra.records import Json

YAML = {"Content-Type": "application/x-yaml"}


class Suites:
    """Store suites, run them and delete them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, text: str) -> None:
        """Store a new suite; ApiError where Kestra refuses it."""
        self._transport.request("POST", "tests", content=text.encode(), headers=YAML)

    def run(self, namespace: str, suite_id: str, cases: Sequence[str], *, timeout: float | None = None) -> Json:
        """Run cases of a suite and return Kestra's result; httpx.ReadTimeout after `timeout` seconds."""
        body = {"testCases": list(cases)}
        path = ("tests", namespace, suite_id, "run")
        found: dict[str, Any] = self._transport.request("POST", *path, json=body, timeout=timeout).json()
        return found

    def delete(self, namespace: str, suite_id: str) -> None:
        """Delete a suite, if it is there."""
        with contextlib.suppress(NotFoundError):
            self._transport.request("DELETE", "tests", namespace, suite_id)

    def served(self) -> bool:
        """Say whether the server knows suites."""
        path = self._transport.path("tests", "search")
        return self._transport.exchange("GET", path, params={"page": 1, "size": 1}).is_success
