from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from testcontainers.core.config import testcontainers_config

from pytest_kestra.containers import daemon
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.containers.kestra import KestraContainer
from pytest_kestra.engine.progress import SilentProgress

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Docker's socket is one of Unix")
NOBODY = 65534


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the socket of a Docker engine is looked for; there is none."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


class Docker(BaseHTTPRequestHandler):
    """Answer as a Docker engine does that has no images; `answers` are texts by the beginnings of paths."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, tuple[int, str]]] = {}
    asked: ClassVar[list[str]] = []

    def _answer(self) -> None:
        self.asked.append(self.path)
        found = [answer for beginning, answer in self.answers.items() if beginning in self.path]
        status, text = found[0] if found else (200, json.dumps({"ApiVersion": "1.41"}))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        # What is told bit by bit comes in chunks.
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in [*text.encode().splitlines(keepends=True), b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    do_GET = do_POST = _answer

    def log_message(self, *_: Any) -> None: ...

    def address_string(self) -> str:
        return "unix"


class UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX if hasattr(socket, "AF_UNIX") else socket.AF_INET

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "docker", 0

    def get_request(self) -> Any:
        return self.socket.accept()[0], ("docker", 0)


@pytest.fixture
def docker(host: Path) -> Iterator[type[Docker]]:
    """Serve a Docker engine whose answers a test sets."""
    Docker.answers, Docker.asked = {"/images/": (404, json.dumps({"message": "No such image"}))}, []
    with UnixServer(str(host), Docker) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Docker
        server.shutdown()
        thread.join()


def connect() -> None:
    with daemon.connected():
        pass


def pull(image: str) -> None:
    with daemon.connected() as client:
        daemon.require_image(client, image, SilentProgress())


def test_no_docker(host: Path) -> None:
    with pytest.raises(ContainerError) as caught:
        connect()
    assert str(caught.value) == (
        f"No Docker engine answers at unix://{host}: its socket does not exist. "
        "Start Docker (`docker info` shows when it answers), or say with DOCKER_HOST where it is."
    )


def test_no_docker_for_a_container(host: Path) -> None:
    with pytest.raises(ContainerError, match=rf"^No Docker engine answers at unix://{host}: its socket does not exist"):
        KestraContainer()


def test_docker_that_has_ended(host: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(host))
    with pytest.raises(ContainerError, match="nothing listens at its socket"):
        connect()


@pytest.mark.skipif(not hasattr(os, "fork") or os.getuid() != 0, reason="only root can become somebody else")
def test_no_permission_on_its_socket(host: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(host))
    listening.listen()
    for folder in host.parents[:-2]:
        folder.chmod(0o755)
    host.chmod(0o600)
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover - coverage does not follow it
        os.setuid(NOBODY)
        try:
            connect()
        except ContainerError as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 1000).decode()
    for descriptor in (reading, writing):
        os.close(descriptor)
    listening.close()

    assert told.startswith(f"You have no permission to use Docker's socket {host}. Add yourself to its group")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")
def test_something_else_than_docker(host: Path, docker: type[Docker]) -> None:
    docker.answers = {"": (500, "I am no Docker")}
    with pytest.raises(ContainerError, match=f"No Docker engine answers at unix://{host}: .*I am no Docker"):
        connect()


def test_other_addresses_are_docker_clients_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    with pytest.raises(ContainerError, match=rf"No Docker engine answers at tcp://127.0.0.1:{port}: .*refused"):
        connect()


def test_image_that_is_there_is_not_pulled(docker: type[Docker]) -> None:
    docker.answers = {"/images/": (200, json.dumps({"Id": "sha256:1"}))}
    pull("kestra/kestra:v1.3.31")

    assert not any("create" in path for path in docker.asked)


def test_image_that_does_not_exist(docker: type[Docker]) -> None:
    docker.answers = {"/images/create": (404, json.dumps({"message": "manifest unknown"})), **docker.answers}
    with pytest.raises(ContainerError) as caught:
        pull("kestra/kestra:v9.9.9")
    assert str(caught.value).splitlines()[:3] == [
        "The image kestra/kestra:v9.9.9 cannot be pulled: manifest unknown.",
        "To fix this, either:",
        "  - correct its name: --kestra-image, or --kestra-version for the official one",
    ]


def test_pull_that_breaks_off(docker: type[Docker]) -> None:
    lines = [
        {"status": "Downloading", "id": "a", "progressDetail": {"current": 5, "total": 10}},
        {"error": "unexpected EOF", "errorDetail": {}},
    ]
    docker.answers = {"/images/create": (200, "\r\n".join(map(json.dumps, lines))), **docker.answers}
    with pytest.raises(ContainerError, match=r"cannot be pulled: unexpected EOF\."):
        pull("kestra/kestra:v1.3.31")


def test_image_name_that_is_none(docker: type[Docker]) -> None:
    docker.answers = {"/images/": (400, json.dumps({"message": "invalid reference format"}))}
    with pytest.raises(ContainerError, match="does not take the image name 'a b': invalid reference format"):
        pull("a b")


@pytest.mark.parametrize(
    ("image", "asked"),
    [
        ("kestra/kestra:v1", "tag=v1&fromImage=kestra%2Fkestra"),
        ("kestra/kestra", "tag=latest&fromImage=kestra%2Fkestra"),
        ("127.0.0.1:5000/kestra", "tag=latest&fromImage=127.0.0.1%3A5000%2Fkestra"),
        ("kestra/kestra@sha256:12", "tag=sha256%3A12&fromImage=kestra%2Fkestra"),
    ],
)
def test_names_of_images(docker: type[Docker], image: str, asked: str) -> None:
    docker.answers = {"/images/create": (200, "{}"), **docker.answers}
    pull(image)

    assert any(asked in path for path in docker.asked), docker.asked


def test_reaper_that_cannot_be_had(docker: type[Docker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    docker.answers = {"/images/create": (404, json.dumps({"message": "no network"})), **docker.answers}
    with daemon.connected() as client, pytest.raises(ContainerError, match=r"(?s)needs Ryuk.*RYUK_DISABLED=true"):
        daemon.require_reaper(client, SilentProgress())


def test_reaper_that_is_not_wanted(docker: type[Docker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    with daemon.connected() as client:
        daemon.require_reaper(client, SilentProgress())

    assert not any("images" in path for path in docker.asked)
