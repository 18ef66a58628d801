"""The process that keeps a container of Kestra for a test run, and removes it when the run has ended.

It is told what to do by a JSON text on its standard input. It outlives the process that started it, as the workers of
pytest-xdist share the container, and ends with the run's owner, however that ends. Its standard output is the log: that
of Kestra, and a last line where Kestra has not been ended by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import docker
import docker.errors
import httpx
import requests
from testcontainers.core.container import Reaper
from testcontainers.core.exceptions import ContainerStartException
from testcontainers.core.waiting_utils import WaitStrategyTarget

from pytest_kestra.containers import daemon
from pytest_kestra.containers.kestra import Answering, KestraContainer, ended
from pytest_kestra.engine import alive, owner
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.lease import FILE_NAME, KEEPER, Lease

STOP_POLL_S = 0.1
REMOVE_TIMEOUT_S = ANSWER_TIMEOUT_S = 60.0
# What is known of an end that nobody has asked for, and of a start that has failed.
ENDED, FAILED = "ended.txt", "failed.txt"
MOUNTS = Path("/proc/self/ns/mnt")
# Whose container it is: of which machine and user, and which folder its keeper works in.
LABEL_HOST, LABEL_FOLDER = "pytest-kestra.host", "pytest-kestra.folder"


@dataclass(frozen=True)
class Orders:
    """Say which container is to start; paths are absolute, `startup_timeout` is in seconds.

    `log` is the name of the log in the folder. `volumes` are pairs of paths, here and in the container, with `ro` or
    `rw`. When the lock of `owner_lock` can be had, the run has ended and so does the container.
    """

    image: str
    folder: str
    log: str
    user: str
    password: str
    startup_timeout: float
    configuration: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    volumes: list[tuple[str, str, str]] = field(default_factory=list)
    plugins: list[str] = field(default_factory=list)
    docker_socket: str | None = None
    owner_lock: str | None = None

    def dumps(self) -> str:
        """Return the orders as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, stream: IO[str]) -> Orders:
        """Read orders from a stream."""
        return cls(**json.load(stream))


