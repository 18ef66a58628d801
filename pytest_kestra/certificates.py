"""Which certificates of servers are trusted, and in words, why one is not."""

from __future__ import annotations

import os
import re
import ssl
from datetime import datetime, timezone
from urllib.parse import urlsplit

import httpx

from pytest_kestra.address import Address
from pytest_kestra.engine.clients import unreadable
from pytest_kestra.errors import ServerError

# OpenSSL's numbers of what is wrong with a certificate.
NOT_YET, EXPIRED, OTHER_NAMES = 9, 10, (62, 64)
UNKNOWN_AUTHORITY = (18, 19, 20, 21)
# How the encoding of a certificate says from when to when it is valid: two dates with two digits for the year, as
# RFC 5280 demands of those before 2050.
VALIDITY = re.compile(rb"\x30\x1e\x17\x0d(\d{12})Z\x17\x0d(\d{12})Z")
LOOK_TIMEOUT_S = 5.0
AUTHORITY = "Name a file with the certificate of your authority in the environment variable SSL_CERT_FILE"


def trusted(address: Address) -> ssl.SSLContext:
    """Return which authorities are trusted, by httpx's conventions; ServerError where SSL_CERT_FILE cannot be read."""
    if not address.url.startswith("https://"):
        # No certificate comes; reading all authorities would take longer than a request.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # which an error of OpenSSL is, too
        raise ServerError(unreadable(error)) from None


def refused(error: ssl.SSLCertVerificationError, address: Address) -> tuple[str, str]:
    """Return why a certificate is not trusted, as the end of a sentence, and what to do."""
    code = error.verify_code
    start, end = _validity(address) if code in (NOT_YET, EXPIRED) else (None, None)
    if code == EXPIRED:
        when = f" on {end:%Y-%m-%d %H:%M} UTC" if end else ""
        return f"its certificate has expired{when}", "Renew the certificate of the server, or of the proxy before it."
    if code == NOT_YET:
        when = f" before {start:%Y-%m-%d %H:%M} UTC" if start else " yet"
        return f"its certificate is not valid{when}", "Check the clock of this machine, and the certificate."
    if code in UNKNOWN_AUTHORITY:
        now = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        given = f"; now it is {now}" if now else ""
        what = f"its certificate comes from no authority that is trusted here ({error.verify_message})"
        return what, f"{AUTHORITY}{given}."
    if code in OTHER_NAMES:
        host = urlsplit(address.url).hostname
        return f"its certificate is not for {host}", "Give the address with a name that stands in the certificate."
    return f"its certificate is not accepted: {error.verify_message}", "Look at the certificate of the server."


def _validity(address: Address) -> tuple[datetime, datetime] | tuple[None, None]:
    """Return from when to when the certificate of a server is valid, where that can be known."""
    place = urlsplit(address.url)
    try:
        # Nothing is sent there but the wish to see the certificate.
        text = ssl.get_server_certificate((place.hostname or "", place.port or 443), timeout=LOOK_TIMEOUT_S)
    except (OSError, ValueError):
        return None, None
    found = VALIDITY.search(ssl.PEM_cert_to_DER_cert(text))
    return (_date(found[1]), _date(found[2])) if found else (None, None)


def _date(text: bytes) -> datetime:
    return datetime.strptime(text.decode(), "%y%m%d%H%M%S").replace(tzinfo=timezone.utc)
