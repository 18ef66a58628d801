"""Whether what answers at an address is a Kestra that tests can use, in its own words and in ours."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import httpx

from pytest_kestra.address import Address
from pytest_kestra.errors import ServerError

CONFIGS = "/api/v1/configs"
# The lines of Kestra whose API the client speaks: from the first on, and before the second.
LINE, NEXT = (1, 3), (2, 1)
CREDENTIALS = "PYTEST_KESTRA_USER and PYTEST_KESTRA_PASSWORD, or PYTEST_KESTRA_TOKEN"
ADDRESS = "Give the address of Kestra with --kestra-server, without the path of a page."


def check_version(answer: httpx.Response, address: Address) -> dict[str, Any]:
    """Return what a server tells of itself in answer to CONFIGS; ServerError where it is no Kestra that can be used."""
    _check_status(answer, address)
    told = _json(answer)
    version = told.get("version")
    if not isinstance(version, str):
        kind = answer.headers.get("content-type", "something").partition(";")[0]
        what = "JSON without a version" if told else f"{kind} without a version"
        raise ServerError(f"What answers at {address.url} is not Kestra: {CONFIGS} gave {what}.\n{ADDRESS}")
    number = re.match(r"v?(\d+)\.(\d+)", version)
    # A build of one's own may have any version; who runs it knows.
    if number and not LINE <= (found := (int(number[1]), int(number[2]))) < NEXT:
        wrong, remedy = ("old", "Update the server") if found < LINE else ("new", "Use a server of these lines")
        raise ServerError(
            f"The Kestra server at {address.url} has the version {version}, which is too {wrong}: this version of "
            f"pytest-kestra works with Kestra 1.3 and 2.0.\n{remedy}, or use --kestra-server=embedded."
        )
    return told


def check_access(answer: httpx.Response, address: Address, told: dict[str, Any]) -> None:
    """Raise ServerError where the answer to a search for flows says that the credentials, or the tenant, are wrong."""
    status, where = answer.status_code, f"The Kestra server at {address.url}"
    if answer.is_success and "results" in _json(answer):
        return
    open_source = told.get("edition") == "OSS"
    if status == httpx.codes.UNAUTHORIZED and told.get("isBasicAuthInitialized") is False:
        raise ServerError(
            f"{where} has no user yet (401).\n"
            f"Open {address.url} in a browser and make one, or start it with kestra.server.basic-auth.username and "
            ".password in its configuration."
        )
    if status == httpx.codes.UNAUTHORIZED and address.token and open_source:
        raise ServerError(
            f"{where} refused the token (401): the open-source edition knows no tokens.\n"
            "Set PYTEST_KESTRA_USER and PYTEST_KESTRA_PASSWORD, and no PYTEST_KESTRA_TOKEN."
        )
    if status == httpx.codes.FORBIDDEN:
        raise ServerError(
            f"{where} knows {_who(address)}, who may not read the flows of the tenant {address.tenant!r} (403).\n"
            "Give them a role there with which flows can be read, written and run, or set another tenant with "
            "--kestra-tenant."
        )
    if status in (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND):
        message = str(_json(answer).get("message") or answer.reason_phrase)
        only = "; the open-source edition has only 'main'" if open_source else ""
        raise ServerError(
            f"{where} has no tenant {address.tenant!r} ({status}): {message}.\n"
            f"Set the tenant with --kestra-tenant or PYTEST_KESTRA_TENANT{only}."
        )
    _check_status(answer, address)
    raise ServerError(
        f"What answers at {address.url} is not only Kestra: a search for flows gave no list of them.\n"
        "Look at the proxy before it, whether it wants a login for some of the paths."
    )


def _check_status(answer: httpx.Response, address: Address) -> None:
    status, url = answer.status_code, address.url
    if answer.is_success:
        return
    if answer.has_redirect_location:
        raise ServerError(_redirected(answer, url))
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise ServerError(
            f"The Kestra server at {url} refused {_who(address)} ({status}).\nSet the credentials in {CREDENTIALS}."
        )
    if status in (httpx.codes.BAD_GATEWAY, httpx.codes.GATEWAY_TIMEOUT):
        raise ServerError(
            f"A proxy answers at {url}, but the Kestra behind it does not ({status}).\n"
            "Look at Kestra's own log, and at the proxy's settings."
        )
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        raise ServerError(
            f"The Kestra server at {url} is not ready ({status}): it starts, or a proxy before it does not reach it.\n"
            "Wait until its /health, on the management port, says UP."
        )
    if status == httpx.codes.BAD_REQUEST and url.startswith("http://") and "https" in answer.text.lower():
        secure = url.replace("http://", "https://", 1)
        raise ServerError(f"What answers at {url} speaks TLS ({status}).\nGive its address as {secure}.")
    path = answer.request.url.path
    if path.endswith(CONFIGS):
        raise ServerError(f"What answers at {url} is not Kestra: {CONFIGS} gave status {status}.\n{ADDRESS}")
    raise ServerError(
        f"The Kestra server at {url} cannot be used: {path} gave status {status}.\nLook at the log of the server."
    )


def _redirected(answer: httpx.Response, url: str) -> str:
    # Without its query, in which states of a login stand.
    target = answer.request.url.join(answer.headers["location"]).copy_with(query=None, fragment=None)
    there = str(target)
    if target.path.endswith(CONFIGS) and urlsplit(there).netloc:
        remedy = f"Give that address: --kestra-server={there.removesuffix(CONFIGS)}"
    else:
        remedy = (
            "Give the address of Kestra itself with --kestra-server; where a login stands before it, one behind that."
        )
    return f"What answers at {url} sends to {there} instead ({answer.status_code}).\n{remedy}"


def _who(address: Address) -> str:
    if address.token:
        return "the token"
    return f"user {address.user!r}" if address.user else "who gives no user"


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
