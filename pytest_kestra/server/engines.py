"""The engines that run: finding one, and ending it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from pytest_kestra.address import Address
from pytest_kestra.connection import http_client
from pytest_kestra.engine.alive import alive
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.lease import FILE_NAME, KEEPER, Lease
from pytest_kestra.engine.spawn import exit_code, kill, wait_for_end
from pytest_kestra.server.folders import servers_of_runs

# How long an engine may take to say that it is there.
HEALTH_TIMEOUT_S = 30.0
# Who starts or cleans holds this file of an engine's folder locked.
START_LOCK = "start.lock"
STOP_TIMEOUT_S = 30.0
STOP_POLL_S = 0.02
# How long an engine that has closed its connections may take to end.
END_TIMEOUT_S = 2.0
# By its number, since there is no SIGKILL on Windows.
KILL = 9


def address_of(lease: Lease) -> Address:
    """Return where an engine answers."""
    return Address(lease.url, lease.user, lease.password, version=lease.version, direct=lease.direct)


def running(folder: Path) -> Lease | None:
    """Return the lease of the engine that runs in a folder and answers, or None."""
    lease = Lease.read(folder) if alive(folder) else None
    return lease if lease is not None and answers(lease, HEALTH_TIMEOUT_S) else None


def answers(lease: Lease, timeout: float) -> bool:
    """Return whether an engine answers within `timeout` seconds.

    Only the engine that wrote the lease takes its credentials: another one may have got its port since.
    """
    try:
        return _ask("GET", lease, "/api/v1/configs", timeout).is_success
    except httpx.HTTPError:
        return False


def of_runs() -> list[Path]:
    """Return the folders of the engines that test runs of this user have started, and not ended yet."""
    return sorted(server for servers in servers_of_runs().values() for server in servers)


def warm() -> list[Path]:
    """Return the folders of the engines of this user that stay warm."""
    return [folder for folder in Home.configured().warm.glob("*") if folder.is_dir()]


def at(url: str) -> Lease | None:
    """Return the lease of the engine of this user that lives and has an address, or None."""
    leases = {folder: Lease.read(folder) for folder in (*warm(), *of_runs())}
    return next((lease for folder, lease in leases.items() if lease and lease.url == url and alive(folder)), None)


def clean(folder: Path) -> None:
    """Remove what an engine has left that was killed: its lease, and processes that it has started."""
    lock = FileLock(folder / START_LOCK)
    with contextlib.suppress(OSError, Timeout), lock.acquire(timeout=0):  # else one is just being started
        if not alive(folder):
            kill(folder)
            (folder / FILE_NAME).unlink(missing_ok=True)


def stop_engine(folder: Path) -> bool:
    """Stop the engine that lives in a folder, also one that only starts or hangs; say whether there was one.

    Its lease goes, also a stale one, and so do processes that an engine has left behind which was killed.
    """
    lived, lease, kept = alive(folder), Lease.read(folder), (folder / KEEPER).exists()
    if lived:
        _ask_to_end(folder, lease)
    ended_itself = lived and not alive(folder)
    kill(folder)
    if kept and not ended_itself:
        _remove_container()
    for name in (FILE_NAME, KEEPER):
        (folder / name).unlink(missing_ok=True)
    return lived


def _ask_to_end(folder: Path, lease: Lease | None) -> None:
    """Ask what lives in a folder to end, and wait for that; an engine that only starts cannot be asked."""
    try:
        if (folder / KEEPER).exists():
            (folder / KEEPER).unlink(missing_ok=True)
        elif lease is not None:
            _ask("POST", lease, "/pytest-kestra/stop", HEALTH_TIMEOUT_S)
        else:
            return
    except httpx.HTTPError:
        return
    if lease is not None:
        wait_for_end(lease.pid, STOP_TIMEOUT_S)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while alive(folder) and time.monotonic() < deadline:
        time.sleep(STOP_POLL_S)


def remove(folder: Path) -> None:
    """Remove the folder of an engine that has ended, with its logs and its copies of plugins."""
    lock = FileLock(folder / START_LOCK)
    with contextlib.suppress(OSError, Timeout), lock.acquire(timeout=0):  # else one is just being started
        if not alive(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _remove_container() -> None:
    """Remove the containers whose keeper was killed; where Docker does not answer, the next one does."""
    from pytest_kestra.containers.daemon import connected
    from pytest_kestra.containers.errors import ContainerError
    from pytest_kestra.containers.keeper import sweep

    with contextlib.suppress(ContainerError), connected() as client:
        sweep(client)


def ended(lease: Lease, folder: Path) -> str | None:
    """Say how the engine with a lease in a folder has ended, as the end of a sentence; None where it lives."""
    if (code := exit_code(lease.pid, END_TIMEOUT_S)) is not None:
        return f"was ended by {_signal(-code)}" if code < 0 else f"ended with the exit code {code}"
    # Only the process of this run that has started it knows more.
    return None if alive(folder) and Lease.read(folder) == lease else "has ended"


def _signal(number: int) -> str:
    if number == KILL:
        return "SIGKILL, as the system does where memory runs out"
    known = {one.value: one.name for one in signal.Signals}
    return known.get(number, f"the signal {number}")


def _ask(method: str, lease: Lease, path: str, timeout: float) -> httpx.Response:
    with http_client(address_of(lease), timeout=httpx.Timeout(timeout)) as http:
        return http.request(method, path)
