"""What the plugin does at pytest's hooks for a run and for the tests of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kestra import inifile
from pytest_kestra.errors import KestraError, MockError, ServerError, SettingsError, UnexpectedLogsError
from pytest_kestra.marks import allowed_logs, settings_of, told
from pytest_kestra.options import OPTIONS
from pytest_kestra.settings import Settings
from pytest_kestra.stash import (
    CLIENT,
    CUT_OFF,
    ENDED,
    LIVE,
    RUN,
    SECRETS,
    SERVER,
    SETTINGS,
    WORKER_COLOUR,
    WORKER_RUN,
    has_colours,
    run_of,
    used_by,
)

if TYPE_CHECKING:
    from pytest_kestra.server.run import Run

MARKS = (
    "kestra(timeout=, isolation=, keep=, fail_on_log_level=, strict_mocks=): settings of one test; times in seconds",
    "kestra_allow_logs(matching=, task=, level=): logs that kestra_fail_on_log_level lets pass; alone it means all",
    "kestra_requires(version=, capability=): skip a test on a server without, such as '>=1.3.20' or 'embedded'",
)
# What a file is told by as a suite.
SUITE_KEYS = ("testCases", "flowId")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the table."""
    group = parser.getgroup("kestra", "Kestra flows")
    for option in OPTIONS:
        text = f"{option.help} (also: {option.ini_name} in the ini file, {option.variable})"
        kind: dict[str, Any] = {"metavar": option.metavar}
        if option.flag:
            kind = {"action": "store_const", "const": "true"}
        elif option.many:
            kind["action"] = "append"
        group.addoption(option.flag_name, dest=option.ini_name, default=None, help=text, **kind)
        inifile.add(parser, option)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings, so that a wrong one ends the run before it begins."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    given = {option.attribute: config.getoption(option.ini_name) for option in OPTIONS}
    cli = {name: " ".join(value) if isinstance(value, list) else value for name, value in given.items()}
    ini = {option.attribute: inifile.value(config, option) for option in OPTIONS}
    try:
        config.stash[SETTINGS] = _with_one_server(Settings.read(cli, ini, os.environ))
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error
    settings = config.stash[SETTINGS]
    config.stash[SECRETS] = settings.secrets
    if not hasattr(config, "workerinput") and (settings.html or os.environ.get("GITHUB_ACTIONS") == "true"):
        from pytest_kestra.report.collector import Collector

        place = None if settings.html is None else config.invocation_params.dir / settings.html
        config.pluginmanager.register(Collector(place, config, settings))
    if settings.validate:
        from pytest_kestra.validation import Validation

        config.pluginmanager.register(Validation(settings.versions), "kestra-validation")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make of a test one for each version, where there are several."""
    from pytest_kestra.versions import parametrize

    parametrize(metafunc, metafunc.config.stash[SETTINGS].versions)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a unit-test suite."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    try:
        text = file_path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    if not _is_suite(re.findall(r"^([\w-]+)\s*:", text, re.MULTILINE)):
        return None
    from pytest_kestra.suites.items import SuiteFile

    node: SuiteFile = SuiteFile.from_parent(parent, path=file_path, versions=parent.config.stash[SETTINGS].versions)
    return node


def _is_suite(keys: Sequence[str]) -> bool:
    """Say whether a file with these main keys is a suite; one of its own two may be misspelt, which it then tells."""
    missing = [key for key in SUITE_KEYS if key not in keys]
    return not missing or (len(missing) == 1 and bool(get_close_matches(missing[0], keys, cutoff=0.7)))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which run it belongs to."""
    node.workerinput[WORKER_RUN] = str(run_of(node.config).folder)
    node.workerinput[WORKER_COLOUR] = has_colours(node.config)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the servers at once when a run with workers is interrupted: pytest-xdist waits for these for some seconds."""
    if exitstatus == pytest.ExitCode.INTERRUPTED and session.config.pluginmanager.has_plugin("dsession"):
        session.config.stash[CUT_OFF] = True
        if not _is_url(session.config):
            run_of(session.config).finish()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Remember that a worker of pytest-xdist has crashed."""
    if error is not None:
        node.config.stash[CUT_OFF] = True


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers of the run, if this process owns it."""
    if (run := config.stash.get(RUN, None)) is not None:
        if CUT_OFF in config.stash and _is_url(config) and config.stash[SETTINGS].keep == "no":
            _remove_leftovers(config, run)
        run.finish()


def pytest_report_header(config: pytest.Config) -> str:
    """Say which settings the run has."""
    settings = config.stash[SETTINGS]
    values = {"server": settings.server, "version": settings.version} | settings.shown()
    if _is_url(config):  # it has a version of its own
        del values["version"]
    texts = {name: " ".join(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return "kestra: " + ", ".join(f"{name}={text}" for name, text in texts.items())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give a test that needs the server one that lives: where it has ended since, another is started."""
    stash, server = item.config.stash, item.config.stash.get(SERVER, None)
    names = getattr(item, "fixturenames", ())
    if server is None or "kestra_server" not in names:
        return
    try:
        renewed = server.renew()
    except ServerError as error:
        raise told(str(error)) from None
    if renewed:
        stash[SECRETS] += server.address.secrets
        if CLIENT in stash:
            stash[CLIENT].move(server.address)
        # Of the new one, nobody has told an end.
        if ENDED in stash:
            del stash[ENDED]
        for made in stash.get(LIVE, ()):
            made.lost = True
    if lost := [made.name for made in stash.get(LIVE, ()) if made.lost and made.name in names]:
        raise told(
            f"What {' and '.join(lost)} has made for several tests was on an engine that has ended since: an earlier "
            "test tells how."
        )


