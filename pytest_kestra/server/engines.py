"""The engines that run: finding one, and ending it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import httpx

from pytest_kestra.engine.launcher import wait_for_end
from pytest_kestra.engine.lease import Lease

HEALTH_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 10.0
STOP_POLL_S = 0.02


def running(folder: Path) -> Lease | None:
    """Return the lease of the engine that runs in a folder, or None."""
    lease = Lease.read(folder)
    if lease is None:
        return None
    try:
        httpx.get(f"{lease.url}/health", timeout=HEALTH_TIMEOUT_S).raise_for_status()
    except httpx.HTTPError:
        return None
    return lease


def stop_engine(folder: Path) -> bool:
    """Stop the engine that runs in a folder and wait for its end; say whether there was one."""
    lease = Lease.read(folder)
    if lease is None:
        return False
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(f"{lease.url}/pytest-kestra/stop", auth=(lease.user, lease.password), timeout=HEALTH_TIMEOUT_S)
    wait_for_end(lease.pid, STOP_TIMEOUT_S)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while Lease.read(folder) is not None and time.monotonic() < deadline and running(folder):
        time.sleep(STOP_POLL_S)
    return True
