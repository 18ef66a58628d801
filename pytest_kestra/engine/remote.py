"""A Maven repository, asked over HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import httpx

from pytest_kestra.engine import clients
from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.repository import ADDRESS_VARIABLE, Repository

CONNECTIONS = 6
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
# How often a request that gets no further is tried again, and the first pause, which doubles.
RETRIES = 3
BACKOFF_S = 0.5
GONE = (404, 410)
REFUSED = (401, 403, 407)
BUSY = (408, 425, 429)


class TransientError(Exception):
    """Say why a request failed that may succeed next time."""


class Remote:
    """Ask a repository; its errors name `remedy`, what a user can do besides choosing another repository."""

    def __init__(self, repository: Repository, remedy: str) -> None:
        self.repository = repository
        self.remedy = remedy
        self.client = clients.client(
            auth=repository.credentials,
            timeout=TIMEOUT,
            follow_redirects=True,
            # A range of a compressed answer would be of no use.
            headers={"Accept-Encoding": "identity", "User-Agent": "pytest-kestra"},
            limits=httpx.Limits(max_connections=CONNECTIONS),
        )

    @classmethod
    @contextlib.contextmanager
    def opened(cls, repository: Repository, remedy: str) -> Iterator[Remote]:
        """Open a remote while the context lasts."""
        remote = cls(repository, remedy)
        with remote.client:
            yield remote

    @contextlib.contextmanager
    def stream(self, path: str, start: int) -> Iterator[httpx.Response]:
        """Ask for a file from a byte on; the answer's status is 200, 206 or 416.

        TransientError where trying again makes sense, InstallError where it does not.
        """
        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            with self.client.stream("GET", f"{self.repository.url}/{path}", headers=headers) as answer:
                self._check(answer, path)
                yield answer
        except httpx.RequestError as error:
            raise TransientError(str(error) or type(error).__name__) from error

    def text(self, path: str) -> str | None:
        """Return a small file as text, or nothing where the repository has none; InstallError as in `stream`."""
        for pause in (*(BACKOFF_S * 2**attempt for attempt in range(RETRIES)), None):
            try:
                with self.stream(path, 0) as answer:
                    return answer.read().decode("utf-8", errors="replace")
            except AbsentError:  # noqa: PERF203 - nothing beside what a network costs
                return None
            except TransientError as error:
                if pause is None:
                    raise self.unreachable(path, error) from error
                time.sleep(pause)
        return None  # pragma: no cover - the last round returns or raises

    def unreachable(self, path: str, error: TransientError) -> InstallError:
        """Return what to tell when trying again was of no use."""
        reason = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            reason += " (SSL_CERT_FILE names the certificates that are trusted)"
        return InstallError(
            f"{path} could not be downloaded from {self.repository}: {reason}. "
            f"Set {ADDRESS_VARIABLE} to a mirror that can be reached, {self.remedy}."
        )

    def _check(self, answer: httpx.Response, path: str) -> None:
        status = answer.status_code
        if status in GONE:
            raise AbsentError(
                f"{self.repository} does not have {path} ({status}). "
                f"Set {ADDRESS_VARIABLE} to a Maven repository that has it, {self.remedy}."
            )
        if status in REFUSED:
            raise InstallError(
                f"{self.repository} refuses access to {path} ({status}). If it wants a user and a password, put them "
                f"into the address: {ADDRESS_VARIABLE}=https://user:password@host/path."
            )
        if status in BUSY or status >= 500:
            raise TransientError(f"it answered {status} {answer.reason_phrase}".rstrip())
        if status not in (200, 206, 416):
            raise InstallError(
                f"{self.repository} gave an unexpected answer for {path}: {status}. "
                f"Set {ADDRESS_VARIABLE} to a Maven repository, {self.remedy}."
            )


class AbsentError(InstallError):
    """Tell that the repository does not have a file."""
