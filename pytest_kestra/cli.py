"""The command `pytest-kestra`: the embedded engine, and checks of flows, without pytest."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_kestra.engine.extra import missing_packages

if TYPE_CHECKING:
    from pytest_kestra.engine.install import Installation
    from pytest_kestra.server.base import Server
    from pytest_kestra.server.run import Run

DEFAULT_VERSION = "1.3"
IMAGE = "make an image of the embedded engine and this machine's own files; only Docker and Linux are needed"
CLEAN = "remove what interrupted test runs have left on a server, by the marks of their namespaces"
VALIDATE = "check flows without running them: with Kestra's own validator, their expressions, and what they refer to"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted."""
    options = _parser().parse_args(arguments)
    # The engine's modules need its extra; what is missing is told by them, not by a failed import here.
    from pytest_kestra.engine.errors import EngineError
    from pytest_kestra.errors import KestraError

    try:
        return int(options.run(options))
    except (EngineError, KestraError) as error:
        print(f"pytest-kestra: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\npytest-kestra: interrupted; what was downloaded is kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pytest-kestra", description="Kestra's engine for tests, without Docker.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    engine = commands.add_parser("engine", help="install, start and stop the embedded engine")
    actions = engine.add_subparsers(required=True, metavar="ACTION")
    for name, run, text in (
        ("install", _install, "download the engine and make its start-up cache; for the cache step of a CI job"),
        ("start", _start, "start an engine that stays warm; `pytest --kestra-reuse` uses it"),
        ("stop", _stop, "stop the engines that were kept warm; those of test runs end with these"),
        ("status", _status, "show what is installed and what runs: warm engines, and those of test runs"),
        ("logs", _logs, "print the log of the warm engine that was written last"),
    ):
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.set_defaults(run=run)
        if name in ("install", "start"):
            _add_version(action)
        if name == "logs":
            action.add_argument(
                "-n", "--lines", type=int, default=50, help="how many lines, from the end (default: %(default)s)"
            )
    image = commands.add_parser("image", help="make an image of Kestra where none can be pulled")
    build = image.add_subparsers(required=True, metavar="ACTION").add_parser(
        "build", help=IMAGE, description=IMAGE[0].upper() + IMAGE[1:] + "."
    )
    build.set_defaults(run=_build_image)
    build.add_argument("--tag", metavar="NAME", help="the image's name (default: pytest-kestra/kestra:VERSION)")
    _add_version(build)
    _add_validate(commands.add_parser("validate", help=VALIDATE, description=VALIDATE[0].upper() + VALIDATE[1:] + "."))
    _add_clean(commands.add_parser("clean", help=CLEAN, description=CLEAN[0].upper() + CLEAN[1:] + "."))
    return parser


def _add_version(action: argparse.ArgumentParser) -> None:
    action.add_argument("--version", default=DEFAULT_VERSION, help="Kestra's version or line (default: %(default)s)")
    action.add_argument(
        "--repository", metavar="URL", help="a Maven repository to download from, instead of Maven Central"
    )


def _add_clean(clean: argparse.ArgumentParser) -> None:
    clean.set_defaults(run=_clean)
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
    return timedelta(**{units[text[-1]]: int(text[:-1])})


def _add_validate(validate: argparse.ArgumentParser) -> None:
    validate.set_defaults(run=_validate)
    validate.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a flow, or a folder of flows")
    validate.add_argument(
        "--server", help="embedded, or the address of a server (default: what PYTEST_KESTRA_SERVER says, else embedded)"
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


def _installed(options: argparse.Namespace, *, verify: bool) -> Installation:
    from pytest_kestra.engine.home import Home
    from pytest_kestra.engine.lock import resolve_version
    from pytest_kestra.engine.progress import progress_for
    from pytest_kestra.engine.repository import Repository
    from pytest_kestra.server.embedded import install_engine

    version = resolve_version(options.version)
    repository = Repository.configured(options.repository)
    return install_engine(version, Home.configured(), repository, progress_for(sys.stderr), verify=verify)


def _build_image(options: argparse.Namespace) -> int:
    from pytest_kestra.containers import daemon, image
    from pytest_kestra.engine.progress import progress_for

    installation = _installed(options, verify=False)
    tag = options.tag or image.name(installation.version)
    with daemon.connected() as client:
        image.build(client, installation, tag, progress_for(sys.stderr))
    print(f"The image {tag} is there; use it with: pytest --kestra-server=container --kestra-image={tag}")
    return 0


def _install(options: argparse.Namespace) -> int:
    installation = _installed(options, verify=True)
    print(f"Kestra {installation.version} is installed in {installation.folder}")
    return 0


def _start(options: argparse.Namespace) -> int:
    from pytest_kestra.server.embedded import EmbeddedServer
    from pytest_kestra.server.equipment import Equipment
    from pytest_kestra.server.run import Run
    from pytest_kestra.settings import Settings

    values = {"version": options.version, "repository": options.repository, "reuse": "true"}
    settings = Settings.read(values, {}, os.environ)
    run = Run.create()
    try:
        address = EmbeddedServer(settings, run, Equipment()).open().address
    finally:
        run.finish()
    print(f"Kestra {address.version} answers at {address.url}")
    print("pytest uses it with --kestra-reuse; end it with: pytest-kestra engine stop")
    return 0


def _stop(_: argparse.Namespace) -> int:
    from pytest_kestra.server.engines import stop_engine

    stopped = [folder for folder in _warm_folders() if stop_engine(folder)]
    print(f"{len(stopped)} engine(s) stopped" if stopped else "No engine was running")
    return 0


def _status(_: argparse.Namespace) -> int:
    from pytest_kestra.engine.home import Home
    from pytest_kestra.server.engines import clean, of_runs, running

    home = Home.configured()
    print(f"Folder: {home.root}")
    installed = sorted(marker.parent.name for marker in home.root.glob("engines/*/installed.json"))
    print(f"Installed: {', '.join(installed) or 'nothing; run: pytest-kestra engine install'}")
    found = {folder: lease for folder in (*_warm_folders(), *of_runs()) if (lease := running(folder))}
    for folder, lease in found.items():
        use = "" if folder.parent == home.warm else ", used by a test run, with which it ends"
        print(f"Running: Kestra {lease.version} at {lease.url}, process {lease.pid}{use}")
    if not found:
        print("Running: nothing")
    for folder in _warm_folders():
        clean(folder)
    return 0


def _logs(options: argparse.Namespace) -> int:
    from pytest_kestra.engine.spawn import log_tail, logs

    # The one that was written last is the one of interest.
    found = [logs(folder)[-1] for folder in _warm_folders() if logs(folder)]
    newest = max(found, key=lambda log: log.stat().st_mtime, default=None)
    if newest is None:
        print("There is no log: no engine was started; do it with: pytest-kestra engine start")
    else:
        quiet = f"The log is empty, and that is good: an engine writes warnings and errors only ({newest})"
        print(log_tail(newest.parent, options.lines, newest.name) or quiet)
    return 0


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


def _clean(options: argparse.Namespace) -> int:
    from pytest_kestra.client.client import Client
    from pytest_kestra.errors import SettingsError
    from pytest_kestra.run import leftovers
    from pytest_kestra.server.existing import ExistingServer
    from pytest_kestra.settings import Settings

    settings = Settings.read({}, {}, os.environ)
    if options.server is not None:
        settings = settings.override({"server": options.server}, "--server")
    if not settings.server.startswith("http"):
        raise SettingsError("Which server is to be cleaned? Give its address: --server=http://localhost:8080.")
    server = ExistingServer(settings).open()
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


def _server(options: argparse.Namespace, run: Run) -> Server:
    """Return the server that checks flows: the one that is asked for, a warm engine, or one for this command."""
    from pytest_kestra.server.chooser import open_server
    from pytest_kestra.server.equipment import Equipment
    from pytest_kestra.settings import Settings

    equipment = Equipment(plugins=options.plugin)
    settings = Settings.read({}, {}, os.environ)
    if options.server is not None:
        settings = settings.override({"server": options.server}, "--server")
    if settings.server in ("auto", "embedded") and not missing_packages():
        from pytest_kestra.server.embedded import EmbeddedServer
        from pytest_kestra.server.engines import running

        warm = settings.override({"reuse": True}, "validate")
        if running(EmbeddedServer(warm, run, equipment).folder):
            settings = warm
    return open_server(settings, equipment, run)


def _warm_folders() -> list[Path]:
    from pytest_kestra.engine.home import Home

    return [folder for folder in Home.configured().warm.glob("*") if folder.is_dir()]


if __name__ == "__main__":
    sys.exit(main())
