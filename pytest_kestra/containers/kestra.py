"""Kestra as a container of testcontainers."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import httpx
import yaml
from testcontainers.core.config import ConnectionMode
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from pytest_kestra.containers import daemon
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.engine import clients
from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.lock import available_versions, resolve_version
from pytest_kestra.engine.plugins import free_name

REPOSITORY = "kestra/kestra"
PORT, MANAGEMENT_PORT = 8080, 8081
# Kestra takes an address of mail as the name of its user.
USER = "kestra@pytest-kestra.local"
PLUGINS = "/app/plugins"
VARIABLE = "KESTRA_CONFIGURATION"
DOCKER_SOCKET = "/var/run/docker.sock"
STARTUP_TIMEOUT_S = 300.0
POLL_S = 0.1
REQUEST_TIMEOUT_S = 5.0
LOG_LINES = 50
LOCAL = ("localhost", "127.0.0.1", "::1")

# A server for tests brings no flows of its own, reports nothing, and looks at its queues often.
CONFIGURATION: dict[str, Any] = {
    "kestra": {
        "tutorial-flows": {"enabled": False},
        "anonymous-usage-report": {"enabled": False},
        "ui-anonymous-usage-report": {"enabled": False},
        "jdbc": {"queues": {"min-poll-interval": "10ms", "max-poll-interval": "100ms", "poll-switch-interval": "5s"}},
    }
}
# Scripts run in Kestra's own container, as Docker is not to be had there.
PROCESS_DEFAULTS = [
    {
        "type": "io.kestra.plugin.scripts",
        "values": {"taskRunner": {"type": "io.kestra.plugin.core.runner.Process"}},
    }
]


def official_image(version: str) -> str:
    """Return the name of Kestra's official image of a version or line, with all plugins.

    ContainerError where it is a line that is not known.
    """
    if version.count(".") > 1:
        return f"{REPOSITORY}:v{version}"
    try:
        return f"{REPOSITORY}:v{resolve_version(version)}"
    except InstallError as error:
        raise ContainerError(
            f"No official image is known for Kestra {version}: name a whole version with --kestra-version, such as "
            f"{available_versions()[0]}, or an image with --kestra-image."
        ) from error


class KestraContainer(DockerContainer):
    """Run Kestra in a container: one process, all in memory, gone with the container.

    The password is made up where none is given; Kestra wants eight characters or more with a capital and a digit.
    `secrets` are what `{{ secret('NAME') }}` renders, `configuration` is nested as in Kestra's own YAML and goes over
    what is set here. Scripts run as processes of the container, or with `with_docker_socket` in containers of their
    own. ContainerError where no Docker engine answers. See https://kestra.io/docs/configuration.

    >>> with KestraContainer() as kestra:  # doctest: +SKIP
    ...     httpx.get(f"{kestra.get_url()}/api/v1/main/flows/search", auth=(kestra.username, kestra.password))
    """

    def __init__(
        self,
        image: str | None = None,
        *,
        username: str = USER,
        password: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        startup_timeout: float = STARTUP_TIMEOUT_S,
        **kwargs: Any,
    ) -> None:
        with daemon.telling():
            super().__init__(image or official_image("1.3"), **kwargs)
        self.username = username
        self.password = password or made_password()
        self.configuration = dict(configuration or {})
        self.secrets = dict(secrets or {})
        self.startup_timeout = startup_timeout
        self.docker_socket: str | None = None
        self._plugins: dict[Path, str] = {}
        self.with_exposed_ports(PORT, MANAGEMENT_PORT)
        if self._command is None:
            self.with_command("server local")

    def with_configuration(self, configuration: Mapping[str, Any]) -> KestraContainer:
        """Add configuration, nested as in Kestra's YAML; it goes over what was set before."""
        self.configuration = merged(self.configuration, configuration)
        return self

    def with_secret(self, name: str, value: str) -> KestraContainer:
        """Add what `{{ secret('NAME') }}` renders."""
        self.secrets[name] = value
        return self

    def with_plugin(self, jar: str | PathLike[str]) -> KestraContainer:
        """Add the jar of a plugin; ContainerError where there is no such file."""
        path = Path(jar).absolute()
        if not path.is_file():
            raise ContainerError(f"There is no plugin {path}: it is no file.")
        if path not in self._plugins:
            self._plugins[path] = free_name(path, self._plugins.values())
            # Not mounted, as Docker may see other files than we do, such as from the container of a CI job.
            self.with_copy_into_container(path, f"{PLUGINS}/{self._plugins[path]}")
        return self

    def with_docker_socket(self, socket: str = DOCKER_SOCKET) -> KestraContainer:
        """Let scripts run in containers of their own: Kestra gets Docker's socket, and runs as root to use it."""
        self.docker_socket = socket
        return self

    def get_url(self) -> str:
        """Return the address of the API and the user interface."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    def get_management_url(self) -> str:
        """Return the address of `/health`."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(MANAGEMENT_PORT)}"

    def log_tail(self, lines: int = LOG_LINES) -> str:
        """Return the last lines that Kestra has written."""
        text: bytes = self.get_wrapped_container().logs(tail=lines)
        return text.decode(errors="replace").rstrip()

    def _configure(self) -> None:
        """Set what the container is told, as late as possible: all `with_…` come before."""
        credentials = {"basic-auth": {"username": self.username, "password": self.password}}
        values = merged(CONFIGURATION, {"kestra": {"server": credentials}})
        values["kestra"]["encryption"] = {"secret-key": base64.b64encode(secrets.token_bytes(32)).decode()}
        if self.docker_socket is None:
            values["kestra"]["plugins"] = {"defaults": PROCESS_DEFAULTS}
        else:
            self.with_volume_mapping(self.docker_socket, DOCKER_SOCKET, "rw")
            self.with_kwargs(**{"user": "root", **self._kwargs})
        # As who runs the image otherwise gives it.
        own = yaml.safe_load(self.env.get(VARIABLE, "")) or {}
        if not isinstance(own, Mapping):
            raise ContainerError(f"{VARIABLE} in the container's environment is no YAML with keys and values.")
        self.with_env(VARIABLE, yaml.safe_dump(merged(merged(values, own), self.configuration)))
        for name, value in self.secrets.items():
            if not isinstance(value, str):
                raise ContainerError(f"The secret {name!r} is of the type {type(value).__name__}, not a text.")
            self.with_env(f"SECRET_{name.upper()}", base64.b64encode(value.encode()).decode())
        if self.is_local() or self._mode is ConnectionMode.bridge_ip:
            # Nobody else on the network gets in.
            for port, bound in self.ports.items():
                self.ports[port] = ("127.0.0.1",) if bound is None else bound  # type: ignore[assignment]
        if self._wait_strategy is None:
            self.waiting_for(Answering(self.startup_timeout))

    def is_local(self) -> bool:
        """Say whether the container's ports are those of this machine."""
        return self._mode is ConnectionMode.docker_host and self.get_docker_client().host() in LOCAL

    def is_direct(self) -> bool:
        """Say whether the container is where no proxy of the environment leads: here, or in a network of Docker's."""
        return self._mode is not ConnectionMode.docker_host or self.is_local()

    @property
    def _mode(self) -> ConnectionMode:
        return self.get_docker_client().get_connection_mode()


