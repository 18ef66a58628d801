"""The public face against Kestra 2.0, beside the server of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_kestra import Server, Settings
from pytest_kestra.client.client import Client
from pytest_kestra.hooks import SETTINGS, run_of
from pytest_kestra.server.embedded import EmbeddedServer
from pytest_kestra.server.equipment import Equipment


@pytest.fixture(scope="session")
def kestra_settings(pytestconfig: pytest.Config) -> Settings:
    """Return the settings of the run with the other line."""
    return pytestconfig.stash[SETTINGS].override({"version": "2.0"}, "tests/engine/two")


@pytest.fixture(scope="session")
def kestra_server(pytestconfig: pytest.Config, kestra_settings: Settings) -> Iterator[Server]:
    """Return an embedded engine of Kestra 2.0 that all workers share."""
    server = EmbeddedServer(kestra_settings, run_of(pytestconfig), Equipment(secrets={"GREETING": "Bonjour"})).open()
    yield server
    server.close()


@pytest.fixture(scope="session")
def kestra_client(kestra_server: Server) -> Iterator[Client]:
    """Return a client of it."""
    with Client(kestra_server.address) as client:
        yield client
