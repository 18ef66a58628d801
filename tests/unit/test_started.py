"""Servers that are started here: shared, started again where they have ended or hang, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polling2
import pytest

from pytest_kestra import ServerError, Settings
from pytest_kestra.engine import alive, spawn
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.spawn import Spawn
from pytest_kestra.server import started
from pytest_kestra.server.engines import running, stop_engine
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run
from pytest_kestra.server.started import MOST_RESTARTS, StartedServer
from tests.unit.conftest import Stub
from tests.waits import WAIT_S

# Answers everything, and ends when it is asked to.
KEEPER = """\
import http.server, os, pathlib, sys
from pytest_kestra.engine import alive
from pytest_kestra.engine.lease import Lease

log, password = sys.stdin.read().split()
folder = pathlib.Path.cwd()
lock = alive.hold(folder)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self):
        self.do_GET()
        os._exit(0)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
Lease(f"http://127.0.0.1:{server.server_port}", "ada", password, "1.3", os.getpid(), log).write(folder)
server.serve_forever()
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


class Kept(StartedServer):
    kind = "kept"
    starts = 0
    fails = lost = False

    def start(self) -> Lease:
        self.starts += 1
        if self.fails:
            raise EngineError("The keeper did not start.\nIts story.")
        (self.folder / "keeper.py").write_text(KEEPER, encoding="utf-8")
        password = f"s3cret-{os.urandom(4).hex()}"
        orders = f" {password}"
        return Spawn("The keeper", "keeper", self.folder, lambda log: log + orders, password, WAIT_S).start()

    def _use(self, lease: Lease) -> None:
        if self.lost:
            raise EngineError("The keeper cannot be asked.")
        super()._use(lease)


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run.create()
    yield run
    run.finish()
    assert not run.folder.exists()


def kept(run: Run, **values: object) -> Kept:
    settings = Settings().override(values, "the test")
    return Kept(settings, run, Equipment(), made_of=["a keeper"])


def test_one_server_for_all_who_share_its_folder(run: Run) -> None:
    first, second = kept(run), kept(Run.join(run.folder))

    first.open()
    second.open()

    assert (first.starts, second.starts) == (1, 0)
    assert first.address == second.address
    assert not first.renew()
    assert first.ending() is None


def test_server_that_has_ended_is_started_again_once_for_all(run: Run) -> None:
    first, second = kept(run), kept(Run.join(run.folder))
    first.open()
    second.open()
    old = first.address
    spawn.kill(first.folder)

    assert second.renew()
    # Its process was another, and the new one is there already.
    told = first.ending()
    assert told is not None
    assert told.endswith(f"\nIts log, until this run ends: {first.folder / 'engine.log'}")
    assert first.renew()
    assert not first.renew()

    assert (first.starts, second.starts) == (1, 1)
    assert first.address == second.address != old
    assert [log.name for log in spawn.logs(first.folder)] == ["engine.log", "engine-2.log"]


def test_server_that_hangs_is_ended_when_it_is_doubted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    server = kept(run)
    server.open()
    lease = Lease.read(server.folder)
    assert lease is not None
    server.doubt()
    assert not server.renew()
    os.kill(lease.pid, signal.SIGSTOP)
    assert not server.renew()
    monkeypatch.setattr(started, "HANG_TIMEOUT_S", 0.1)

    told = server.ending()

    assert told is not None
    assert told.startswith(f"The Kestra engine hangs: it has not answered for 0.1 s (process {lease.pid}).\n")
    server.doubt()
    assert server.renew()
    assert spawn.exit_code(lease.pid, 0) is None
    assert server.starts == 2


def test_server_is_started_again_a_few_times_only(run: Run) -> None:
    server = kept(run)
    server.open()
    for _ in range(MOST_RESTARTS):
        spawn.kill(server.folder)
        assert server.renew()
    spawn.kill(server.folder)

    for _ in range(2):
        with pytest.raises(ServerError) as raised:
            server.renew()
        assert str(raised.value) == (
            "The Kestra engine has ended again after 4 starts in this run, and is not started any more; "
            f"the log of the last one, until this run ends: {server.folder / 'engine-4.log'}"
        )
    assert server.starts == 1 + MOST_RESTARTS


def test_start_that_fails_is_tried_once_for_all(run: Run) -> None:
    first, second = kept(run), kept(Run.join(run.folder))
    first.fails = True
    with pytest.raises(ServerError, match=r"^The keeper did not start\.\nIts story\.$"):
        first.open()
    with pytest.raises(ServerError, match=r"^The Kestra engine cannot be had in this run: The keeper did not start\.$"):
        second.open()

    assert (first.starts, second.starts) == (1, 0)


def test_server_that_cannot_be_asked_about_is_told(run: Run) -> None:
    server = kept(run)
    server.open()
    spawn.kill(server.folder)
    server.lost = True

    for attempt in (server.renew, server.open):
        with pytest.raises(ServerError, match=r"^The keeper cannot be asked\.$"):
            attempt()


def test_warm_server_does_not_count_the_starts_of_other_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_KESTRA_HOME", str(tmp_path))
    for _ in range(MOST_RESTARTS + 2):
        run = Run.create()
        server = Kept(Settings(reuse=True), run, Equipment(), made_of=["a keeper"])
        server.open()
        spawn.kill(server.folder)
        run.finish()
        assert server.starts == 1


def test_nothing_is_started_for_a_run_that_has_ended() -> None:
    run = Run.create()
    server = kept(run)
    server.open()
    run.finish()

    for attempt in (server.renew, server.open):
        with pytest.raises(ServerError, match=r"^The test run has ended: no server is started for it any more\.$"):
            attempt()
    assert not run.folder.exists()


def test_server_that_only_starts_is_ended_with_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its password is not the one that is waited for: it is never ready.
    server = kept(run)
    monkeypatch.setattr(Lease, "read", lambda _: None)

    def start() -> None:
        with pytest.raises(ServerError):
            server.open()

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    polling2.poll(lambda: alive.pid(server.folder), step=0.01, timeout=WAIT_S)

    run.finish()

    assert not alive.alive(server.folder)
    starting.join(WAIT_S)


def test_folder_goes_also_where_a_start_that_has_failed_is_just_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create()
    rmdir = os.rmdir
    late = [run.folder / "of another process"]

    def once_late(path: str, **options: Any) -> None:
        if late and Path(path).name in str(run.folder):
            late.pop().touch()
        rmdir(path, **options)

    monkeypatch.setattr(os, "rmdir", once_late)

    run.finish()

    assert not late
    assert not run.folder.exists()


def test_stale_lease_is_cleaned(tmp_path: Path) -> None:
    Lease("http://127.0.0.1:9", "ada", "s3cret", "1.3.31", 1).write(tmp_path)

    assert running(tmp_path) is None
    assert not stop_engine(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_lease_whose_process_and_port_are_of_others_now_is_no_server(run: Run, stub: Stub) -> None:
    stub.on("GET", "/api/v1/configs", "{}")
    server = kept(run)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        server.folder.mkdir()
        Lease(stub.url, "ada", "s3cret", "1.3.31", other.pid).write(server.folder)
        (server.folder / alive.PID_NAME).write_text(str(other.pid), encoding="ascii")

        server.open()

        assert server.address.url != stub.url
        assert stub.asked == []
        assert other.poll() is None
        other.kill()


def test_server_that_lives_is_not_asked_before_each_test(run: Run) -> None:
    server = kept(run)
    server.open()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "request", None)

        assert not server.renew()
