"""The fixtures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kestra.errors import KestraError, MockError, ServerError, ServerWarning, SettingsError
from pytest_kestra.marks import allowed_logs, settings_of, skip_unless, told
from pytest_kestra.report.used import Made
from pytest_kestra.settings import Settings
from pytest_kestra.stash import CLIENT, ENDED, KESTRA, LIVE, SECRETS, SERVER, SETTINGS, run_of

if TYPE_CHECKING:
    from pytest_kestra.client.client import Client
    from pytest_kestra.run.kestra import Kestra
    from pytest_kestra.server.base import Server
    from pytest_kestra.server.equipment import Equipment

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
        raise told(str(error)) from None


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
        raise told(str(error)) from None
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
        skip_unless(request.node, request.getfixturevalue("kestra_server"))


def _kestra(
    request: pytest.FixtureRequest,
    kestra_client: Client,
    kestra_server: Server,
    kestra_settings: Settings,
) -> Iterator[Kestra]:
    """Return Kestra for the tests of this scope: flows get a namespace of their own, and all goes after the last."""
    from pytest_kestra.report.command import run_again
    from pytest_kestra.run.kestra import Kestra

    node, config, name = request.node, request.config, str(request.fixturename)
    shared = not isinstance(node, pytest.Item)
    # Where this fails, a report must not show what was made for another version.
    node.stash.setdefault(KESTRA, {}).pop(name, None)
    if shared:
        skip_unless(node, kestra_server)
    settings = settings_of(node, kestra_settings)
    allowed_logs(node)  # what is wrong with these is told before anything is run
    kestra = Kestra(
        kestra_client,
        namespace=_namespace(node) if settings.isolation == "namespace" else None,
        prefix=settings.prefix,
        timeout=settings.timeout,
        folders=[Path.cwd(), config.rootpath, node.path if node.path.is_dir() else node.path.parent],
        settled="settled" in kestra_server.capabilities,
        ephemeral="ephemeral" in kestra_server.capabilities,
        pages="pages" in kestra_server.capabilities,
        secrets=[*config.stash[SECRETS]],
        reproduce=run_again(node.nodeid, config),
        verbosity=config.get_verbosity(),
        side_effects=settings.side_effects if settings.strict_mocks else None,
        clock="clock" in kestra_server.capabilities,
    )
    made = node.stash[KESTRA][name] = Made(name, kestra, kestra_settings, shared)
    live = config.stash.setdefault(LIVE, [])
    live.append(made)
    yield kestra
    live.remove(made)
    ended = config.stash.get(ENDED, None)
    if ended == node.nodeid or (shared and ended is not None) or made.lost:
        return  # nothing can be removed, and nothing is left
    if settings.keep == "all" or (settings.keep == "failed" and made.failed):
        until = " until the run ends (longer with --kestra-reuse)" if "ephemeral" in kestra_server.capabilities else ""
        if kestra.namespace is not None:
            run_of(config).keep(kestra.namespace)
        kept = f"kept{until}: flows and executions below …{kestra.namespace or ''}"
        if not shared:
            node.add_report_section("teardown", "kestra", kept)
        with contextlib.suppress(KestraError):  # such as a server that is gone
            kestra.keep()
        return
    try:
        if shared and not made.failed:
            kestra.check_mocks()
    except MockError as error:
        raise told(str(error)) from None
    finally:
        _close(made)


def _close(made: Made) -> None:
    try:
        made.kestra.close()
    except KestraError as error:
        if not (made.failed and isinstance(error, ServerError)):  # which the test has told already
            raise told(f"What the test made could not be removed. {error}") from None


kestra = pytest.fixture(name="kestra")(_kestra)
kestra_class = pytest.fixture(name="kestra_class", scope="class")(_kestra)
kestra_module = pytest.fixture(name="kestra_module", scope="module")(_kestra)
kestra_package = pytest.fixture(name="kestra_package", scope="package")(_kestra)
kestra_session = pytest.fixture(name="kestra_session", scope="session")(_kestra)


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


def _namespace(node: pytest.Item | pytest.Collector) -> str:
    """Return a name for worker, test and attempt that no other test has."""
    from pytest_kestra.flows.namespaces import slug, unique

    worker = getattr(node.config, "workerinput", {}).get("workerid", "")
    parts = [slug(node.name.removesuffix(".py"))[:NAME_LENGTH].strip("-"), worker]
    return unique("-".join(part for part in parts if part), run_of(node.config).key)
