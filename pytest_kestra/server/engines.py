"""The engines that run: finding one, and ending it."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

import httpx

from pytest_kestra.engine.launcher import exit_code, wait_for_end
from pytest_kestra.engine.lease import FILE_NAME, Lease

HEALTH_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 10.0
STOP_POLL_S = 0.02
# How long an engine that has closed its connections may take to end.
END_TIMEOUT_S = 2.0
# By its number, since there is no SIGKILL on Windows.
KILL = 9


def running(folder: Path) -> Lease | None:
    """Return the lease of the engine that runs in a folder, or None.

    Only the engine that wrote the lease takes its credentials: another one may have got its port since.
    """
    lease = Lease.read(folder)
    if lease is None:
        return None
    try:
        _ask("GET", lease, "/api/v1/configs").raise_for_status()
    except httpx.HTTPError:
        return None
    return lease


def stop_engine(folder: Path) -> bool:
    """Stop the engine that runs in a folder and wait for its end; say whether there was one."""
    lease = running(folder)
    if lease is None:
        (folder / FILE_NAME).unlink(missing_ok=True)
        return False
    with contextlib.suppress(httpx.HTTPError):
        _ask("POST", lease, "/pytest-kestra/stop")
    wait_for_end(lease.pid, STOP_TIMEOUT_S)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while running(folder) and time.monotonic() < deadline:
        time.sleep(STOP_POLL_S)
    return True


def ending(lease: Lease) -> str | None:
    """Say how the engine with a lease has ended, as the end of a sentence; None where it has not."""
    if (code := exit_code(lease.pid, END_TIMEOUT_S)) is not None:
        return f"was ended by {_signal(-code)}" if code < 0 else f"ended with the exit code {code}"
    try:
        _ask("GET", lease, "/api/v1/configs")
    except httpx.ConnectError:
        # Only the process of this run that has started it knows more.
        return "has ended"
    except httpx.HTTPError:
        return None
    return None


def _signal(number: int) -> str:
    if number == KILL:
        return "SIGKILL, as the system does where memory runs out"
    known = {one.value: one.name for one in signal.Signals}
    return known.get(number, f"the signal {number}")


def _ask(method: str, lease: Lease, path: str) -> httpx.Response:
    # No proxy of the environment leads to this machine.
    auth = (lease.user, lease.password)
    return httpx.request(method, f"{lease.url}{path}", auth=auth, timeout=HEALTH_TIMEOUT_S, trust_env=False)
