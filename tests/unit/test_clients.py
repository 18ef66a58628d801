"""What the environment says that httpx cannot take is told by the variable, without what stands in one of a proxy."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

from pytest_kestra import Address, ServerError
from pytest_kestra.connection import http_client
from pytest_kestra.engine import clients
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.remote import Remote
from pytest_kestra.engine.repository import Repository

CASES = [
    (
        "ALL_PROXY",
        "socks5://ada:s3cret@proxy:1",
        r'^ALL_PROXY names a SOCKS proxy, .* pip install "httpx\[socks\]"; or',
    ),
    ("ALL_PROXY", "socks://ada:s3cret@proxy:1", r"^ALL_PROXY is not the address of a proxy, such as http://proxy\.co"),
    ("HTTPS_PROXY", "http://ada:s3cret@proxy:port", r"^HTTPS_PROXY is not the address of a proxy, "),
    ("http_proxy", "ada:s3cret@proxy:port", r"^HTTP_PROXY is not the address of a proxy, "),
    (
        "NO_PROXY",
        "localhost,::1,fd00::/8",
        r"^NO_PROXY names something that httpx does not understand, such as a range",
    ),
]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(("name", "value", "told"), CASES)
def test_proxy_that_httpx_cannot_take(name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "socks5" in value:
        monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv(name, value)

    with pytest.raises(EngineError, match=told) as engine:
        Remote(Repository(), "or do without")
    with pytest.raises(ServerError, match=told) as server:
        http_client(Address("https://kestra.company"))
    for raised in (engine, server):
        assert "s3cret" not in str(raised.value)
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__


@pytest.mark.parametrize(("name", "value"), [("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", "*"), ("NO_PROXY", "::1")])
def test_proxy_that_httpx_takes(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    with http_client(Address("https://kestra.company")):
        pass


def test_proxies_are_nothing_to_a_server_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "nothing://")

    with http_client(Address("http://127.0.0.1:1")):
        pass


def test_other_mistakes_are_not_the_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")

    with pytest.raises(httpx.InvalidURL):
        clients.client(base_url="http://host:port")


def test_certificates_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(EngineError, match=r"^The file that SSL_CERT_FILE names, .*none\.pem, cannot be read: No such"):
        Remote(Repository("https://company/maven", None), "")

    (tmp_path / "none.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be read: it holds no certificates"):
        Remote(Repository("https://company/maven", None), "")
