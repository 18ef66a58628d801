"""`pytest-kestra upgrade-check`: what breaks on another line of Kestra, before it is installed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from pytest_kestra.cli.parsers import Commands, command
from pytest_kestra.errors import KestraError, opening

if TYPE_CHECKING:
    from pytest_kestra.checks.files import Found
    from pytest_kestra.checks.findings import Finding
    from pytest_kestra.checks.upgrades import Upgrade

HELP = "say which flows break on another version of Kestra and what to do, and which tests change their result"
STATES = {"ready": "ready", "breaks": "breaks", "wrong": "wrong on both"}
# The same of many.
MANY = {**STATES, "breaks": "break"}
# Of the reason why a test does not pass, in characters.
WIDEST = 120
# Of a test, as pytest writes them into its JUnit file and as it says them.
OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


class Result(NamedTuple):
    """Tell how a test has ended, and in a line why it did not pass."""

    outcome: str
    reason: str | None = None


# A test's result on each version, by its name.
Results = dict[str, tuple[Result, Result]]


def add(commands: Commands) -> None:
    """Add the command."""
    upgrade = command(commands, "upgrade-check", HELP, _upgrade)
    upgrade.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a flow, or a folder of flows")
    upgrade.add_argument("--from", dest="before", default="1.3", metavar="VERSION", help="(default: %(default)s)")
    upgrade.add_argument("--to", dest="after", default="2.0", metavar="VERSION", help="(default: %(default)s)")
    upgrade.add_argument(
        "--tests", action="append", default=[], metavar="PATH", help="run these tests on both; may be given again"
    )
    upgrade.add_argument(
        "--plugin",
        action="append",
        default=[],
        help="a plugin for both engines, as Maven coordinates or a jar; may be given again",
    )
    upgrade.add_argument("--format", choices=("text", "json"), default="text", help="for people or programs")


def _upgrade(options: argparse.Namespace) -> int:
    """Compare two versions; 0 where nothing breaks, 1 where something does, 2 where that could not be found out."""
    from pytest_kestra.checks.files import find
    from pytest_kestra.checks.upgrades import compare
    from pytest_kestra.engine.errors import EngineError
    from pytest_kestra.engine.lock import line_of, resolve_version

    try:
        versions = [resolve_version(options.before), resolve_version(options.after)]
        found = find(options.paths)
        before, after = (_checked(found.on(line_of(version)), version, options.plugin) for version in versions)
        found = found.on(line_of(versions[1]))
        upgrades = compare(found.flows, before, after)
    except (EngineError, KestraError) as error:
        print(f"pytest-kestra: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # such as a folder that nobody may look into
        print(f"pytest-kestra: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 2
    results, problem = {}, None
    try:
        results = _results(options.tests, versions) if options.tests else {}
    except KestraError as error:
        problem = error
    told = _json if options.format == "json" else _text
    print(told(versions, found.broken, upgrades, results))
    if problem is not None:
        print(f"pytest-kestra: {problem}", file=sys.stderr)
        return 2
    broken = found.broken or any(one.state != "ready" for one in upgrades)
    return 1 if broken or _changed(results) else 0


def _checked(found: Found, version: str, plugins: Sequence[str]) -> list[Finding]:
    """Return what is wrong with flows on an embedded engine of a version."""
    from pytest_kestra.checks.checker import Checker
    from pytest_kestra.client.client import Client
    from pytest_kestra.server.chooser import open_server
    from pytest_kestra.server.equipment import Equipment
    from pytest_kestra.server.run import Run
    from pytest_kestra.settings import Settings

    settings = Settings.read({}, {}, os.environ).override({"server": "embedded", "version": version}, "upgrade-check")
    run = Run.create()
    try:
        with Client(open_server(settings, Equipment(plugins=plugins), run).address) as client:
            checker = Checker(client, found.flows, found.neighbours)
            return [finding for flow in found.flows for finding in checker.check(flow)]
    finally:
        run.finish()


def _results(tests: Sequence[str], versions: Sequence[str]) -> Results:
    """Return the result of each test on both versions; `none` where it did not run."""
    from pytest_kestra.engine.progress import progress_for

    progress, ran, none = progress_for(sys.stderr), [], Result("none")
    for version in versions:
        with progress.step(f"Running the tests on Kestra {version}"):
            ran.append(_run(tests, version))
    names = dict.fromkeys(name for one in ran for name in one)
    return {name: (ran[0].get(name, none), ran[1].get(name, none)) for name in names}


def _changed(results: Results) -> Results:
    return {name: pair for name, pair in results.items() if pair[0].outcome != pair[1].outcome}


def _run(tests: Sequence[str], version: str) -> dict[str, Result]:
    """Run tests on a version and return their results; KestraError where pytest could not run them."""
    with tempfile.TemporaryDirectory(prefix="pytest-kestra-upgrade-", ignore_cleanup_errors=True) as folder:
        report = Path(folder) / "junit.xml"
        options = ["--kestra-server=embedded", f"--kestra-version={version}", f"--junitxml={report}", "-q"]
        # The family that tells the files, too.
        options += ["-o", "junit_family=xunit1"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests], capture_output=True, text=True, check=False
        )
        # What else pytest ends with: 2 interrupted, 3 an error of its own, 4 wrong arguments, 5 no tests.
        if done.returncode not in (0, 1) or not report.is_file():
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
            raise KestraError(f"The tests could not be run on Kestra {version}:\n{last}")
        cases = ET.parse(report).iter("testcase")  # noqa: S314 - pytest has just written it
        return {_name(case): _result(case) for case in cases}


def _name(case: ET.Element) -> str:
    """Return the id of a test as pytest takes it, from the root of the project."""
    file, classes = case.get("file") or "", case.get("classname") or ""
    inside = classes.removeprefix(file.removesuffix(".py").replace("/", "."))
    return "::".join(filter(None, [file, *inside.split("."), case.get("name")]))


def _result(case: ET.Element) -> Result:
    for kind, outcome in OUTCOMES.items():
        if (found := case.find(kind)) is not None:
            return Result(outcome, opening(found.get("message") or "") or None)
    return Result("passed")


def _text(versions: Sequence[str], broken: Sequence[Finding], upgrades: Sequence[Upgrade], results: Results) -> str:
    lines = [str(finding) for finding in broken]
    width = max((len(one.file) for one in upgrades), default=0)
    lines += [f"{one.file:<{width}}  {STATES[one.state]}" for one in upgrades]
    for one in upgrades:
        if one.state == "ready":
            continue
        lines.append("")
        for obstacle in one.obstacles:
            lines.append(f"{obstacle.finding.place}: {obstacle.what.rstrip('.')}.")
            if obstacle.remedy is not None:
                lines.append(f"    {obstacle.remedy}.")
        for finding in one.both:
            lines += [f"{finding.place}: {finding.message}", f"    It is wrong on {versions[0]}, too."]
    changed = _changed(results)
    if changed:
        lines.append("")
        width = max(map(len, changed))
        for name, pair in changed.items():
            lines.append(f"{name:<{width}}  {pair[0].outcome} → {pair[1].outcome}")
            if reason := _reason(pair):
                lines.append(f"    {textwrap.shorten(reason, WIDEST, placeholder=' …')}")
    counts = {state: sum(one.state == state for one in upgrades) for state in STATES}
    summary = f"{len(upgrades)} flow{'' if len(upgrades) == 1 else 's'}, {' to '.join(versions)}: "
    summary += ", ".join(
        f"{number} {(STATES if number == 1 else MANY)[state]}" for state, number in counts.items() if number
    )
    if results:
        summary += f"; {len(results)} tests, {len(changed)} with another result"
        if failing := sum({one.outcome for one in pair} <= {"failed", "error"} for pair in results.values()):
            summary += f", {failing} failing on both"
    return "\n".join([*lines, "", summary])


def _reason(pair: tuple[Result, Result]) -> str | None:
    """Return why a test does not pass on the later version, or else on the one before."""
    return pair[1].reason or pair[0].reason


def _json(versions: Sequence[str], broken: Sequence[Finding], upgrades: Sequence[Upgrade], results: Results) -> str:
    flows = [
        {
            "file": one.file,
            "state": one.state,
            "before": [vars(finding) for finding in one.before],
            "both": [vars(finding) for finding in one.both],
            "obstacles": [{**vars(obstacle.finding), "remedy": obstacle.remedy} for obstacle in one.obstacles],
        }
        for one in upgrades
    ]
    tests = [
        {"test": name, "before": pair[0].outcome, "after": pair[1].outcome, "reason": _reason(pair)}
        for name, pair in results.items()
    ]
    told = {"from": versions[0], "to": versions[1], "flows": flows, "tests": tests}
    return json.dumps({**told, "unreadable": [vars(finding) for finding in broken]}, indent=2)
