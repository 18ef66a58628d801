"""Starting, sharing and ending engines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polling2
import pytest

from pytest_kestra import Client, Kestra, ServerError, Settings
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.home import VARIABLE, Home
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.launcher import Launch
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.lock import Lock
from pytest_kestra.engine.marker import Marker
from pytest_kestra.engine.repository import LOCAL_VARIABLE
from pytest_kestra.engine.spawn import log_tail, wait_for_end
from pytest_kestra.server.embedded import EmbeddedServer
from pytest_kestra.server.engines import running, stop_engine
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.existing import ExistingServer
from pytest_kestra.server.run import Run
from tests.unit.conftest import Stub, stub
from tests.waits import WAIT_S

__all__ = ["stub"]

FLOW = """\
id: f
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ globals.color }} {{ secret('FRUIT') }}"
"""
SCRIPT = """\
id: f
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["echo hello"]
"""


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run.create()
    yield run
    run.finish()


@pytest.fixture
def own_home(tmp_path: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home of the test's own: its jars and engines are links to those that are installed.

    They count as made there, so that nobody makes the start-up cache again, which takes half a minute.
    """
    home = Home(tmp_path / "home")
    home.jars.mkdir(parents=True)
    for jar in installation.jars:
        (home.jars / jar.name).symlink_to(jar)
    for tool in Lock.read(installation.version).tools:
        (home.jars / tool.file_name).symlink_to(Home.configured().jar(tool))
    engine = home.root / "engines" / installation.folder.name
    engine.mkdir(parents=True)
    marker = Marker.read(installation.folder)
    for name in marker.files:
        (engine / name).symlink_to(installation.folder / name)
    replace(marker, place=str(engine)).write(engine)
    monkeypatch.setenv(VARIABLE, str(home.root))
    return home


def gone(lease: Lease) -> bool:
    """Tell whether nothing listens any more where an engine did."""
    host, _, port = lease.url.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def server(run: Run, **options: object) -> EmbeddedServer:
    settings = Settings().override({"timeout": 60, "startup_timeout": 600, **options}, "the test")
    return EmbeddedServer(settings, run, Equipment())


def test_credentials_are_in_no_command_line_and_no_log(installation: Installation, tmp_path: Path) -> None:
    lease = Launch(installation, tmp_path).start()

    command = Path(f"/proc/{lease.pid}/cmdline")
    if command.exists():  # where there is none, ps cannot show it either
        assert lease.password not in command.read_text(encoding="utf-8")
    assert lease.password not in log_tail(tmp_path)
    assert lease.password not in repr(lease)
    assert (tmp_path / "engine.json").stat().st_mode & 0o077 == 0
    assert lease.url.startswith("http://127.0.0.1:")
    assert stop_engine(tmp_path)
    assert gone(lease)
    assert not (tmp_path / "engine.json").exists()
    assert not (tmp_path / "storage").exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["alive.lock", "engine.log", "logback.xml"]


def test_starts_without_its_start_up_cache(installation: Installation, tmp_path: Path) -> None:
    lease = Launch(installation, tmp_path, options=[], startup_timeout=600).start()

    assert running(tmp_path) == lease
    assert stop_engine(tmp_path)


def test_configuration_secrets_and_plugins_reach_the_engine(
    installation: Installation, run: Run, tmp_path: Path
) -> None:
    # Stands for an official jar: it offers the same tasks, so that our own are left out.
    jar = tmp_path / "plugin-script.jar"
    shutil.copyfile(installation.scripts_jar, jar)
    config = {"kestra": {"variables": {"globals": {"color": "blue"}}}}
    server = EmbeddedServer(Settings(), run, Equipment(config, {"fruit": "plum"}, [str(jar)])).open()

    with Client(server.address) as client, Kestra(client, namespace="t") as kestra:
        assert kestra.deploy(FLOW).run().task("say").outputs["value"] == "blue plum"
        assert "hello" in kestra.deploy(SCRIPT.replace("id: f", "id: g")).run().logs().messages
    (folder,) = run.folder.glob("engine-*")
    assert [file.name for file in (folder / "plugins").iterdir()] == [jar.name]


