"""What the plugin does at pytest's hooks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kestra.errors import KestraError, MockError, ServerError, SettingsError, UnexpectedLogsError
from pytest_kestra.masking import masked
from pytest_kestra.options import OPTIONS
from pytest_kestra.settings import Settings

if TYPE_CHECKING:
    from pytest_kestra.client.client import Client
    from pytest_kestra.report.guard import Allowed
    from pytest_kestra.report.secrets import SubtestMask
    from pytest_kestra.run.kestra import Kestra
    from pytest_kestra.server.base import Server
    from pytest_kestra.server.run import Run

MARKS = (
    "kestra(timeout=, isolation=, keep=, fail_on_log_level=, strict_mocks=): settings of one test; times in seconds",
    "kestra_allow_logs(matching=, task=, level=): logs that kestra_fail_on_log_level lets pass; alone it means all",
    "kestra_requires(version=, capability=): skip a test on a server without, such as '>=1.3.20' or 'embedded'",
)
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
RUN: pytest.StashKey[Run] = pytest.StashKey()
SERVER: pytest.StashKey[Server] = pytest.StashKey()
CLIENT: pytest.StashKey[Client] = pytest.StashKey()
# What no report shows, whatever test it is of.
SECRETS: pytest.StashKey[list[str]] = pytest.StashKey()
# That of a test, and in the configuration that of the test which runs.
KESTRA: pytest.StashKey[Kestra] = pytest.StashKey()
FAILED: pytest.StashKey[bool] = pytest.StashKey()
# Whether workers of pytest-xdist were ended before their tests.
CUT_OFF: pytest.StashKey[bool] = pytest.StashKey()
# The test that has told how the server has ended.
ENDED: pytest.StashKey[str] = pytest.StashKey()
# The first line of what the last assertion about an execution has told.
TOLD: pytest.StashKey[str] = pytest.StashKey()
# What `check_logs` takes, of a test with a guard over its logs.
SUBTEST_MASK: pytest.StashKey[SubtestMask] = pytest.StashKey()
GUARD: pytest.StashKey[tuple[Kestra, str, Sequence[Allowed]]] = pytest.StashKey()
# The entry of xdist's worker input that names the run's folder.
WORKER_RUN = "kestra_run"
# And the one that says whether the terminal of the controller has colours.
WORKER_COLOUR = "kestra_colour"
PACKAGE = "pytest_kestra"
MASKED = "They differ in a secret, which is masked."


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
        parser.addini(option.ini_name, option.help, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings, so that a wrong one ends the run before it begins."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    given = {option.attribute: config.getoption(option.ini_name) for option in OPTIONS}
    cli = {name: " ".join(value) if isinstance(value, list) else value for name, value in given.items()}
    ini = {option.attribute: config.getini(option.ini_name) for option in OPTIONS}
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
    """Collect a unit-test suite, which is told by its main keys."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    try:
        text = file_path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    if not all(re.search(rf"^{key}\s*:", text, re.MULTILINE) for key in ("testCases", "flowId")):
        return None
    from pytest_kestra.suites.items import SuiteFile

    node: SuiteFile = SuiteFile.from_parent(parent, path=file_path, versions=parent.config.stash[SETTINGS].versions)
    return node


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which run it belongs to."""
    node.workerinput[WORKER_RUN] = str(run_of(node.config).folder)
    node.workerinput[WORKER_COLOUR] = _has_colours(node.config)


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


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """Tell the whole story where a state or the path of an execution is not as asserted, and no secrets elsewhere."""
    # What is not loaded cannot be compared.
    if "pytest_kestra.run.path" not in sys.modules:
        return None
    from pytest_kestra.report.comparison import comparison
    from pytest_kestra.report.secrets import cleaned

    # As pytest decides whether it cuts explanations; what is left out of this one stands in a section of the report.
    verbose = config.get_verbosity(pytest.Config.VERBOSITY_ASSERTIONS) >= 2
    whole = verbose or any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))
    lines = comparison(left, op, right, whole=whole)
    if lines:
        config.stash[TOLD] = lines[0]
        return lines
    clean = cleaned(left, right, _mask(config))
    if clean is None:
        return None
    # What pytest, or another plugin, says of the values without secrets.
    others = config.pluginmanager.subset_hook_caller("pytest_assertrepr_compare", [sys.modules[f"{PACKAGE}.plugin"]])
    found = others(config=config, op=op, left=clean[0], right=clean[1])
    told = next((list(one) for one in found if one), None)
    return [*told, "", MASKED] if told and clean[0] == clean[1] else told


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give a test that needs the server one that lives: where it has ended since, another is started."""
    stash, server = item.config.stash, item.config.stash.get(SERVER, None)
    if server is None or "kestra_server" not in getattr(item, "fixturenames", ()):
        return
    try:
        renewed = server.renew()
    except ServerError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if renewed:
        stash[SECRETS] += server.address.secrets
        if CLIENT in stash:
            stash[CLIENT].move(server.address)
        # Of the new one, nobody has told an end.
        if ENDED in stash:
            del stash[ENDED]


