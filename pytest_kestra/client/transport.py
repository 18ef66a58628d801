"""HTTP to a Kestra server: the address, the credentials, and its refusals as errors."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from pytest_kestra.address import Address
from pytest_kestra.connection import TIMEOUT, http_client, trouble
from pytest_kestra.errors import ApiError, KestraError, NotFoundError, ServerError, UnauthorizedError
from pytest_kestra.records import Json

PAGE_SIZE = 100
KINDS: dict[int, type[ApiError]] = {
    401: UnauthorizedError,
    403: UnauthorizedError,
    404: NotFoundError,
    410: NotFoundError,
}


class Anonymous(httpx.Auth):
    """Send a request without the credentials of its client."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Take a token out of the headers."""
        request.headers.pop("Authorization", None)
        yield request


class Transport:
    """Send requests to the server at an address; one connection pool, closed at the end."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._http = http_client(address)

    @property
    def address(self) -> Address:
        """Where the server answers; it is asked for its version once, where nobody has told that."""
        if self._address.version is None:
            with contextlib.suppress(httpx.RequestError):  # which the next request tells
                self._address = replace(self._address, version=_version(self._http.get("/api/v1/configs")))
        return self._address

    def move(self, address: Address) -> None:
        """Send requests to another address from now on."""
        old, self._address, self._http = self._http, address, http_client(address)
        old.close()

    def request(self, method: str, *path: str, timeout: float | None = None, **options: Any) -> httpx.Response:
        """Send a request to a path below the tenant, given in parts, and return the answer.

        Raises ApiError where Kestra refuses, ServerError where it does not answer, and httpx.ReadTimeout where it does
        not within `timeout` seconds, if these are given.
        """
        return self.send(method, self.path(*path), timeout=timeout, **options)

    def path(self, *parts: str) -> str:
        """Return the whole path of what is below the tenant, given in parts."""
        return "/".join(["/api/v1", *(quote(part, safe="") for part in (self._address.tenant, *parts))])

    def send(self, method: str, path: str, *, timeout: float | None = None, **options: Any) -> httpx.Response:
        """Send a request to a whole path; as `request`."""
        answer = self.exchange(method, path, timeout=timeout, **options)
        if answer.is_success:
            return answer
        raise refusal(answer, f"{method} {path}")

    def exchange(
        self, method: str, path: str, *, timeout: float | None = None, anonymous: bool = False, **options: Any
    ) -> httpx.Response:
        """Send a request to a whole path and return the answer, also where Kestra refuses it; else as `request`.

        One that is `anonymous` has no credentials but those in its own headers.
        """
        if timeout is not None:
            options["timeout"] = httpx.Timeout(timeout, connect=TIMEOUT.connect)
        try:
            if anonymous:
                options["auth"] = None if "Authorization" in httpx.Headers(options.get("headers")) else Anonymous()
            return self._http.request(method, path, **options)
        except (httpx.LocalProtocolError, UnicodeEncodeError) as error:
            # Their texts hold the header, and with it maybe a token.
            raise KestraError(
                f"{method} {path} cannot be sent: a header or the body has characters that HTTP does not take, such as "
                "a line break in a header, a blank at its end, or a letter that is not of ASCII."
            ) from error
        except httpx.RequestError as error:
            if timeout is not None and isinstance(error, httpx.ReadTimeout):
                raise
            reason = trouble(error, self._address).reason
            raise ServerError(f"The Kestra server at {self._address.url} no longer answers: {reason}.") from error

    def json(self, method: str, *path: str, **options: Any) -> Any:
        """Send a request as `request` does and return the JSON of the answer; ServerError where it has none."""
        answer = self.request(method, *path, **options)
        try:
            return answer.json()
        except ValueError:
            raise ServerError(
                f"What answers at {self._address.url} is not Kestra, or a proxy stands before it: {method} "
                f"{answer.request.url.path} gave {answer.headers.get('content-type', 'something')}, not JSON."
            ) from None

    def pages(self, *path: str, params: Mapping[str, Any]) -> list[Json]:
        """Return the results of all pages of a search."""
        found: list[Json] = []
        for page in itertools.count(1):
            answer = self.json("GET", *path, params={**params, "size": PAGE_SIZE, "page": page})
            found += answer["results"]
            if not answer["results"] or page * PAGE_SIZE >= answer["total"]:
                break
        return found

    def close(self) -> None:
        """Close all connections."""
        self._http.close()


def _version(answer: httpx.Response) -> str:
    """Return the version that a server tells of itself; none where it is not Kestra, as other requests will tell."""
    try:
        return str(answer.json().get("version") or "")
    except (ValueError, AttributeError):
        return ""


def refusal(answer: httpx.Response, request: str) -> ApiError:
    """Return the error that an answer is to a request."""
    status = answer.status_code
    message, details = _told(answer)
    if status == httpx.codes.UNAUTHORIZED and not message:
        message = "Kestra did not accept the credentials; set PYTEST_KESTRA_USER and PYTEST_KESTRA_PASSWORD"
    message = message or answer.reason_phrase or "Kestra gave no reason"
    return KINDS.get(status, ApiError)(status, message, request, details)


def _told(answer: httpx.Response) -> tuple[str, Iterable[tuple[str, str]]]:
    try:
        body = answer.json()
        details = (body.get("_embedded") or {}).get("errors") or ()
        return str(body.get("message") or ""), [(item.get("message") or "", item.get("path") or "") for item in details]
    except (ValueError, AttributeError):
        # A page is that of a proxy.
        return "" if "html" in answer.headers.get("content-type", "") else answer.text.strip(), ()
