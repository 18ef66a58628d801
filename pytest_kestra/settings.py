"""The settings of a run, each with the place it was set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pytest_kestra.errors import SettingsError, hint
from pytest_kestra.options import OPTIONS, Option

DEFAULT = "default"
# All plugins but those that only compute; of Kestra's own, those that call others.
SIDE_EFFECTS = (
    "io.kestra.plugin.*",
    "!io.kestra.plugin.core.*",
    "!io.kestra.plugin.scripts.*",
    "!io.kestra.plugin.script.*",
    "!io.kestra.plugin.serdes.*",
    "!io.kestra.plugin.transform.*",
    "!io.kestra.plugin.compress.*",
    "!io.kestra.plugin.debug.*",
    "io.kestra.plugin.core.http.*",
)


@dataclass(frozen=True)
class Settings:
    """Hold the value of every option; times are in seconds. `source` says where a value was set."""

    server: str = "auto"
    version: str = "1.3"
    image: str | None = None
    docker_socket: bool = False
    timeout: float = 60.0
    startup_timeout: float = 120.0
    isolation: str = "namespace"
    prefix: str | None = None
    reuse: bool = False
    keep: str = "no"
    fail_on_log_level: str = "none"
    strict_mocks: bool = False
    side_effects: tuple[str, ...] = SIDE_EFFECTS
    flow_folders: tuple[str, ...] = (".",)
    html: str | None = None
    artifacts: str | None = None
    validate: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    tenant: str = "main"
    repository: str | None = field(default=None, repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, cli: Mapping[str, str | None], ini: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
        """Return the settings: the command line's, else the ini file's, else the environment's, else the defaults.

        `cli` and `ini` have the names of attributes. SettingsError says which value is wrong, and where it was set.
        """
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for option in OPTIONS:
            places = (
                (option.flag_name, cli.get(option.attribute)),
                (f"{option.ini_name} in the ini file", ini.get(option.attribute)),
                (f"the environment variable {option.variable}", environ.get(option.variable) or None),
            )
            for source, text in places:
                if text is not None:
                    values[option.attribute] = _parsed(option, text, source)
                    sources[option.attribute] = source
                    break
        return cls(**values, sources=sources)

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of Kestra that tests run on: `version` is one, or several with blanks between them."""
        return tuple(self.version.split())

    def source(self, name: str) -> str:
        """Return where the value of an attribute was set: an option, an ini line, a variable, a mark, or `default`."""
        return self.sources.get(name, DEFAULT)

    def override(self, values: Mapping[str, Any], source: str) -> Settings:
        """Return the settings with some values replaced, as texts or as Python's own; SettingsError as in `read`."""
        options = {option.attribute: option for option in OPTIONS}
        parsed: dict[str, Any] = {}
        for name, value in values.items():
            if name not in options:
                raise SettingsError(f"{source}: there is no setting {name!r}{hint(name, options)}")
            unset = value is None and getattr(type(self), name) is None
            parsed[name] = None if unset else _parsed(options[name], value, source)
        return replace(self, **parsed, sources={**self.sources, **dict.fromkeys(parsed, source)})

    @property
    def secrets(self) -> list[str]:
        """The values that no report shows."""
        values = [getattr(self, option.attribute) for option in OPTIONS if option.secret]
        return [value for value in values if value]

    def shown(self) -> dict[str, Any]:
        """Return the values that were set, without secret ones."""
        secret = {option.attribute for option in OPTIONS if option.secret}
        names = [item.name for item in fields(self) if item.name != "sources" and item.name not in secret]
        return {name: getattr(self, name) for name in names if name in self.sources}


def _parsed(option: Option, value: object, source: str) -> Any:
    # Several values are a list in TOML, and in Python.
    text = "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    try:
        return option.parse(text)
    except ValueError as error:
        given = "its value" if option.secret or "@" in text else repr(text)
        raise SettingsError(f"{source}: {given} is not {error}.") from None
