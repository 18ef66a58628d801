from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_kestra import Server
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.install import Installation, install
from pytest_kestra.engine.launcher import Launch, log_tail, wait_for_end
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.progress import SilentProgress
from pytest_kestra.engine.repository import Repository
from pytest_kestra.engine.training import train

pytest.register_assert_rewrite("tests.engine.replay")

from tests.engine.replay import Replay  # noqa: E402 - after its asserts are known to be rewritten


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Return the engine that `pytest-kestra engine install` has installed, or install it."""
    return install(
        "1.3", home=Home.configured(), repository=Repository.configured(), progress=SilentProgress(), train=train
    )


@pytest.fixture
def own_lease(installation: Installation, tmp_path: Path) -> Iterator[Lease]:
    """Return the lease of an engine without flows and, as the recorded server, without a key for encryption.

    Its folder is `tmp_path`.
    """
    configuration = {"kestra": {"encryption": {"secret-key": None}}}
    lease = Launch(installation, tmp_path, configuration=configuration).start()
    yield lease
    httpx.post(f"{lease.url}/pytest-kestra/stop", auth=(lease.user, lease.password)).raise_for_status()
    wait_for_end(lease.pid, 30)
    print(log_tail(tmp_path, 400))


@pytest.fixture
def own_engine(own_lease: Lease) -> Iterator[httpx.Client]:
    """Return a client of an engine that no other test uses."""
    auth = (own_lease.user, own_lease.password)
    # What webhooks hear is compared with what they heard from the recorder.
    headers = {"user-agent": "recorder"}
    with httpx.Client(base_url=own_lease.url, auth=auth, headers=headers, timeout=120) as http:
        yield http


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
    address = server.address
    auth = (address.user or "", address.password or "")
    return httpx.Client(base_url=address.url + path, auth=auth, timeout=60)


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
    return kestrapy.KestraClient(host=address.url, username=address.user, password=address.password, timeout=60)