# After pytest's own, which runs the test; a wrapper around it would stand in the traceback of every failure.
@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test that passes, but has a mock that was never called, or logs that it does not expect."""
    if KESTRA in item.stash:
        try:
            item.stash[KESTRA].check_mocks()
        except MockError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
    if GUARD in item.stash:
        from pytest_kestra.report.guard import check_logs

        try:
            check_logs(*item.stash[GUARD])
        except UnexpectedLogsError as error:
            # No line of the test is to blame.
            raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave our own frames and secrets out of a failure, and add what Kestra knows about it."""
    error = None if call.excinfo is None else call.excinfo.value
    server = item.config.stash.get(SERVER, None)
    if isinstance(error, ServerError) and server is not None:
        from pytest_kestra.report.ending import tell_ending

        server.doubt()
        if tell_ending(error, server, item.config.stash.get(ENDED, None)):
            item.config.stash.setdefault(ENDED, item.nodeid)
    if isinstance(error, KestraError) and not item.config.option.fulltrace:
        from pytest_kestra.report.traceback import shorten

        shorten(error)
    report = yield
    # A rerun begins anew.
    item.stash[FAILED] = report.failed or (call.when != "setup" and item.stash.get(FAILED, False))
    if report.failed:
        from pytest_kestra.report.sections import add_sections

        add_sections(
            report,
            error,
            item.stash.get(KESTRA, None),
            None if ENDED in item.config.stash else server,
            colour=_has_colours(item.config),
        )
    from pytest_kestra.report.secrets import SubtestMask, mask_report

    mask = _mask(item)
    mask_report(report, mask)
    if SUBTEST_MASK not in item.config.stash:
        item.config.stash[SUBTEST_MASK] = SubtestMask()
        item.config.pluginmanager.register(item.config.stash[SUBTEST_MASK])
    item.config.stash[SUBTEST_MASK].mask = mask
    if report.failed and error is not None:
        from pytest_kestra.report.summary import summarise

        summarise(report, error, item.config.stash.get(TOLD, None))
    if ENDED not in item.config.stash:
        from pytest_kestra.report.exports import add_exports

        add_exports(report, item, item.stash.get(KESTRA, None), item.config.stash[SETTINGS], server)
    return report


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


def _mask(of: pytest.Config | pytest.Item) -> Callable[[str], str]:
    """Return what masks secrets in a text: those of a test, or of the one that runs, or those of the run."""
    if KESTRA in of.stash:
        return of.stash[KESTRA].masked
    config = of.config if isinstance(of, pytest.Item) else of
    secrets = config.stash[SECRETS]
    return lambda text: masked(text, secrets)


def _has_colours(config: pytest.Config) -> bool:
    worker = getattr(config, "workerinput", {})
    return bool(worker.get(WORKER_COLOUR, config.get_terminal_writer().hasmarkup))


def run_of(config: pytest.Config) -> Run:
    """Return the run of this process: the one that its controller owns, or one of its own."""
    if RUN not in config.stash:
        from pytest_kestra.server.run import Run

        folder = getattr(config, "workerinput", {}).get(WORKER_RUN)
        config.stash[RUN] = Run.create() if folder is None else Run.join(folder)
    return config.stash[RUN]
