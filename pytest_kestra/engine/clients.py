"""Clients of httpx, and in words, why it cannot take what the environment says of proxies and certificates."""

from __future__ import annotations

import os
import ssl
from typing import Any
from urllib.request import getproxies

import httpx

from pytest_kestra.engine.errors import EngineError

REFUSALS = (ImportError, ValueError, httpx.InvalidURL)


def client(**options: Any) -> httpx.Client:
    """Return a client of httpx; EngineError names the variable that it cannot take, but never a proxy."""
    try:
        return httpx.Client(**options)
    except OSError as error:  # which an error of OpenSSL is, too
        raise EngineError(unreadable(error)) from None
    except REFUSALS:
        if (told := _told()) is None:
            raise
        # From nothing: the text of the cause may hold the password of the proxy.
        raise EngineError(told) from None


def unreadable(error: OSError) -> str:
    """Return why the certificates that the environment names cannot be read, and what to do."""
    file = os.environ.get("SSL_CERT_FILE")
    why = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror
    return (
        f"The file that SSL_CERT_FILE names, {file}, cannot be read: {why}.\n"
        "Name a file with certificates of authorities in PEM, or unset the variable."
    )


def _told() -> str | None:
    known = getproxies()
    for scheme in ("http", "https", "all"):
        if not (address := known.get(scheme)):
            continue
        error = _refusal(proxy=address if "://" in address else f"http://{address}", trust_env=False)
        if isinstance(error, ImportError):
            return (
                f"{scheme.upper()}_PROXY names a SOCKS proxy, for which a package is missing. "
                'Install it: pip install "httpx[socks]"; or unset the variable.'
            )
        if error is not None:
            return (
                f"{scheme.upper()}_PROXY is not the address of a proxy, such as http://proxy.company:3128 or "
                "socks5://proxy.company:1080. Correct it, or unset the variable."
            )
    if _refusal() is not None:
        return (
            "NO_PROXY names something that httpx does not understand, such as a range of IPv6 addresses. Leave that "
            "out: names of machines, and single addresses, are understood."
        )
    return None


def _refusal(**options: Any) -> Exception | None:
    try:
        httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **options).close()
    except REFUSALS as error:
        return error
    return None
