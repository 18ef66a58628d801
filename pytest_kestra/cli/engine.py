"""`pytest-kestra engine`: install, start, stop and look at the embedded engine."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from pytest_kestra.cli.parsers import Commands, add_version, command

if TYPE_CHECKING:
    from pytest_kestra.engine.install import Installation


def add(commands: Commands) -> None:
    """Add the command and its actions."""
    engine = commands.add_parser("engine", help="install, start and stop the embedded engine")
    actions = engine.add_subparsers(required=True, metavar="ACTION")
    for name, run, text in (
        ("install", _install, "download the engine and make its start-up cache; for the cache step of a CI job"),
        ("start", _start, "start an engine that stays warm; `pytest --kestra-reuse` uses it"),
        ("stop", _stop, "stop the engines that were kept warm; those of test runs end with these"),
        ("status", _status, "show what is installed and what runs: warm engines, and those of test runs"),
        ("logs", _logs, "print the log of the warm engine that was written last"),
    ):
        action = command(actions, name, text, run)
        if name in ("install", "start"):
            add_version(action)
        if name == "logs":
            action.add_argument(
                "-n", "--lines", type=int, default=50, help="how many lines, from the end (default: %(default)s)"
            )


def installed(options: argparse.Namespace, *, verify: bool) -> Installation:
    """Install the engine that the options name, or find it installed."""
    from pytest_kestra.engine.home import Home
    from pytest_kestra.engine.lock import resolve_version
    from pytest_kestra.engine.progress import progress_for
    from pytest_kestra.engine.repository import Repository
    from pytest_kestra.server.embedded import install_engine

    version = resolve_version(options.version)
    repository = Repository.configured(options.repository)
    return install_engine(version, Home.configured(), repository, progress_for(sys.stderr), verify=verify)


def _install(options: argparse.Namespace) -> int:
    installation = installed(options, verify=True)
    print(f"Kestra {installation.version} is installed in {installation.folder}")
    return 0


def _start(options: argparse.Namespace) -> int:
    from pytest_kestra.engine.lease import FILE_NAME
    from pytest_kestra.server.embedded import EmbeddedServer
    from pytest_kestra.server.equipment import Equipment
    from pytest_kestra.server.run import Run
    from pytest_kestra.settings import Settings

    values = {"version": options.version, "repository": options.repository, "reuse": "true"}
    settings = Settings.read(values, {}, os.environ)
    run = Run.create()
    try:
        server = EmbeddedServer(settings, run, Equipment()).open()
    finally:
        run.finish()
    print(f"Kestra {server.address.version} answers at {server.address.url}")
    print("pytest uses it with --kestra-reuse; end it with: pytest-kestra engine stop")
    print(f"Its user and password, for other programs, are in {server.folder / FILE_NAME}")
    return 0


def _stop(_: argparse.Namespace) -> int:
    from pytest_kestra.server.engines import remove, stop_engine, warm

    folders = warm()
    stopped = [folder for folder in folders if stop_engine(folder)]
    for folder in folders:
        remove(folder)
    print(f"{len(stopped)} engine(s) stopped" if stopped else "No engine was running")
    return 0


def _status(_: argparse.Namespace) -> int:
    from pytest_kestra.engine.home import Home
    from pytest_kestra.server.engines import clean, of_runs, running, warm

    home = Home.configured()
    print(f"Folder: {home.root}")
    installed = sorted(marker.parent.name for marker in home.root.glob("engines/*/installed.json"))
    print(f"Installed: {', '.join(installed) or 'nothing; run: pytest-kestra engine install'}")
    found = {folder: lease for folder in (*warm(), *of_runs()) if (lease := running(folder))}
    for folder, lease in found.items():
        use = f" in the container {lease.container[:12]}" if lease.container else ""
        use += "" if folder.parent == home.warm else ", used by a test run, with which it ends"
        print(f"Running: Kestra {lease.version} at {lease.url}, process {lease.pid}{use}")
    if not found:
        print("Running: nothing")
    for folder in warm():
        clean(folder)
    return 0


def _logs(options: argparse.Namespace) -> int:
    from pytest_kestra.engine.spawn import log_tail, logs
    from pytest_kestra.server.engines import warm

    # The one that was written last is the one of interest.
    found = [logs(folder)[-1] for folder in warm() if logs(folder)]
    newest = max(found, key=lambda log: log.stat().st_mtime, default=None)
    if newest is None:
        print("There is no log: no engine was started; do it with: pytest-kestra engine start")
    else:
        quiet = f"The log is empty, and that is good: an engine writes warnings and errors only ({newest})"
        print(log_tail(newest.parent, options.lines, newest.name) or quiet)
    return 0
