"""`pytest-kestra plugin`: what a server needs that others run, so that tests can mock tasks there."""

from __future__ import annotations

import argparse

from pytest_kestra.cli.parsers import Commands, command

HELP = "print the path of the jar that lets a server of yours mock tasks; it belongs into its folder of plugins"


def add(commands: Commands) -> None:
    """Add the command."""
    command(commands, "plugin", HELP, _plugin)


def _plugin(_: argparse.Namespace) -> int:
    from pytest_kestra.engine.plugins import STAND_IN

    print(STAND_IN)
    return 0
