"""A Maven repository on 127.0.0.1 that can misbehave, and ears for what the installer says."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from urllib.parse import urlsplit

import pytest

from pytest_kestra.engine import remote as remote_module
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.lock import Jar
from pytest_kestra.engine.progress import Advance
from pytest_kestra.engine.remote import Remote
from pytest_kestra.engine.repository import ADDRESS_VARIABLE, LOCAL_VARIABLE, Repository

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
ALWAYS = 1000


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    path: str
    range: str | None
    authorization: str | None


@dataclass(frozen=True)
class Answer:
    """What is different from serving the file."""

    status: int = 200
    content: bytes | None = None
    cut: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Maven:
    """Serve a folder in the layout of a Maven repository; `requests` says what clients asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = ""
        self.ranges = True
        self.requests: list[Request] = []
        self.answers: defaultdict[str, deque[Answer]] = defaultdict(deque)

    def put(self, path: str, content: bytes) -> None:
        """Serve this content."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def publish(self, artifact: str, content: bytes) -> Jar:
        """Serve this content as a jar, and return its entry for a lock."""
        jar = Jar("org.example", artifact, "1.0", len(content), hashlib.sha256(content).hexdigest())
        self.put(jar.path, content)
        return jar

    def fail(self, path: str, status: int, times: int = 1) -> None:
        """Answer with this status so many times."""
        self.answers[path].extend([Answer(status=status, content=b"")] * times)

    def cut(self, path: str, after: int, times: int = 1) -> None:
        """Close the connection after so many bytes of the answer, so many times."""
        self.answers[path].extend([Answer(cut=after)] * times)

    def swap(self, path: str, content: bytes, times: int = 1) -> None:
        """Answer with other content so many times."""
        self.answers[path].extend([Answer(content=content)] * times)

    def redirect(self, path: str, to: str, times: int = 1) -> None:
        """Send clients elsewhere so many times."""
        self.answers[path].extend([Answer(302, b"", headers=(("Location", to),))] * times)

    def asked(self, path: str) -> list[str | None]:
        """Return the ranges that clients asked for of a file, in the order of the requests."""
        return [request.range for request in self.requests if request.path == path]

    def local(self, folder: Path) -> Path:
        """Return a copy of the repository as the folder that Maven keeps on a disk."""
        for file in [file for file in self.folder.rglob("*") if file.is_file()]:
            copy = folder / file.relative_to(self.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
        return folder


class Server(ThreadingTCPServer):
    """Answer each connection in a thread of its own."""

    daemon_threads = True
    request_queue_size = 64


def handler_for(maven: Maven) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers for a repository."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path.removeprefix("/")
            maven.requests.append(Request(path, self.headers["Range"], self.headers["Authorization"]))
            special = maven.answers[path].popleft() if maven.answers[path] else Answer()
            file = maven.folder / path
            content = special.content
            if content is None:
                content = file.read_bytes() if file.is_file() else None
            with contextlib.suppress(ConnectionError):
                if content is None:
                    self.answer(404, b"")
                elif special.status != 200:
                    self.answer(special.status, content, headers=special.headers)
                else:
                    self.serve(content, special.cut)

        def serve(self, content: bytes, cut: int | None) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "") if maven.ranges else None
            start = int(wanted[1]) if wanted else 0
            if wanted is None:
                self.answer(200, content, cut)
            elif start >= len(content):
                self.answer(416, b"")
            else:
                whole = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.answer(206, content[start:], cut, headers=(("Content-Range", whole),))

        def answer(
            self, status: int, content: bytes, cut: int | None = None, headers: tuple[tuple[str, str], ...] = ()
        ) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut])

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


class Heard:
    """Remember what the installer tells a progress."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[str] = []
        self.transfers: list[tuple[str, int]] = []
        self.received = 0
        self.on_note: Callable[[str], object] = self.notes.append

    @contextlib.contextmanager
    def transfer(self, text: str, total: int) -> Iterator[Advance]:
        """Remember text and total, and add up the bytes."""
        self.transfers.append((text, total))
        yield self.advance

    def advance(self, count: int) -> None:
        """Add up the bytes."""
        self.received += count

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Remember the text."""
        self.steps.append(text)
        yield

    def note(self, text: str) -> None:
        """Remember the text."""
        self.on_note(text)


@pytest.fixture(autouse=True)
def own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the user's settings out and the temporary files in, and try again without a pause."""
    for name in (*PROXIES, *map(str.upper, PROXIES), ADDRESS_VARIABLE, LOCAL_VARIABLE, "PYTEST_KESTRA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(remote_module, "BACKOFF_S", 0.0)


@pytest.fixture
def maven(tmp_path: Path) -> Iterator[Maven]:
    """Return a Maven repository on 127.0.0.1."""
    maven = Maven(tmp_path / "maven")
    with Server(("127.0.0.1", 0), handler_for(maven)) as server:
        maven.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002})
        thread.start()
        yield maven
        server.shutdown()
        thread.join()


@pytest.fixture
def repository(maven: Maven) -> Repository:
    """Return the address of the Maven repository, without a local one."""
    return Repository(maven.address)


@pytest.fixture
def nowhere() -> Repository:
    """Return a repository whose connection is refused."""
    with ThreadingTCPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_address[1]
    return Repository(f"http://127.0.0.1:{port}")


@pytest.fixture
def remote(repository: Repository) -> Iterator[Remote]:
    """Return what asks the Maven repository."""
    with Remote.opened(repository, "or do without") as remote:
        yield remote


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home."""
    return Home(tmp_path / "home")


@pytest.fixture
def heard() -> Heard:
    """Return a progress that remembers."""
    return Heard()
