"""The calls that move the clock of the embedded engine's scheduler, outside of Kestra's API."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from pytest_kestra.client.transport import Transport

PATH = "/pytest-kestra/clock"


class Clock:
    """Move the scheduler's clock for the namespaces of a test, which end with `test`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def move(self, test: str, offset: timedelta, *, back: bool) -> None:
        """Let it be so far from everybody's; where it goes `back`, schedules begin anew from there."""
        params = {"offset": repr(offset.total_seconds()), "back": str(back).lower()}
        self._transport.send("PUT", self._path(test), params=params)

    def settle(self) -> None:
        """Return when the executions that the scheduler has started are there."""
        self._transport.send("GET", PATH)

    def forget(self, test: str) -> None:
        """Let it be everybody's again."""
        self._transport.send("DELETE", self._path(test))

    def _path(self, test: str) -> str:
        return f"{PATH}/{quote(test, safe='')}"
