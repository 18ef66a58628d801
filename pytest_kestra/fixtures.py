"""The fixtures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kestra.errors import KestraError, ServerError, ServerWarning, SettingsError
from pytest_kestra.settings import Settings
from pytest_kestra.stash import CLIENT, ENDED, FAILED, GUARD, KESTRA, SECRETS, SERVER, SETTINGS, run_of

if TYPE_CHECKING:
    from pytest_kestra.client.client import Client
    from pytest_kestra.report.guard import Allowed
    from pytest_kestra.run.kestra import Kestra
    from pytest_kestra.server.base import Server
    from pytest_kestra.server.equipment import Equipment

# What the mark `kestra` may set: the rest belongs to the server, which all tests share.
PER_TEST = ("timeout", "isolation", "keep", "fail_on_log_level", "strict_mocks")
# So that the namespace stays readable beside what makes it unique.
NAME_LENGTH = 40


@pytest.fixture(scope="session")
def kestra_version(request: pytest.FixtureRequest) -> str:
    """Return the version or line of Kestra that the test runs on, as `--kestra-version` names it.

    Where there are several, a test that pytest makes none of for each, as of a unittest.TestCase, runs on the first.
    """
    return str(getattr(request, "param", request.config.stash[SETTINGS].versions[0]))


@pytest.fixture(scope="session")
def kestra_settings(pytestconfig: pytest.Config, kestra_version: str) -> Settings:
    """Return the settings of the run; an override returns, say, `kestra_settings.override({…}, "conftest.py")`."""
    settings = pytestconfig.stash[SETTINGS]
    return settings if kestra_version == settings.version else replace(settings, version=kestra_version)


@pytest.fixture(scope="session")
def kestra_server_config() -> dict[str, Any]:
    """Return configuration for the started server, nested as in Kestra's YAML; override it to give some."""
    return {}


@pytest.fixture(scope="session")
def kestra_secrets() -> dict[str, str]:
    """Return what `{{ secret('NAME') }}` renders on the started server; override it to give some."""
    return {}


@pytest.fixture(scope="session")
def kestra_plugins() -> list[str]:
    """Return plugins for the started server, as Maven coordinates or paths of jars; override it to give some."""
    return []


@pytest.fixture(scope="session")
def kestra_image(kestra_settings: Settings) -> str | None:
    """Return the container's image; None is the official one of the version."""
    return kestra_settings.image


@pytest.fixture(scope="session")
def kestra_environment() -> dict[str, str]:
    """Return variables of the container's environment; override it to give some."""
    return {}


@pytest.fixture(scope="session")
def kestra_volumes() -> dict[str, str]:
    """Return what the container sees of this machine, as `{"data": "/data:ro"}`; override it to give some."""
    return {}


@pytest.fixture(scope="session")
def kestra_equipment(
    pytestconfig: pytest.Config,
    kestra_server_config: Mapping[str, Any],
    kestra_secrets: Mapping[str, str],
    kestra_plugins: Sequence[str],
    kestra_environment: Mapping[str, str],
    kestra_volumes: Mapping[str, str],
) -> Equipment:
    """Return what the server that is started is given; the fixtures that it is made of are what to override."""
    from pytest_kestra.server.equipment import Equipment

    try:
        return Equipment(
            config=kestra_server_config,
            secrets=kestra_secrets,
            plugins=kestra_plugins,
            environment=kestra_environment,
            volumes=kestra_volumes,
        ).below(pytestconfig.rootpath)
    except SettingsError as error:
        raise _told(str(error)) from None


@pytest.fixture(scope="session")
def kestra_server(
    pytestconfig: pytest.Config, kestra_settings: Settings, kestra_image: str | None, kestra_equipment: Equipment
) -> Iterator[Server]:
    """Start or find the server of this run; all workers of pytest-xdist share one."""
    from pytest_kestra.server.chooser import open_server

    # The log of a server that does not start may show them.
    pytestconfig.stash[SECRETS] += kestra_equipment.secrets.values()
    manager = pytestconfig.pluginmanager
    capture, reporter = manager.getplugin("capturemanager"), manager.getplugin("terminalreporter")
    try:
        # Who waits for the first download wants to see it.
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            server = open_server(
                kestra_settings.override({"image": kestra_image}, "the fixture kestra_image"),
                kestra_equipment,
                run_of(pytestconfig),
                reporter.ensure_newline if reporter else None,
            )
    except ServerError as error:
        raise _told(str(error)) from None
    pytestconfig.stash[SERVER] = server
    pytestconfig.stash[SECRETS] += server.address.secrets
    _warn_of_idle([name for name in kestra_equipment.given if name not in server.capabilities], pytestconfig)
    yield server
    server.close()


@pytest.fixture(scope="session")
def kestra_client(pytestconfig: pytest.Config, kestra_server: Server) -> Iterator[Client]:
    """Return a client of the server's REST API; where the server had to be started again, it calls the new one."""
    from pytest_kestra.client.client import Client

    with Client(kestra_server.address) as client:
        pytestconfig.stash[CLIENT] = client
        yield client


@pytest.fixture(autouse=True)
def _kestra_requires(request: pytest.FixtureRequest) -> None:
    """Skip a test with the mark `kestra_requires`, by whatever fixture it uses the server, before others are made."""
    if "kestra_server" in request.fixturenames and request.node.get_closest_marker("kestra_requires") is not None:
        _skip_unless(request.node, request.getfixturevalue("kestra_server"))


