"""`pytest-kestra validate`: check flows without running them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_kestra.cli.parsers import Commands, command
from pytest_kestra.engine.extra import missing_packages

if TYPE_CHECKING:
    from pytest_kestra.server.base import Server
    from pytest_kestra.server.run import Run

HELP = "check flows without running them: with Kestra's own validator, their expressions, and what they refer to"


def add(commands: Commands) -> None:
    """Add the command."""
    validate = command(commands, "validate", HELP, _validate)
    validate.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a flow, or a folder of flows")
    validate.add_argument(
        "--server", help="embedded, or the address of a server (default: what PYTEST_KESTRA_SERVER says, else embedded)"
    )
    validate.add_argument(
        "--version",
        help="the version or line of the embedded engine (default: what PYTEST_KESTRA_VERSION says, else 1.3)",
    )
    validate.add_argument(
        "--plugin",
        action="append",
        default=[],
        help="a plugin for the embedded engine, as Maven coordinates or a jar; may be given again",
    )
    validate.add_argument("--strict", action="store_true", help="let warnings be errors")
    validate.add_argument(
        "--format", choices=("text", "json", "github"), default="text", help="for people, programs or GitHub Actions"
    )


def _validate(options: argparse.Namespace) -> int:
    """Check flows; 0 where none is wrong, 1 where one is, 2 where they could not be checked."""
    from pytest_kestra.checks.checker import Checker
    from pytest_kestra.checks.files import find
    from pytest_kestra.checks.findings import errors_only
    from pytest_kestra.checks.reports import FORMATS, counts, text
    from pytest_kestra.client.client import Client
    from pytest_kestra.engine.errors import EngineError
    from pytest_kestra.errors import KestraError
    from pytest_kestra.server.run import Run

    try:
        found = find(options.paths)
        run = Run.create()
        try:
            with Client(_server(options, run).address) as client:
                found = found.on(client.address.line)
                checker = Checker(client, found.flows, found.neighbours)
                checked = [finding for flow in found.flows for finding in checker.check(flow)]
        finally:
            run.finish()
    except (EngineError, KestraError) as error:
        print(f"pytest-kestra: {error}".replace("--kestra-server", "--server"), file=sys.stderr)
        return 2
    except OSError as error:  # such as a folder that nobody may look into
        print(f"pytest-kestra: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 2
    findings = sorted([*found.broken, *checked])
    if options.strict:
        findings = errors_only(findings)
    number = len(found.flows) + len(found.broken)
    if options.format == "text" and sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        print(text(findings, number, colour=True))
    else:
        print(FORMATS[options.format](findings, number))
    return 1 if counts(findings)[0] else 0


def _server(options: argparse.Namespace, run: Run) -> Server:
    """Return the server that checks flows: the one that is asked for, a warm engine, or one for this command."""
    from pytest_kestra.errors import SettingsError
    from pytest_kestra.server.chooser import open_server
    from pytest_kestra.server.equipment import Equipment
    from pytest_kestra.settings import Settings

    equipment = Equipment(plugins=options.plugin)
    settings = Settings.read({}, {}, os.environ)
    for name in ("server", "version"):
        if (value := getattr(options, name)) is not None:
            settings = settings.override({name: value}, f"--{name}")
    if len(settings.versions) > 1:
        raise SettingsError(
            f"{settings.source('version')}: there are several versions, and flows are checked with one of them. "
            "Name it with --version."
        )
    if settings.server in ("auto", "embedded") and not missing_packages():
        from pytest_kestra.server.embedded import EmbeddedServer
        from pytest_kestra.server.engines import running

        warm = settings.override({"reuse": True}, "validate")
        if running(EmbeddedServer(warm, run, equipment).folder):
            settings = warm
    return open_server(settings, equipment, run)
