from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pytest_kestra.address import Address
from pytest_kestra.client.client import Client


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Stub:
    """A server that gives the answers it was told to, by method and path without query; else 404.

    `headers` are those of every answer.
    """

    url: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    answers: dict[tuple[str, str], Callable[[Asked], tuple[int, str]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, body: str, status: int = 200) -> None:
        self.answers[method, path] = lambda _: (status, body)

    def answer(self, asked: Asked) -> tuple[int, str]:
        self.asked.append(asked)
        found = self.answers.get((asked.method, asked.path.partition("?")[0]))
        return found(asked) if found else (404, '{"message": "Not Found"}')


@contextlib.contextmanager
def stub_server(tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """Run a stub on this machine, with TLS if it is given how."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode()
            status, text = stub.answer(Asked(self.command, self.path, dict(self.headers.items()), body))
            content = text.encode()
            self.send_response(status)
            for name, value in stub.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing: a client that no longer waits is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        stub.url = f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}"
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        yield stub
        server.shutdown()
        thread.join()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as stub:
        yield stub


@pytest.fixture
def client(stub: Stub) -> Iterator[Client]:
    with Client(Address(stub.url, "ada", "s3cret", version="1.3.31")) as client:
        yield client
