"""Where a Kestra server answers, and who may ask it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Address:
    """Tell how a Kestra server is reached.

    `url` has no trailing slash and no path. `password` and `token` are left out of the representation, so that a
    traceback or a log that prints an address does not give them away; a token goes before user and password. `version`
    is Kestra's own, where it is known. To one that is `direct` no proxy of the environment leads.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    tenant: str = "main"
    version: str | None = None
    direct: bool = False

    @property
    def auth(self) -> tuple[str, str] | None:
        """User and password for basic authentication, if they are what counts."""
        return (self.user, self.password or "") if self.user and not self.token else None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that show the token, if there is one."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def line(self) -> str | None:
        """The line of Kestra that the server is of, such as `1.3`."""
        found = re.match(r"v?(\d+\.\d+)", self.version or "")
        return None if found is None else found[1]

    @property
    def is_two(self) -> bool:
        """Whether the server is of the 2.0 line, whose API has other paths and bodies."""
        return self.line is not None and self.line.startswith("2.")

    @property
    def is_direct(self) -> bool:
        """Whether no proxy of the environment leads to the server, such as to one on this machine."""
        return self.direct or urlsplit(self.url).hostname in LOCAL

    @property
    def secrets(self) -> list[str]:
        """What no report may show."""
        return [secret for secret in (self.password, self.token) if secret]
