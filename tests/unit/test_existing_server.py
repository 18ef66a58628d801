"""What is said of a server at a URL that is not as tests need it."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from pytest_kestra import Address, Client, ServerError, Settings
from pytest_kestra.connection import trouble
from pytest_kestra.server import existing
from pytest_kestra.server.existing import ExistingServer
from tests.unit.conftest import Stub, stub_server

CONFIGS = "/api/v1/configs"
SEARCH = "/api/v1/main/flows/search"
NOTHING = json.dumps({"results": [], "total": 0})
GOOD = {"version": "1.3.19", "edition": "OSS", "isBasicAuthInitialized": True}


def opened(url: str, **values: object) -> ExistingServer:
    return ExistingServer(Settings().override({"server": url, **values}, "test")).open()


def said(url: str, **values: object) -> str:
    """Return what is said of a server that cannot be used, with the address left out."""
    with pytest.raises(ServerError) as raised:
        opened(url, **values)
    return str(raised.value).replace(url, "URL")


@pytest.fixture
def kestra(stub: Stub) -> Stub:
    """Return a stub that answers as Kestra does, as far as it is asked at the beginning."""
    stub.on("GET", CONFIGS, json.dumps(GOOD))
    stub.on("GET", SEARCH, NOTHING)
    return stub


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# A server that is as it should be.


def test_tells_its_version(kestra: Stub) -> None:
    kestra.on("GET", "/api/v1/team/flows/search", NOTHING)
    server = opened(kestra.url + "/", token="t0ken", tenant="team")

    assert (server.address.version, server.address.tenant) == ("1.3.19", "team")
    assert kestra.asked[0].headers["Authorization"] == "Bearer t0ken"
    assert (server.kind, server.capabilities, server.log_tail()) == ("url", frozenset({"pages"}), "")
    assert server.ending() is None
    server.close()


def test_may_stand_below_a_path(stub: Stub) -> None:
    stub.on("GET", f"/kestra{CONFIGS}", json.dumps(GOOD))
    stub.on("GET", f"/kestra{SEARCH}", NOTHING)

    server = opened(f"{stub.url}/kestra")

    with Client(server.address) as client:
        assert client.flows.search("a") == []


@pytest.mark.parametrize("version", ["1.3.0", "v1.3.31", "1.4.2-SNAPSHOT", "develop"])
def test_version_that_can_be_used(kestra: Stub, version: str) -> None:
    kestra.on("GET", CONFIGS, json.dumps(GOOD | {"version": version}))

    assert opened(kestra.url).address.version == version


def test_enterprise_edition_can_be_used(kestra: Stub) -> None:
    kestra.on("GET", CONFIGS, json.dumps({"version": "1.3.20", "edition": "EE"}))
    kestra.on("GET", "/api/v1/team/flows/search", NOTHING)

    assert opened(kestra.url, token="t0ken", tenant="team").address.version == "1.3.20"


def test_configuration_of_a_real_server(kestra: Stub, recorded: Callable[[str], Any]) -> None:
    kestra.on("GET", CONFIGS, json.dumps(recorded("151")["response"]["body"]))

    assert opened(kestra.url, user="ada", password="s3cret").address.version == "1.3.19"


# Its version.


@pytest.mark.parametrize("version", ["1.2.99", "0.24.0", "v1.0.5"])
def test_version_that_is_too_old(kestra: Stub, version: str) -> None:
    kestra.on("GET", CONFIGS, json.dumps({"version": version}))

    assert said(kestra.url) == (
        f"The Kestra server at URL has the version {version}, which is too old: this version of pytest-kestra works "
        "with Kestra 1.3 and 2.0.\nUpdate the server, or use --kestra-server=embedded."
    )


def test_version_that_is_too_new(kestra: Stub) -> None:
    kestra.on("GET", CONFIGS, json.dumps({"version": "2.1.0"}))

    assert said(kestra.url) == (
        "The Kestra server at URL has the version 2.1.0, which is too new: this version of pytest-kestra works with "
        "Kestra 1.3 and 2.0.\nUse a server of these lines, or use --kestra-server=embedded."
    )


# Something else than Kestra.


@pytest.mark.parametrize(
    ("kind", "body", "what"),
    [
        ("text/html; charset=utf-8", "<html>", "text/html without a version"),
        ("application/json", '{"name": "x"}', "JSON without a version"),
        ("application/json", '{"version": 3}', "JSON without a version"),
        ("application/json", "[1]", "application/json without a version"),
    ],
)
def test_something_else_than_kestra(stub: Stub, kind: str, body: str, what: str) -> None:
    stub.headers["content-type"] = kind
    stub.on("GET", CONFIGS, body)

    assert said(stub.url) == (
        f"What answers at URL is not Kestra: /api/v1/configs gave {what}.\n"
        "Give the address of Kestra with --kestra-server, without the path of a page."
    )


@pytest.mark.parametrize(
    ("status", "first"),
    [
        (404, "What answers at URL is not Kestra: /api/v1/configs gave status 404."),
        (500, "What answers at URL is not Kestra: /api/v1/configs gave status 500."),
        (502, "A proxy answers at URL, but the Kestra behind it does not (502)."),
        (504, "A proxy answers at URL, but the Kestra behind it does not (504)."),
        (503, "The Kestra server at URL is not ready (503): it starts, or a proxy before it does not reach it."),
        (401, "The Kestra server at URL refused who gives no user (401)."),
        (403, "The Kestra server at URL refused who gives no user (403)."),
    ],
)
def test_status_that_is_no_answer(stub: Stub, status: int, first: str) -> None:
    stub.on("GET", CONFIGS, "", status)

    text, remedy = said(stub.url).split("\n")

    assert text == first
    assert remedy.endswith(".")


@pytest.mark.parametrize(
    ("location", "there", "remedy"),
    [
        (
            "https://kestra.company/api/v1/configs",
            "https://kestra.company/api/v1/configs",
            "Give that address: --kestra-server=https://kestra.company",
        ),
        (
            "/login?state=s3cret",
            "URL/login",
            "Give the address of Kestra itself with --kestra-server; where a login stands before it, one behind that.",
        ),
    ],
)
def test_redirect_is_not_followed(stub: Stub, location: str, there: str, remedy: str) -> None:
    stub.headers["location"] = location
    stub.on("GET", CONFIGS, "", 302)

    assert said(stub.url) == f"What answers at URL sends to {there} instead (302).\n{remedy}"


@pytest.mark.parametrize("status", [302, 304])
def test_redirect_to_nowhere_is_not_from_kestra(stub: Stub, status: int) -> None:
    stub.on("GET", CONFIGS, "", status)

    assert said(stub.url).startswith(f"What answers at URL is not Kestra: {CONFIGS} gave status {status}.\n")


# Credentials and tenants.


def test_wrong_password(kestra: Stub) -> None:
    kestra.on("GET", SEARCH, "", 401)

    text = said(kestra.url, user="ada", password="wr0ng")

    assert text == (
        "The Kestra server at URL refused user 'ada' (401).\n"
        "Set the credentials in PYTEST_KESTRA_USER and PYTEST_KESTRA_PASSWORD, or PYTEST_KESTRA_TOKEN."
    )


def test_no_user(kestra: Stub) -> None:
    kestra.on("GET", SEARCH, "", 401)

    assert said(kestra.url).startswith("The Kestra server at URL refused who gives no user (401).\nSet the credentials")


def test_wrong_token_of_the_enterprise_edition(kestra: Stub) -> None:
    kestra.on("GET", CONFIGS, json.dumps(GOOD | {"edition": "EE"}))
    kestra.on("GET", SEARCH, "", 401)

    text = said(kestra.url, token="wr0ng")

    assert text.startswith("The Kestra server at URL refused the token (401).\nSet the credentials in")
    assert "wr0ng" not in text


def test_token_for_the_open_source_edition(kestra: Stub) -> None:
    kestra.on("GET", SEARCH, "", 401)

    assert said(kestra.url, token="wr0ng") == (
        "The Kestra server at URL refused the token (401): the open-source edition knows no tokens.\n"
        "Set PYTEST_KESTRA_USER and PYTEST_KESTRA_PASSWORD, and no PYTEST_KESTRA_TOKEN."
    )


def test_server_without_a_user(kestra: Stub) -> None:
    kestra.on("GET", CONFIGS, json.dumps(GOOD | {"isBasicAuthInitialized": False}))
    kestra.on("GET", SEARCH, "", 401)

    assert said(kestra.url, user="ada") == (
        "The Kestra server at URL has no user yet (401).\nOpen URL in a browser and make one, or start it with "
        "kestra.server.basic-auth.username and .password in its configuration."
    )


def test_tenant_that_the_open_source_edition_has_not(kestra: Stub, recorded: Callable[[str], Any]) -> None:
    answer = recorded("156")["response"]
    kestra.on("GET", "/api/v1/other/flows/search", json.dumps(answer["body"]), answer["status"])

    assert said(kestra.url, tenant="other") == (
        "The Kestra server at URL has no tenant 'other' (400): Bad Request: Tenant must be 'main' for OSS version.\n"
        "Set the tenant with --kestra-tenant or PYTEST_KESTRA_TENANT; the open-source edition has only 'main'."
    )


def test_tenant_that_the_enterprise_edition_has_not(kestra: Stub) -> None:
    kestra.on("GET", CONFIGS, json.dumps({"version": "1.3.20", "edition": "EE"}))

    assert said(kestra.url, tenant="other") == (
        "The Kestra server at URL has no tenant 'other' (404): Not Found.\n"
        "Set the tenant with --kestra-tenant or PYTEST_KESTRA_TENANT."
    )


def test_user_without_rights(kestra: Stub) -> None:
    kestra.on("GET", SEARCH, "", 403)

    assert said(kestra.url, user="ada").startswith(
        "The Kestra server at URL knows user 'ada', who may not read the flows of the tenant 'main' (403).\nGive them"
    )


@pytest.mark.parametrize(
    ("status", "body", "first"),
    [
        (500, "", "The Kestra server at URL cannot be used: /api/v1/main/flows/search gave status 500."),
        (200, "<html>", "What answers at URL is not only Kestra: a search for flows gave no list of them."),
    ],
)
def test_search_that_fails(kestra: Stub, status: int, body: str, first: str) -> None:
    kestra.on("GET", SEARCH, body, status)

    assert said(kestra.url).startswith(f"{first}\nLook at ")


# Certificates.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextlib.contextmanager
def kestra_with(certificate: trustme.LeafCert) -> Iterator[Stub]:
    """Run a stub that has a certificate and answers as Kestra does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with stub_server(context) as stub:
        stub.on("GET", CONFIGS, json.dumps(GOOD))
        stub.on("GET", SEARCH, NOTHING)
        yield stub


def trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


def test_certificate_of_an_own_authority(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kestra_with(authority.issue_cert("127.0.0.1")) as stub:
        text = said(stub.url)
        trust(authority, tmp_path, monkeypatch)
        server = opened(stub.url)
        # The check and the client trust the same.
        with Client(server.address) as client:
            assert client.flows.search("a") == []

    assert text.startswith(
        "No Kestra server answers at URL: its certificate comes from no authority that is trusted here ("
    )
    assert text.endswith(
        "\nName a file with the certificate of your authority in the environment variable SSL_CERT_FILE."
    )


def test_folder_of_authorities(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with kestra_with(authority.issue_cert("127.0.0.1")) as stub:
        text = said(stub.url)

    assert text.endswith(f"in the environment variable SSL_CERT_FILE; now it is {tmp_path}.")


def test_expired_certificate(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(authority, tmp_path, monkeypatch)
    begin = datetime(2025, 1, 1, tzinfo=timezone.utc)
    certificate = authority.issue_cert("127.0.0.1", not_before=begin, not_after=begin + timedelta(days=30, hours=9))
    with kestra_with(certificate) as stub:
        text = said(stub.url)

    assert text == (
        "No Kestra server answers at URL: its certificate has expired on 2025-01-31 09:00 UTC.\n"
        "Renew the certificate of the server, or of the proxy before it."
    )


def test_certificate_of_tomorrow(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(authority, tmp_path, monkeypatch)
    begin = datetime(2048, 1, 1, tzinfo=timezone.utc)
    certificate = authority.issue_cert("127.0.0.1", not_before=begin, not_after=begin + timedelta(days=30))
    with kestra_with(certificate) as stub:
        text = said(stub.url)

    assert text == (
        "No Kestra server answers at URL: its certificate is not valid before 2048-01-01 00:00 UTC.\n"
        "Check the clock of this machine, and the certificate."
    )


def test_certificate_whose_dates_cannot_be_seen() -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code = 10
    failed = httpx.ConnectError("…")
    failed.__cause__ = error

    assert trouble(failed, Address("https://127.0.0.1:9")).reason == "its certificate has expired"


def test_certificate_for_another_name(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(authority, tmp_path, monkeypatch)
    with kestra_with(authority.issue_cert("kestra.company")) as stub:
        text = said(stub.url)

    assert text == (
        "No Kestra server answers at URL: its certificate is not for 127.0.0.1.\n"
        "Give the address with a name that stands in the certificate."
    )


def test_certificate_with_another_fault() -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = 23, "certificate revoked"
    failed = httpx.ConnectError("…")
    failed.__cause__ = error

    assert trouble(failed, Address("https://x")).reason == "its certificate is not accepted: certificate revoked"


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("nothing", "it holds no certificates")]
)
def test_file_of_authorities_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, why: str
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    assert said("https://127.0.0.1:9") == (
        f"The file that SSL_CERT_FILE names, {file}, cannot be read: {why}.\n"
        "Name a file with certificates of authorities in PEM, or unset the variable."
    )


# What does not speak HTTP, or not at all.


def test_http_where_tls_is_spoken(authority: trustme.CA) -> None:
    with kestra_with(authority.issue_cert("127.0.0.1")) as stub:
        url = stub.url.replace("https", "http")
        text = said(url)

    assert text.startswith("No Kestra server answers at URL: ")
    assert f"\nIf it speaks TLS, its address is {stub.url}; else look at the server." in text


def test_http_where_a_proxy_wants_tls(stub: Stub) -> None:
    stub.on("GET", CONFIGS, "The plain HTTP request was sent to HTTPS port", 400)

    secure = stub.url.replace("http", "https")
    assert said(stub.url) == f"What answers at URL speaks TLS (400).\nGive its address as {secure}."


def test_tls_where_http_is_spoken(kestra: Stub) -> None:
    text = said(kestra.url.replace("http", "https"))

    assert text == (
        "No Kestra server answers at URL: what answers there does not speak TLS.\n"
        f"If it is Kestra, its address is {kestra.url}."
    )


@contextlib.contextmanager
def talking(answer: bytes | None) -> Iterator[str]:
    """Run a server that gives these bytes to whom connects, or nothing at all; return its address."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                if answer is None:
                    done.wait(60)
                else:
                    connection.recv(4096)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"220 mail ESMTP\r\n\r\n", "what answers there does not speak HTTP"),
        (b"", "the connection was closed without an answer"),
    ],
)
def test_something_that_does_not_speak_http(answer: bytes, why: str) -> None:
    with talking(answer) as url:
        text = said(url)

    assert text.startswith(f"No Kestra server answers at URL: {why}.\nIf it speaks TLS, its address is https://")


def test_connection_that_is_closed_after_tls() -> None:
    found = trouble(httpx.RemoteProtocolError("Server disconnected without sending a response."), Address("https://x"))

    assert found == (
        "the connection was closed without an answer",
        "Look at the server, or at the proxy before it.",
    )


def test_server_that_does_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(existing, "ANSWER_TIMEOUT_S", 0.05)
    with talking(None) as url:
        text = said(url)

    assert text == (
        "No Kestra server answers at URL: no answer came in time.\nLook at the server: it hangs, or has too much to do."
    )


def test_host_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert said("http://kestra.invalid:8080") == (
        "No Kestra server answers at URL: the name kestra.invalid leads to no machine.\n"
        "Check the address, and whether a VPN is needed."
    )


def test_nothing_listens() -> None:
    assert said("http://127.0.0.1:9", user="ada", password="s3cret") == (
        "No Kestra server answers at URL: the connection was refused.\n"
        "Start it, give another address with --kestra-server, or use --kestra-server=embedded."
    )


def test_proxy_of_the_environment_is_not_for_this_machine(kestra: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert opened(kestra.url).address.version == "1.3.19"


def test_proxy_of_the_environment_is_for_other_machines(kestra: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", kestra.url)
    kestra.answers = {
        ("GET", f"http://kestra.company{path}"): kestra.answers["GET", path] for path in (CONFIGS, SEARCH)
    }

    assert opened("http://kestra.company").address.version == "1.3.19"


@pytest.mark.parametrize(("name", "told"), [("HTTPS_PROXY", True), ("ALL_PROXY", True), ("HTTP_PROXY", False)])
def test_proxy_that_may_be_to_blame_is_named(monkeypatch: pytest.MonkeyPatch, name: str, told: bool) -> None:
    monkeypatch.setenv(name, "http://proxy:1")
    error = httpx.ConnectTimeout("timed out")
    remedy = trouble(error, Address("https://kestra.company")).remedy

    assert remedy.endswith(f" The way there leads through a proxy: {name} is set.") is told
    assert "proxy" not in trouble(error, Address("https://localhost")).remedy
    monkeypatch.setenv("NO_PROXY", "kestra.company")
    assert "proxy" not in trouble(error, Address("https://kestra.company")).remedy


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ConnectTimeout("timed out"), "no connection was accepted in time"),
        (httpx.ProxyError("407 Proxy Authentication Required"), "the proxy refused: 407 Proxy Authentication Required"),
        (httpx.LocalProtocolError("Illegal header value b'Bearer t0ken'"), "LocalProtocolError"),
        (httpx.ConnectError("Network is unreachable"), "Network is unreachable"),
        (httpx.PoolTimeout(""), "PoolTimeout"),
    ],
)
def test_other_troubles(error: httpx.RequestError, reason: str) -> None:
    assert trouble(error, Address("http://kestra.company", token="t0ken")).reason == reason


def test_other_trouble_with_tls() -> None:
    error = ssl.SSLError(1, "…")
    error.reason = "TLSV1_ALERT_PROTOCOL_VERSION"
    failed = httpx.ConnectError("…")
    failed.__cause__ = error

    assert trouble(failed, Address("https://x")).reason == "TLS failed: tlsv1 alert protocol version"
