"""Where a Kestra server answers, and who may ask it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Address:
    """Tell how a Kestra server is reached.

    `url` has no trailing slash and no path. `password` and `token` are left out of the representation, so that a
    traceback or a log that prints an address does not give them away. `version` is Kestra's own, where it is known.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    tenant: str = "main"
    version: str | None = None
