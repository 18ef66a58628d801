"""A client of one Kestra server."""

from __future__ import annotations

from types import TracebackType

import httpx

from pytest_kestra.address import Address
from pytest_kestra.client.clock import Clock
from pytest_kestra.client.executions import Executions
from pytest_kestra.client.files import NamespaceFiles
from pytest_kestra.client.flows import Flows
from pytest_kestra.client.kv import KeyValues
from pytest_kestra.client.plugins import Plugins
from pytest_kestra.client.suites import Suites
from pytest_kestra.client.transport import Transport
from pytest_kestra.client.triggers import Triggers


class Client:
    """Call Kestra's REST API at an address, with its credentials.

    `flows`, `executions`, `triggers`, `kv`, `files`, `plugins` and `suites` have the calls that tests need most;
    `request` sends whatever else the API takes.
    """

    def __init__(self, address: Address) -> None:
        self._transport = Transport(address)
        self.flows = Flows(self._transport)
        self.executions = Executions(self._transport)
        self.triggers = Triggers(self._transport)
        self.clock = Clock(self._transport)
        self.kv = KeyValues(self._transport)
        self.files = NamespaceFiles(self._transport)
        self.plugins = Plugins(self._transport)
        self.suites = Suites(self._transport)

    @property
    def address(self) -> Address:
        """Where the server answers that is called."""
        return self._transport.address

    def move(self, address: Address) -> None:
        """Call the server at another address from now on, such as one that was started instead of one that ended."""
        self._transport.move(address)

    def request(self, method: str, *path: str, timeout: float | None = None, **options: object) -> httpx.Response:
        """Send a request to a path below `/api/v1/{tenant}`, given in parts; `options` are those of httpx.

        Raises ApiError where Kestra refuses it. For instance `client.request("GET", "flows", "search", params={…})`.
        """
        return self._transport.request(method, *path, timeout=timeout, **options)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