# After pytest's own, which runs the test; a wrapper around it would stand in the traceback of every failure.
@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test that passes, but has a mock that was never called, or logs that it does not expect."""
    used = used_by(item)
    if used is None:
        return
    try:
        for made in used.made:
            if not made.shared:  # by others, which may call it
                made.kestra.check_mocks()
        level = settings_of(item, used.made[0].settings).fail_on_log_level
        if level != "none":
            from pytest_kestra.report.guard import check_logs

            check_logs(used.executions(), level, allowed_logs(item))
    except (MockError, UnexpectedLogsError) as error:
        # No line of the test is to blame.
        raise told(str(error)) from None


def _with_one_server(settings: Settings) -> Settings:
    """Return the settings, with one version where one server or image is given; SettingsError where several are, too.

    Those that a project has as its default give way to a server on the command line.
    """
    is_url = settings.server.startswith("http")
    one = settings.server if is_url else settings.image and f"the image {settings.image}"
    if len(settings.versions) < 2 or not one:
        return settings
    several, where = settings.source("version"), settings.source("server" if is_url else "image")
    if several.startswith("--") or not where.startswith("--"):
        raise SettingsError(
            f"version={settings.version} ({several}) are several, but {one} has one version: give one or none, or let "
            "servers of each be started."
        )
    return settings.override({"version": settings.versions[0]}, where)


def _remove_leftovers(config: pytest.Config, run: Run) -> None:
    """Remove what workers that were cut off have left on a server at a URL, which goes on."""
    from pytest_kestra.client.client import Client
    from pytest_kestra.run import leftovers
    from pytest_kestra.server.existing import ExistingServer

    try:
        with Client(ExistingServer(config.stash[SETTINGS]).open().address) as client:
            for leftover in leftovers.find(client, run.key):
                if leftover.mark not in {name[-len(leftover.mark) :] for name in run.kept}:
                    leftovers.remove(client, leftover)
    except (KestraError, AssertionError) as error:
        print(f"kestra: what the run has left could not be removed: {error}", file=sys.stderr)  # noqa: T201


def _is_url(config: pytest.Config) -> bool:
    return config.stash[SETTINGS].server.startswith("http")