def test_jar_in_the_folder_of_plugins_is_found(own_home: Home, installation: Installation, run: Run) -> None:
    own_home.plugins.mkdir()
    shutil.copyfile(installation.scripts_jar, own_home.plugins / "plugin-script.jar")

    with Client(server(run).open().address) as client, Kestra(client, namespace="t") as kestra:
        assert "hello" in kestra.deploy(SCRIPT).run().logs().messages
    (folder,) = run.folder.glob("engine-*")
    assert [file.name for file in (folder / "plugins").iterdir()] == ["plugin-script.jar"]


def test_engine_ends_when_the_process_that_owns_it_is_killed(tmp_path: Path) -> None:
    code = (
        "from pytest_kestra import Settings\n"
        "from pytest_kestra.server.embedded import EmbeddedServer\n"
        "from pytest_kestra.server.equipment import Equipment\n"
        "from pytest_kestra.server.run import Run\n"
        "run = Run.create()\n"
        "EmbeddedServer(Settings(), run, Equipment()).open()\n"
        "print(run.folder, flush=True)\n"
        "input()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    with owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        (engine,) = folder.glob("engine-*")
        lease = running(engine)
        owner.kill()

    assert lease is not None
    polling2.poll(lambda: gone(lease), step=0.05, timeout=WAIT_S)
    # It takes its traces along.
    polling2.poll(lambda: not folder.exists(), step=0.05, timeout=WAIT_S)


def test_engine_that_is_asked_to_end_takes_its_scripts_along(run: Run, tmp_path: Path) -> None:
    embedded = server(run).open()
    lease = Lease.read(embedded.folder)
    assert lease is not None
    script = SCRIPT.replace("echo hello", f"echo $$ > {tmp_path}/pid; sleep 300")
    with Client(embedded.address) as client:
        Kestra(client, namespace="t").deploy(script).start()
        pid = polling2.poll(lambda: _text(tmp_path / "pid"), step=0.02, timeout=WAIT_S)
        os.kill(lease.pid, signal.SIGTERM)
    wait_for_end(lease.pid, WAIT_S)

    assert Lease.read(embedded.folder) is None
    polling2.poll(lambda: not Path(f"/proc/{pid}").exists(), step=0.02, timeout=WAIT_S)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def test_proxy_of_the_environment_is_not_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    first, second = server(run).open(), server(Run.join(run.folder)).open()

    assert first.address == second.address
    settings = {"server": first.address.url, "user": first.address.user, "password": first.address.password}
    existing = ExistingServer(Settings().override(settings, "the test")).open()
    assert existing.address.version == "1.3.31"
    assert stop_engine(first.folder)


def test_credentials_of_an_own_engine_at_a_url_are_known(run: Run) -> None:
    embedded = server(run).open()
    settings = Settings().override({"server": embedded.address.url}, "the test")
    existing = ExistingServer(settings).open()

    assert (existing.address.user, existing.address.password) == (embedded.address.user, embedded.address.password)
    assert stop_engine(embedded.folder)
    with pytest.raises(ServerError, match="No Kestra server answers"):
        ExistingServer(settings).open()


def test_other_server_on_the_port_of_a_lease_is_not_taken_for_the_engine(tmp_path: Path, stub: Stub) -> None:
    stub.on("GET", "/health", "{}")
    stub.on("GET", "/api/v1/configs", "", 401)
    Lease(stub.url, "ada", "s3cret", "1.3.31", 1).write(tmp_path)

    assert running(tmp_path) is None


def test_home_that_cannot_be_used_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))

    with pytest.raises(ServerError, match=r"^Cannot write to .*file/warm/.*: Not a directory\."):
        server(run, reuse=True).open()


