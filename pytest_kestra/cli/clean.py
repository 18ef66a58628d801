"""`pytest-kestra clean`: remove what interrupted test runs have left on a server."""

from __future__ import annotations

import argparse
import contextlib
from datetime import datetime, timedelta, timezone

from pytest_kestra.cli.parsers import Commands, command, server_settings

LONGEST = timedelta(days=36525)
HELP = "remove what interrupted test runs have left on a server, by the marks of their namespaces"


def add(commands: Commands) -> None:
    """Add the command."""
    clean = command(commands, "clean", HELP, _clean)
    clean.add_argument("--server", metavar="URL", help="its address (default: what PYTEST_KESTRA_SERVER says)")
    clean.add_argument(
        "--older-than",
        type=_age,
        default=_age("1h"),
        metavar="AGE",
        help="only where nothing has happened for this long, such as 30m, 2h or 1d (default: 1h), so that runs which "
        "go on are not disturbed",
    )
    clean.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def _age(text: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[-1:] not in units or not text[:-1].isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 30m, 2h or 1d")
    with contextlib.suppress(OverflowError):
        if (age := timedelta(**{units[text[-1]]: int(text[:-1])})) <= LONGEST:
            return age
    raise argparse.ArgumentTypeError(f"{text!r} is more than a hundred years")


def _clean(options: argparse.Namespace) -> int:
    from pytest_kestra.client.client import Client
    from pytest_kestra.run import leftovers
    from pytest_kestra.server.existing import ExistingServer

    server = ExistingServer(server_settings(options, "Which server is to be cleaned?")).open()
    limit = datetime.now(timezone.utc) - options.older_than
    with Client(server.address) as client:
        found = leftovers.find(client)
        for left in found:
            counts = f"{len(left.flows)} flow(s), {len(left.executions)} execution(s)"
            what = f"{left.namespace}: {counts}, last {left.last:%Y-%m-%d %H:%M} UTC"
            if left.last > limit:
                print(f"left there, as it may be in use: {what}")
            elif options.dry_run:
                print(f"would be removed: {what}")
            else:
                leftovers.remove(client, left)
                print(f"removed: {what}")
    if not found:
        print(f"Tests have left nothing at {server.address.url}")
    return 0