class Answering(WaitStrategy):
    """Wait until Kestra is up and answers who has the credentials; a container that ends meanwhile is told at once.

    `timeout` is in seconds.
    """

    def __init__(self, timeout: float = STARTUP_TIMEOUT_S) -> None:
        super().__init__()
        self._startup_timeout = timeout

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        """Return when Kestra answers; ContainerStartException and TimeoutError show its last log lines."""
        assert isinstance(container, KestraContainer)
        deadline = time.monotonic() + self._startup_timeout
        auth, trusting = (container.username, container.password), not container.is_direct()
        with clients.client(auth=auth, timeout=REQUEST_TIMEOUT_S, trust_env=trusting) as client:
            while not _answers(client, container):
                container.reload()
                state = container.get_wrapped_container().attrs["State"]
                if container.status in ("exited", "dead", "removing"):
                    raise ContainerStartException(
                        f"The Kestra container {ended(state)} while it started.{self.log(container)}"
                    )
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"The Kestra container was not ready after {self._startup_timeout:g} s.{self.log(container)}"
                    )
                time.sleep(POLL_S)

    def log(self, container: KestraContainer) -> str:
        """Return the last lines that Kestra has written, as the end of an error."""
        text = container.log_tail()
        return f"\nThe last lines of its log:\n{text}" if text else " Its log is empty."


def made_password() -> str:
    """Return a password that nobody can guess and that Kestra takes."""
    return f"Pk1{secrets.token_urlsafe(24)}"


def ended(state: Mapping[str, Any]) -> str:
    """Say how a container has ended, by what Docker tells of its state, as the end of a sentence."""
    if state.get("OOMKilled"):
        return "was ended, since its memory ran out"
    code = state.get("ExitCode")
    killed = " (SIGKILL, as the system does where memory runs out)" if code == 137 else ""
    return f"ended with the exit code {code}{killed}"


def _answers(client: httpx.Client, container: KestraContainer) -> bool:
    """Ask for the health first, which needs no credentials, and then who may ask."""
    try:
        urls = f"{container.get_management_url()}/health", f"{container.get_url()}/api/v1/main/flows/search?size=1"
        return all(client.get(url).is_success for url in urls)
    except (httpx.HTTPError, ContainerStartException, ConnectionError, TimeoutError):
        return False


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a nested configuration with another one over it; lists are taken whole."""
    values = dict(under)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(values.get(key), Mapping)
        values[key] = merged(values[key], value) if both else value
    return values
