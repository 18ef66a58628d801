"""How httpx reaches a Kestra server: credentials, trust, proxies, time; and in words, why it could not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from pytest_kestra import certificates
from pytest_kestra.address import Address
from pytest_kestra.engine import clients
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.errors import ServerError

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
# What OpenSSL says where the other side answers a greeting in TLS with something else.
NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")


class Trouble(NamedTuple):
    """Tell why a server could not be asked, as the end of a sentence, and in one of its own what to do."""

    reason: str
    remedy: str


def http_client(address: Address, *, timeout: httpx.Timeout | None = None) -> httpx.Client:
    """Return a client of the server at an address; everything of this package that asks a server by URL uses it.

    Proxies come from the environment, except for this machine; trust always does: SSL_CERT_FILE and SSL_CERT_DIR.
    ServerError where one of these cannot be used.
    """
    try:
        return clients.client(
            base_url=address.url,
            auth=address.auth,
            headers=address.headers,
            timeout=timeout or TIMEOUT,
            verify=certificates.trusted(address),
            trust_env=not address.is_direct,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )
    except EngineError as error:
        raise ServerError(str(error)) from None


def trouble(error: httpx.RequestError, address: Address) -> Trouble:
    """Return in words what an error of httpx means, and what to do."""
    found = _trouble(error, address)
    if proxy := _proxy(address):
        return found._replace(remedy=f"{found.remedy} The way there leads through a proxy: {proxy} is set.")
    return found


def _proxy(address: Address) -> str | None:
    """Return the variable that names a proxy for an address."""
    place = urlsplit(address.url)
    if address.is_direct or proxy_bypass(place.hostname or ""):
        return None
    known = getproxies()
    return next((f"{name.upper()}_PROXY" for name in (place.scheme, "all") if name in known), None)


def _trouble(error: httpx.RequestError, address: Address) -> Trouble:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble(*certificates.refused(cause, address))
        if isinstance(cause, ssl.SSLError):
            return _no_tls(cause, address)
        if isinstance(cause, socket.gaierror):
            host = urlsplit(address.url).hostname
            return Trouble(f"the name {host} leads to no machine", "Check the address, and whether a VPN is needed.")
    if isinstance(error, httpx.ProxyError):
        return Trouble(f"the proxy refused: {error}", "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment.")
    if isinstance(error, httpx.ConnectTimeout):
        return Trouble(
            "no connection was accepted in time", "Check the address, the firewall, and whether a VPN is needed."
        )
    if isinstance(error, httpx.ReadTimeout):
        return Trouble("no answer came in time", "Look at the server: it hangs, or has too much to do.")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Trouble("the connection was refused", _start_it())
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return _no_http(error, address)
    # The text of a LocalProtocolError may hold a header, and with it a token.
    secret = isinstance(error, httpx.LocalProtocolError)
    return Trouble(type(error).__name__ if secret or not str(error) else str(error), _start_it())


def _no_tls(error: ssl.SSLError, address: Address) -> Trouble:
    reason = error.reason or str(error)
    if reason in NOT_TLS:
        plain = address.url.replace("https://", "http://", 1)
        return Trouble("what answers there does not speak TLS", f"If it is Kestra, its address is {plain}.")
    return Trouble(
        f"TLS failed: {reason.replace('_', ' ').lower()}",
        "Look at the TLS settings of the server, or of the proxy before it.",
    )


def _no_http(error: httpx.RequestError, address: Address) -> Trouble:
    garbled = "illegal" in str(error)
    what = "what answers there does not speak HTTP" if garbled else "the connection was closed without an answer"
    if address.url.startswith("http://"):
        secure = address.url.replace("http://", "https://", 1)
        return Trouble(what, f"If it speaks TLS, its address is {secure}; else look at the server.")
    return Trouble(what, "Look at the server, or at the proxy before it.")


def _start_it() -> str:
    return "Start it, give another address with --kestra-server, or use --kestra-server=embedded."


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