class Keeper:
    """Keep a container until it is told to stop, until the run ends, or until Kestra does."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.folder = Path(orders.folder)
        for name in (ENDED, FAILED):
            (self.folder / name).unlink(missing_ok=True)
        self.lock = alive.hold(self.folder)
        (self.folder / KEEPER).touch()
        self.abandoned = False
        self.container: KestraContainer | None = None
        self._finished = threading.Event()
        self._starting = threading.Thread(target=self._start, daemon=True, name="container")
        self._error: str | None = None

    def run(self) -> int:
        """Start the container, wait for an end, and remove it; return the exit code."""
        if self.orders.owner_lock is not None:
            owner.watch(Path(self.orders.owner_lock), self._abandon)
        signal.signal(signal.SIGTERM, lambda *_: self._finished.set())
        for thread in (self._starting, threading.Thread(target=self._watch_stop, daemon=True, name="stop")):
            thread.start()
        self._finished.wait()
        self._remove()
        if self._error is None:
            return 0
        sys.stdout.write(f"{self._error}\n")
        return 1

    def _start(self) -> None:
        """Start the container and follow it to its end; it may take minutes, and a stop does not wait for it."""
        try:
            with daemon.connected() as client:
                sweep(client, self.folder)
            self.container = container = self._container()
            container.start()
            self._lease(container, _version(container)).write(self.folder)
            container.get_docker_client().client.api.wait(container.get_container_id(), timeout=None)
            container.reload()
            how = ended(container.get_wrapped_container().attrs["State"])
            if self._fail(f"The Kestra container {how}."):
                (self.folder / ENDED).write_text(how, encoding="utf-8")
        except (docker.errors.DockerException, requests.RequestException) as error:
            self._fail_to_start(f"Docker refused or lost the container: {getattr(error, 'explanation', None) or error}")
        except TimeoutError:
            limit = f"{self.orders.startup_timeout:g} s; a slow machine may need a longer --kestra-startup-timeout"
            self._fail_to_start(f"The Kestra container was not ready after {limit}.")
        except (EngineError, ContainerStartException, httpx.HTTPError, OSError) as error:
            self._fail_to_start(str(error))
        finally:
            self._finished.set()

    def _fail_to_start(self, reason: str) -> None:
        if self._fail(reason):
            with contextlib.suppress(OSError):  # on a full disk the log is all there is
                (self.folder / FAILED).write_text(reason, encoding="utf-8")

    def _fail(self, reason: str) -> bool:
        """Take note of what went wrong; once the container is removed on purpose, nothing does."""
        if self._finished.is_set():
            return False
        self._error = reason
        return True

    def _container(self) -> KestraContainer:
        orders = self.orders
        container = KestraContainer(
            orders.image,
            username=orders.user,
            password=orders.password,
            configuration=orders.configuration,
            secrets=orders.secrets,
            startup_timeout=orders.startup_timeout,
            env=orders.environment,
            volumes=[tuple(volume) for volume in orders.volumes],
        )
        for jar in orders.plugins:
            container.with_plugin(jar)
        if orders.docker_socket is not None:
            container.with_docker_socket(orders.docker_socket)
        container.waiting_for(_Following(orders.startup_timeout))
        return container.with_kwargs(labels={LABEL_HOST: _host(), LABEL_FOLDER: orders.folder})

    def _lease(self, container: KestraContainer, version: str) -> Lease:
        orders, url, name = self.orders, container.get_url(), container.get_container_id()
        direct = container.is_direct()
        return Lease(url, orders.user, orders.password, version, os.getpid(), orders.log, name, direct)

    def _watch_stop(self) -> None:
        while not self._finished.wait(STOP_POLL_S):
            if not (self.folder / KEEPER).exists():
                self._finished.set()

    def _abandon(self) -> None:
        self.abandoned = True
        self._finished.set()

    def _remove(self) -> None:
        # A container that is just being made would come to stay.
        deadline = time.monotonic() + REMOVE_TIMEOUT_S
        while True:
            if self.container is not None:
                with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
                    self.container.stop()
            self._starting.join(STOP_POLL_S)
            if not self._starting.is_alive() or time.monotonic() > deadline:
                break
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException, OSError):
            Reaper.delete_instance()
        if self._error is None:
            for name in (FILE_NAME, KEEPER):
                (self.folder / name).unlink(missing_ok=True)
        if self.abandoned and self.orders.owner_lock is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            owner.clean(Path(self.orders.owner_lock))


class _Following(Answering):
    """Write the container's log to the standard output while it is waited for, and until it ends."""

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        """Return when Kestra answers."""
        following = threading.Thread(target=_follow, args=(container,), daemon=True, name="log")
        following.start()
        try:
            super().wait_until_ready(container)
        except ContainerStartException:
            following.join()  # it has ended, and so does its log
            raise

    def log(self, container: KestraContainer) -> str:  # noqa: ARG002 - it is not asked
        """Return nothing: who has started this shows the end of the log."""
        return ""


def _follow(container: WaitStrategyTarget) -> None:
    with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
        for part in container.get_wrapped_container().logs(stream=True, follow=True):
            sys.stdout.buffer.write(part)
            sys.stdout.flush()


def _version(container: KestraContainer) -> str:
    proxies, url = not container.is_direct(), f"{container.get_url()}/api/v1/configs"
    return str(httpx.get(url, timeout=ANSWER_TIMEOUT_S, trust_env=proxies).raise_for_status().json()["version"])


def sweep(client: docker.DockerClient, own: Path | None = None) -> list[str]:
    """Remove the containers of this machine and user whose keeper no longer lives, and return their ids.

    In its `own` folder a keeper finds only what one before it has left.
    """
    removed = []
    filters: dict[str, Any] = {"label": f"{LABEL_HOST}={_host()}"}
    for container in client.containers.list(all=True, filters=filters, ignore_removed=True):
        folder = Path(container.labels.get(LABEL_FOLDER, ""))
        if folder == own or not alive.alive(folder):
            with _gone():
                container.remove(force=True, v=True)
                removed.append(str(container.id))
    return removed


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    """Let pass that another process removes the same container."""
    try:
        yield
    except docker.errors.APIError as error:
        if error.status_code not in (404, 409):
            raise


def _host() -> str:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return f"{socket.gethostname()}:{user}:{_files()}"


def _files() -> str:
    """Return what differs between two views of a machine's files, such as of two jobs of a CI that share its Docker.

    In the folders of the other one it cannot be seen whether a keeper lives.
    """
    with contextlib.suppress(OSError):  # there are such views on Linux only
        return str(MOUNTS.stat().st_ino)
    return ""


def main() -> None:
    """Keep a container as the standard input says; never returns."""
    code = Keeper(Orders.load(sys.stdin)).run()
    sys.stdout.flush()
    # A start that was given up may still hang in a thread.
    os._exit(code)


if __name__ == "__main__":
    main()
