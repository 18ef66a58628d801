"""What a server that is started here is given, besides the settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_kestra.errors import SettingsError

# What configuration holds besides lists and dictionaries.
PLAIN = (str, bool, int, float)


@dataclass(frozen=True)
class Equipment:
    """Hold what the fixtures say about a server that is started; one that runs already takes none of it.

    `config` is nested as in Kestra's YAML, `secrets` are what `{{ secret('NAME') }}` renders, `plugins` are Maven
    coordinates or paths of jars. `environment` and `volumes` are a container's only: variables, and paths of this
    machine with those in the container, `:ro` or `:rw` behind. SettingsError names a fixture that gave something else.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    plugins: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pairs = {"secrets": self.secrets, "environment": self.environment, "volumes": self.volumes}
        for name, value in pairs.items():
            _check_pairs(f"kestra_{name}", value)
        _check_list("kestra_plugins", self.plugins)
        _check_mapping("kestra_server_config", self.config)
        _check_configuration(self.config, ())

    def below(self, root: Path) -> Equipment:
        """Return the same, in which relative paths of jars and volumes are those below a folder."""
        plugins = [_below(root, plugin) if plugin.endswith(".jar") else plugin for plugin in self.plugins]
        volumes = {_below(root, here): there for here, there in self.volumes.items()}
        return replace(self, plugins=plugins, volumes=volumes)

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


def _below(root: Path, path: str) -> str:
    return path if path.startswith("~") else str(root / path)


def _check_pairs(fixture: str, pairs: Any) -> None:
    _check_mapping(fixture, pairs)
    for name, value in pairs.items():
        if not isinstance(name, str):
            raise SettingsError(f"{fixture}: the name {name!r} is {_kind(name)}, not a text. Give a text.")
        if not name or (fixture != "kestra_volumes" and "=" in name):
            raise SettingsError(f"{fixture}: {name!r} cannot be a name. Give another.")
        # The value may be a secret, whatever it is.
        if not isinstance(value, str):
            raise SettingsError(f"{fixture}: {name!r} is {_kind(value)}, not a text. Give a text, or leave it out.")


def _check_mapping(fixture: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{fixture} is {_kind(value)}, not a dictionary. Return one; an empty one gives nothing.")


def _check_list(fixture: str, value: Any) -> None:
    if isinstance(value, str) or not isinstance(value, Collection):
        raise SettingsError(f"{fixture} is {_kind(value)}, not a list. Return one; an empty one gives nothing.")
    for item in value:
        if not isinstance(item, str):
            raise SettingsError(f"{fixture}: {item!r} is {_kind(item)}, not a text. Give a text.")


def _check_configuration(value: Any, place: tuple[object, ...]) -> None:
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict) or not place:
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = enumerate(value)
    elif value is not None and not isinstance(value, PLAIN):
        raise SettingsError(
            f"kestra_server_config: {'.'.join(map(str, place))} is {_kind(value)}, which Kestra's configuration cannot "
            "hold. Give a text, a number, True or False, a list or a dictionary."
        )
    for name, inner in pairs:
        _check_configuration(inner, (*place, name))


def _kind(value: Any) -> str:
    return "None" if value is None else f"of the type {type(value).__name__}"


def _plugin(plugin: str) -> list[object]:
    try:
        path = Path(plugin).expanduser().absolute()
        status = path.stat()
    except (OSError, RuntimeError):  # a coordinate
        return [plugin]
    return [str(path), status.st_size, status.st_mtime]
