from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any

import httpx
import polling2
import pytest

from pytest_kestra import Flow, Kestra, Server, Settings
from pytest_kestra.connection import http_client
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.lease import Lease
from pytest_kestra.stash import SETTINGS, run_of
from tests.conftest import leave_out, version_of

pytest.register_assert_rewrite("tests.engine.replay")

# After their asserts are known to be rewritten.
from tests.engine.conformance import Conformance, Exchange  # noqa: E402
from tests.engine.launched import Launched, installed, launched  # noqa: E402
from tests.engine.lines import on_line  # noqa: E402
from tests.engine.older import OlderClient  # noqa: E402
from tests.engine.replay import Replay  # noqa: E402

# When schedules of these tests fire, and when a day begins, in UTC.
MOMENTS = (time(0), time(2, 30), time(9), time(20))
# How long a test may take that begins before such a moment, and how long the scheduler may take after it.
BEFORE, AFTER = timedelta(seconds=90), timedelta(seconds=5)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not for the server, or the line of Kestra, that is tested."""
    settings = config.stash[SETTINGS]
    here = Path(__file__).parent
    leave_out(config, items, lambda item: here in item.path.parents and not _is_for(item, settings))


@pytest.fixture(autouse=True)
def _no_moment_comes() -> None:
    """Begin no test just before a moment of the day that would change what it sees."""
    polling2.poll(lambda: not any(map(_is_near, MOMENTS)), step=1, timeout=600)


def _is_near(moment: time) -> bool:
    now, day = datetime.now(timezone.utc), timedelta(days=1)
    left = (datetime.combine(now, moment, timezone.utc) - now) % day
    return left < BEFORE or left > day - AFTER


def _is_for(item: pytest.Item, settings: Settings) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    uses = "kestra_server" in names
    is_two = version_of(item, settings.versions[0]).startswith("2")
    if settings.server not in ("auto", "embedded") and not uses:
        return False  # it is about the embedded engine itself
    folders = item.path.relative_to(Path(__file__).parent).parts
    if "sdk" in folders and is_two != _is_sdk_of_two():
        return False
    if "two" in folders:
        return is_two or not uses
    # Recorded and tested route by route is the API of 1.3; `two` is about that of 2.0.
    return not is_two or (uses and "api" not in folders and not names & {"recorded", "replay"})


def _is_sdk_of_two() -> bool:
    try:
        # Kestra's SDK for 2.0 has the name of the one for 1.3: an environment has one of them.
        return version("kestrapy").startswith("2")
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Return the engine of 1.3."""
    return installed("1.3")


@pytest.fixture(scope="session")
def own_engine(installation: Installation, pytestconfig: pytest.Config) -> Launched:
    """Return what starts an engine in a folder, with arguments of `Launch`, for a `with` block."""
    return partial(launched, installation, run_of(pytestconfig))


# As the recorded server, without a key for encryption.
AS_RECORDED = {"kestra": {"encryption": {"secret-key": None}}}


@pytest.fixture
def own_lease(own_engine: Launched, tmp_path: Path) -> Iterator[Lease]:
    """Return the lease of an engine that no other test uses; its folder is `tmp_path`."""
    with own_engine(tmp_path, configuration=AS_RECORDED) as lease:
        yield lease


@pytest.fixture(scope="session")
def exchanges(
    own_engine: Launched, tmp_path_factory: pytest.TempPathFactory, recorded: Callable[[str], Any]
) -> list[Exchange]:
    """Return what an engine has answered to all recorded requests, which are sent once."""
    recorded("001")
    # What webhooks hear is compared with what they heard from the recorder.
    headers = {"user-agent": "recorder"}
    with own_engine(tmp_path_factory.mktemp("conformance"), configuration=AS_RECORDED) as lease:
        auth = (lease.user, lease.password)
        with httpx.Client(base_url=lease.url, auth=auth, headers=headers, timeout=600) as http:
            return list(Conformance(http, recorded).run())


@pytest.fixture
def kestra(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> Kestra:
    """Return the fixture of the plugin, which deploys loops as the line of Kestra knows them that a test runs on."""
    deploy = kestra.deploy

    def deployed(source: str | PathLike[str]) -> Flow:
        return deploy(on_line(source, kestra.client) if isinstance(source, str) else source)

    monkeypatch.setattr(kestra, "deploy", deployed)
    return kestra


@pytest.fixture
def http(kestra_server: Server) -> Iterator[httpx.Client]:
    """Return a client of the server with its credentials, for whole paths."""
    with _client(kestra_server) as http:
        yield http


@pytest.fixture
def api(kestra_server: Server) -> Iterator[httpx.Client]:
    """Return a client of the server with its credentials, for paths below the tenant such as `flows/search`."""
    with _client(kestra_server, "/api/v1/main/") as api:
        yield api


def _client(server: Server, path: str = "") -> httpx.Client:
    if server.address.is_two:
        return OlderClient(base_url=server.address.url + path, auth=server.address.auth, timeout=600)
    http = http_client(server.address, timeout=httpx.Timeout(600))
    http.base_url = server.address.url + path
    return http


@pytest.fixture
def namespace(api: httpx.Client) -> Iterator[str]:
    """Return a namespace of the test's own; its flows are deleted at the end."""
    name = f"company.{secrets.token_hex(4)}"
    yield name
    _delete_flows(api, name)


def _delete_flows(api: httpx.Client, namespace: str) -> None:
    for flow in api.get(f"flows/{namespace}").raise_for_status().json():
        api.delete(f"flows/{namespace}/{flow['id']}").raise_for_status()


@pytest.fixture
def replay(http: httpx.Client, api: httpx.Client, recorded: Callable[[str], Any]) -> Iterator[Replay]:
    """Return what sends recorded requests again, in a namespace of the test's own."""
    replay = Replay(http, recorded, f"contracts-{secrets.token_hex(4)}")
    yield replay
    _delete_flows(api, replay.namespace)


@pytest.fixture
def sdk(kestra_server: Server) -> Any:
    """Return Kestra's own client of the server."""
    kestrapy = pytest.importorskip("kestrapy")
    address = kestra_server.address
    return kestrapy.KestraClient(host=address.url, username=address.user, password=address.password, timeout=600)
