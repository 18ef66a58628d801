"""A Kestra server that somebody else runs."""

from __future__ import annotations

from dataclasses import replace

import httpx

from pytest_kestra.address import Address
from pytest_kestra.errors import ServerError
from pytest_kestra.settings import Settings

CONNECT_TIMEOUT_S = 10.0


class ExistingServer:
    """Use the server at a URL; nothing of it is started or stopped."""

    kind = "url"
    capabilities = frozenset({"pages"})

    def __init__(self, settings: Settings) -> None:
        url = settings.server.rstrip("/")
        self.address = Address(url, settings.user, settings.password, settings.token, settings.tenant)

    def open(self) -> ExistingServer:
        """Return this server if it answers as Kestra does; ServerError says what it did instead."""
        url = self.address.url
        answer = self._get("configs")
        version = _version(answer)
        if version is not None:
            # Kestra tells its version to everybody, and only this what it thinks of the credentials.
            answer = self._get(f"{self.address.tenant}/flows/search?size=1")
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            who = f"user {self.address.user!r}" if self.address.user else "who gives no user"
            who = "the token" if self.address.token else who
            raise ServerError(
                f"The Kestra server at {url} refused {who} (401).\n"
                "Set the credentials in PYTEST_KESTRA_USER and PYTEST_KESTRA_PASSWORD, or PYTEST_KESTRA_TOKEN."
            )
        if version is None:
            raise ServerError(f"What answers at {url} is not Kestra: /api/v1/configs gave status {answer.status_code}.")
        self.address = replace(self.address, version=version)
        return self

    def _get(self, path: str) -> httpx.Response:
        try:
            return httpx.get(
                f"{self.address.url}/api/v1/{path}",
                auth=self.address.auth,
                headers=self.address.headers,
                timeout=CONNECT_TIMEOUT_S,
                trust_env=not self.address.is_local,
            )
        except httpx.HTTPError as error:
            raise ServerError(
                f"No Kestra server answers at {self.address.url}: {error}.\n"
                "Start it, give another address with --kestra-server, or use --kestra-server=embedded."
            ) from error

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


def _version(answer: httpx.Response) -> str | None:
    try:
        version = answer.json().get("version")
    except (ValueError, AttributeError):
        return None
    return version if answer.is_success and isinstance(version, str) else None
