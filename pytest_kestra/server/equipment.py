"""What a server that is started here is given, besides the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Equipment:
    """Hold what the fixtures say about a server that is started; one that runs already takes none of it.

    `config` is nested as in Kestra's YAML, `secrets` are what `{{ secret('NAME') }}` renders, `plugins` are Maven
    coordinates or paths of jars. `environment` and `volumes` are a container's only: variables, and paths of this
    machine with those in the container, `:ro` or `:rw` behind.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    plugins: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> list[str]:
        """Name the capabilities of a server that something is given for."""
        values = {"secrets": self.secrets, "plugins": self.plugins, "configuration": self.config}
        return [name for name, value in values.items() if value]

    @property
    def made_of(self) -> list[object]:
        """What tells servers apart that are given this: a jar may have been built anew."""
        variables = sorted(self.environment.items()), sorted(self.volumes.items())
        return [self.config, sorted(self.secrets.items()), list(map(_plugin, self.plugins)), *variables]


def _plugin(plugin: str) -> list[object]:
    try:
        status = Path(plugin).expanduser().absolute().stat()
    except (OSError, RuntimeError):  # a coordinate
        return [plugin]
    return [str(Path(plugin).absolute()), status.st_size, status.st_mtime]
