"""What the commands have in common."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_kestra.settings import Settings

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name
DEFAULT_VERSION = "1.3"


def command(
    commands: Commands, name: str, text: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a command with its one line of help, and return its parser."""
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(run=run)
    return parser


def add_version(action: argparse.ArgumentParser) -> None:
    """Add the options that say which Kestra, and where from."""
    action.add_argument("--version", default=DEFAULT_VERSION, help="Kestra's version or line (default: %(default)s)")
    action.add_argument(
        "--repository", metavar="URL", help="a Maven repository to download from, instead of Maven Central"
    )


def server_settings(options: argparse.Namespace, question: str) -> Settings:
    """Return the settings with the server at a URL that is named; SettingsError asks the question where none is."""
    from pytest_kestra.errors import SettingsError
    from pytest_kestra.settings import Settings

    settings = Settings.read({}, {}, os.environ)
    if options.server is not None:
        settings = settings.override({"server": options.server}, "--server")
    if not settings.server.startswith("http"):
        raise SettingsError(f"{question} Give its address: --server=http://localhost:8080.")
    return settings