def test_home_with_any_name_works_though_slowly(
    installation: Installation, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "häuschen"
    home.symlink_to(Home.configured().root)
    monkeypatch.setenv(VARIABLE, str(home))

    with Client(server(run).open().address) as client, Kestra(client, namespace="t") as kestra:
        assert kestra.deploy(SCRIPT).run().state == "SUCCESS"


def test_engine_that_dies_is_told_with_its_log(run: Run) -> None:
    embedded = server(run).open()
    (folder,) = run.folder.glob("engine-*")
    lease = Lease.read(folder)
    assert lease is not None
    with Client(embedded.address) as client:
        kestra = Kestra(client, namespace="t")
        flow = kestra.deploy(SCRIPT)
        os.kill(lease.pid, signal.SIGKILL)
        wait_for_end(lease.pid, WAIT_S)
        with pytest.raises(ServerError, match=r"^The Kestra server at http://127.0.0.1:\d+ no longer answers: "):
            flow.run()
    assert running(folder) is None
    (folder / "engine.log").write_text("one\ntwo\n", encoding="utf-8")
    assert embedded.log_tail(1) == "two"


def test_processes_of_a_run_share_one_engine(run: Run) -> None:
    first, second = server(run).open(), server(Run.join(run.folder)).open()

    assert first.address == second.address
    second.close()
    assert len(list(run.folder.glob("engine-*"))) == 1
    given = {"secrets", "plugins", "configuration"}
    assert first.capabilities == {"embedded", "settled", "ephemeral", "mocks", *given}


@pytest.mark.parametrize(
    ("options", "timeout", "message"),
    [
        (
            ["-XX:NoSuchOption"],
            60.0,
            r"ended while it started \(exit code 1\)\.\nThe last lines of its log.*NoSuchOption",
        ),
        ([], 0.05, r"was not ready after 0.05 s; a slow machine may need a longer --kestra-startup-timeout"),
    ],
)
def test_engine_that_does_not_start(
    installation: Installation, tmp_path: Path, options: list[str], timeout: float, message: str
) -> None:
    with pytest.raises(EngineError, match=f"(?s){message}"):
        Launch(installation, tmp_path, options=options, startup_timeout=timeout).start()

    assert Lease.read(tmp_path) is None


def test_wrong_configuration_is_told_with_the_log(run: Run) -> None:
    config = {"kestra": {"storage": {"type": "nothing"}}}
    with pytest.raises(ServerError, match=r"(?s)The embedded engine ended while it started.*nothing"):
        EmbeddedServer(Settings(), run, Equipment(config)).open()


def test_damaged_jar_is_healed_when_the_engine_does_not_start(
    own_home: Home, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (jar,) = (jar for jar in Lock.read("1.3.31").jars if jar.artifact == "micronaut-context")
    installed = own_home.jar(jar)
    local = tmp_path / "m2" / jar.path
    local.parent.mkdir(parents=True)
    shutil.copyfile(installed, local)
    installed.unlink()
    installed.write_bytes(bytes(jar.size))
    monkeypatch.setenv(LOCAL_VARIABLE, str(tmp_path / "m2"))

    with Client(server(run).open().address) as client, Kestra(client, namespace="t") as kestra:
        assert kestra.deploy(SCRIPT).run().state == "SUCCESS"
    assert installed.read_bytes() == local.read_bytes()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_kestra.cli", "engine", *arguments], capture_output=True, text=True, check=False
    )


def test_engine_stays_warm_until_it_is_stopped(
    own_home: Home, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the engines of test runs, such as this one.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert "Running: nothing" in command("status").stdout
    assert command("stop").stdout == "No engine was running\n"
    assert "There is no log" in command("logs").stdout

    started = command("start")
    assert started.stdout.startswith("Kestra 1.3.31 answers at http://127.0.0.1:"), started.stderr
    status = command("status").stdout
    assert f"Folder: {own_home.root}\nInstalled: 1.3.31-" in status
    assert "Running: Kestra 1.3.31 at http://127.0.0.1:" in status

    warm = server(run, reuse=True).open()
    assert warm.address.url in status
    assert "ephemeral" not in warm.capabilities
    (folder,) = own_home.warm.iterdir()
    (folder / "engine.log").write_text("one\ntwo\n", encoding="utf-8")
    assert command("logs", "--lines", "1").stdout == "two\n"

    lease = Lease.read(folder)
    assert lease is not None
    assert command("stop").stdout == "1 engine(s) stopped\n"
    assert gone(lease)
    assert list(own_home.warm.iterdir()) == []


def test_lease_that_nobody_keeps_is_no_engine(tmp_path: Path) -> None:
    Lease("http://127.0.0.1:9", "ada", "s3cret", "1.3.31", 1).write(tmp_path)

    assert running(tmp_path) is None
    assert not stop_engine(tmp_path)
    assert Lease.read(tmp_path) is None
    (tmp_path / "engine.json").write_text(json.dumps({"url": "x"}), encoding="utf-8")
    assert running(tmp_path) is None
    assert not stop_engine(tmp_path)


def test_installing_what_is_installed_says_where_it_is(own_home: Home) -> None:
    done = command("install")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Kestra 1.3.31 is installed in {own_home.root}")