@pytest.fixture
def kestra(
    request: pytest.FixtureRequest,
    kestra_client: Client,
    kestra_server: Server,
    kestra_settings: Settings,
) -> Iterator[Kestra]:
    """Return Kestra for one test: flows get a namespace of their own, and what the test made is removed after it."""
    from pytest_kestra.report.command import run_again
    from pytest_kestra.run.kestra import Kestra

    node = request.node
    settings = _of_test(node, kestra_settings)
    allowed = [_allowed(mark, node) for mark in node.iter_markers("kestra_allow_logs")]
    kestra = Kestra(
        kestra_client,
        namespace=_namespace(node) if settings.isolation == "namespace" else None,
        prefix=settings.prefix,
        timeout=settings.timeout,
        folders=[Path.cwd(), request.config.rootpath, node.path.parent],
        settled="settled" in kestra_server.capabilities,
        ephemeral="ephemeral" in kestra_server.capabilities,
        pages="pages" in kestra_server.capabilities,
        secrets=[*request.config.stash[SECRETS]],
        reproduce=run_again(node.nodeid, request.config),
        verbosity=request.config.get_verbosity(),
        side_effects=settings.side_effects if settings.strict_mocks else None,
        clock="clock" in kestra_server.capabilities,
    )
    node.stash[KESTRA] = request.config.stash[KESTRA] = kestra
    if settings.fail_on_log_level != "none":
        node.stash[GUARD] = (kestra, settings.fail_on_log_level, allowed)
    yield kestra
    del request.config.stash[KESTRA]
    failed = node.stash.get(FAILED, False)
    if request.config.stash.get(ENDED, None) == node.nodeid:
        return  # nothing can be removed, and nothing is left
    if settings.keep == "all" or (settings.keep == "failed" and failed):
        until = " until the run ends (longer with --kestra-reuse)" if "ephemeral" in kestra_server.capabilities else ""
        if kestra.namespace is not None:
            run_of(request.config).keep(kestra.namespace)
        kept = f"kept{until}: flows and executions below …{kestra.namespace or ''}"
        node.add_report_section("teardown", "kestra", kept)
        with contextlib.suppress(KestraError):  # such as a server that is gone
            kestra.keep()
        return
    try:
        kestra.close()
    except KestraError as error:
        if not (failed and isinstance(error, ServerError)):  # which the test has told already
            raise _told(f"What the test made could not be removed. {error}") from None


def _warn_of_idle(capabilities: Sequence[str], config: pytest.Config) -> None:
    """Say once, in pytest's summary of warnings, which fixtures do nothing on the server of this run."""
    if not capabilities:
        return
    import warnings

    names = {"secrets": "kestra_secrets", "plugins": "kestra_plugins", "configuration": "kestra_server_config"}
    text = (
        f"{' and '.join(names[name] for name in capabilities)} do nothing on a server that this run has not started: "
        "set there what tests need, and let those that need yours skip: "
        f'@pytest.mark.kestra_requires(capability="{capabilities[0]}").'
    )
    # Past all filters: who makes warnings errors may run the same tests on several servers.
    told = warnings.WarningMessage(ServerWarning(text), ServerWarning, "conftest.py", 0)
    config.hook.pytest_warning_recorded.call_historic(
        kwargs={"warning_message": told, "when": "runtest", "nodeid": "", "location": None}
    )


def _told(message: str) -> BaseException:
    """Return a failure that shows its message and nothing else."""
    return pytest.fail.Exception(message, pytrace=False)


def _of_test(node: pytest.Item, settings: Settings) -> Settings:
    for mark in reversed(list(node.iter_markers("kestra"))):
        where = _checked(mark, PER_TEST, node)
        try:
            settings = settings.override(mark.kwargs, where)
        except SettingsError as error:
            raise _told(str(error)) from None
    if settings.isolation == "none" and settings.prefix is not None:
        raise _told(
            f"isolation=none ({settings.source('isolation')}) deploys flows where they say, but "
            f"prefix={settings.prefix} ({settings.source('prefix')}) wants them below it: leave one of them out."
        )
    return settings


def _allowed(mark: pytest.Mark, node: pytest.Item) -> Allowed:
    from pytest_kestra.report.guard import Allowed
    from pytest_kestra.run.logs import Logs

    where = _checked(mark, ("matching", "task", "level"), node)
    allowed = Allowed(**mark.kwargs)
    try:
        allowed.of(Logs())
    except KestraError as error:
        raise _told(f"{where}: {error}") from None
    return allowed


def _skip_unless(node: pytest.Item, server: Server) -> None:
    for mark in node.iter_markers("kestra_requires"):
        from pytest_kestra.requirements import unmet
        from pytest_kestra.server.base import CAPABILITIES

        where = _checked(mark, ("version", "capability"), node)
        try:
            reason = unmet(server.address.version, server.capabilities, known=CAPABILITIES, **mark.kwargs)
        except ValueError as error:
            raise _told(f"{where}: {error}") from None
        if reason:
            pytest.skip(reason)


def _checked(mark: pytest.Mark, names: Sequence[str], node: pytest.Item) -> str:
    """Return how a mark is called in errors; fail where it has other arguments than these names."""
    where = f"the mark `{mark.name}` of {node.name}"
    wrong = [*map(repr, mark.args), *(name for name in mark.kwargs if name not in names)]
    if wrong:
        raise _told(f"{where} takes {', '.join(f'{name}=' for name in names)}, not {', '.join(wrong)}.")
    return where


def _namespace(node: pytest.Item) -> str:
    """Return a name for worker, test and attempt that no other test has."""
    from pytest_kestra.flows.namespaces import slug, unique

    worker = getattr(node.config, "workerinput", {}).get("workerid", "")
    parts = [slug(node.name)[:NAME_LENGTH].strip("-"), worker]
    return unique("-".join(part for part in parts if part), run_of(node.config).key)
