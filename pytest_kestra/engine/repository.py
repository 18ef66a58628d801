"""The Maven repository that the engine's jars come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.home import no_home

DEFAULT_REPOSITORY = "https://repo1.maven.org/maven2"
ADDRESS_VARIABLE = "PYTEST_KESTRA_REPOSITORY"
LOCAL_VARIABLE = "PYTEST_KESTRA_M2"
DEFAULT_LOCAL = "~/.m2/repository"


@dataclass(frozen=True)
class Repository:
    """Name a Maven repository, and the folder of a local one whose jars are used first.

    `address` may hold `user:password@`; the text of a repository never does.
    """

    address: str = field(default=DEFAULT_REPOSITORY, repr=False)
    local: Path | None = None

    def __post_init__(self) -> None:
        if not self._is_address():
            # Without what stands before the @, which may be a password.
            shown = self.address.rpartition("@")[2]
            raise InstallError(
                f"The repository must be an http or https address, and {shown} is none; see {ADDRESS_VARIABLE}. "
                f"A folder in the layout of a Maven repository can be given as {LOCAL_VARIABLE}."
            )

    @classmethod
    def configured(
        cls, address: str | None = None, local: Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> Repository:
        """Return the repository of these arguments, else of the environment, else the public one and `~/.m2`.

        An empty `PYTEST_KESTRA_M2` means that no local repository is used.
        """
        address = address or environ.get(ADDRESS_VARIABLE) or DEFAULT_REPOSITORY
        if local is None:
            local = _local(environ.get(LOCAL_VARIABLE))
        return cls(address, local)

    def _is_address(self) -> bool:
        try:
            parts = urlsplit(self.address)
            _ = parts.port  # ValueError where it is no number
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and bool(parts.hostname)

    @property
    def url(self) -> str:
        """Return the address without user and password."""
        parts = urlsplit(self.address)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))

    @property
    def credentials(self) -> tuple[str, str] | None:
        """Return user and password, or nothing where the address has none."""
        parts = urlsplit(self.address)
        if parts.username is None:
            return None
        return unquote(parts.username), unquote(parts.password or "")

    def __str__(self) -> str:
        return "Maven Central" if self.address == DEFAULT_REPOSITORY else self.url


def _local(named: str | None) -> Path | None:
    try:
        return None if named == "" else Path(DEFAULT_LOCAL if named is None else named).expanduser()
    except RuntimeError:
        if named is None:  # nobody has asked for it
            return None
        raise no_home(LOCAL_VARIABLE, named) from None
