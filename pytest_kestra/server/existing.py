"""A Kestra server that somebody else runs."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import httpx

from pytest_kestra.address import Address
from pytest_kestra.connection import http_client, trouble
from pytest_kestra.engine.plugins import STAND_IN_TYPE
from pytest_kestra.errors import KestraError, ServerError
from pytest_kestra.server import engines
from pytest_kestra.server.identity import CONFIGS, check_access, check_version
from pytest_kestra.settings import Settings

ANSWER_TIMEOUT_S = 10.0


class ExistingServer:
    """Use the server at a URL; nothing of it is started or stopped."""

    kind = "url"

    def __init__(self, settings: Settings) -> None:
        self.capabilities = frozenset({"pages"})
        url = settings.server.rstrip("/")
        self.address = Address(url, settings.user, settings.password, settings.token, settings.tenant)

    def open(self) -> ExistingServer:
        """Return this server if it is a Kestra that tests can use; ServerError says what it did instead.

        Without credentials it gets those of an engine of this user that answers there.
        """
        if self.address.user is None and self.address.token is None:
            with contextlib.suppress(KestraError):  # where there is no home, there is no such engine either
                if (lease := engines.at(self.address.url)) is not None:
                    self.address = replace(self.address, user=lease.user, password=lease.password)
        try:
            with http_client(self.address, timeout=httpx.Timeout(ANSWER_TIMEOUT_S)) as http:
                # Kestra tells its version to everybody, and only the second what it thinks of the credentials.
                told = check_version(http.get(CONFIGS), self.address)
                search = f"/api/v1/{self.address.tenant}/flows/search"
                check_access(http.get(search, params={"size": 1}), self.address, told)
                # Who wants mocks there has given it our plugin.
                if http.get(f"/api/v1/plugins/{STAND_IN_TYPE}").is_success:
                    self.capabilities |= {"mocks"}
        except httpx.RequestError as error:
            reason, remedy = trouble(error, self.address)
            raise ServerError(f"No Kestra server answers at {self.address.url}: {reason}.\n{remedy}") from error
        self.address = replace(self.address, version=told["version"])
        return self

    def close(self) -> None:
        """Do nothing: the server goes on."""

    def log_tail(self, lines: int = 50) -> str:
        """Return nothing: the log of a server elsewhere cannot be read."""
        del lines
        return ""

    def ending(self) -> str | None:
        """Return nothing: of a server elsewhere it is only known that it does not answer."""
        return None

    def renew(self) -> bool:
        """Do nothing: who runs the server starts it again."""
        return False

    def doubt(self) -> None:
        """Do nothing: there is no other one."""
