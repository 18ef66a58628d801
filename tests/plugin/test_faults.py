"""Faults in a run: what the user sees, that the next test gets another engine, and that nothing remains."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polling2
import pytest

from pytest_kestra.engine.home import VARIABLE, Home
from pytest_kestra.engine.lock import Lock
from pytest_kestra.engine.repository import LOCAL_VARIABLE
from tests.plugin.conftest import HOME
from tests.plugin.remains import Remains
from tests.waits import WAIT_S

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

OPTIONS = ("--kestra-server=embedded", f"--kestra-startup-timeout={WAIT_S}")
XDIST = ("-n2", "--dist=loadgroup")
RUN_ONE = """
    def test_it(kestra):
        assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
"""
SCRIPT = """\
id: script
namespace: company.team
tasks:
  - id: sleep
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["echo $$ > {{ inputs.file }}; sleep 1000"]
inputs:
  - {id: file, type: STRING}
"""
# What the tests inside have at hand.
HELPERS = """
import os
import signal
from pathlib import Path

import polling2
import pytest
from pytest_kestra.engine import alive

FOLDER = Path(__file__).parent

def wait_until(condition):
    return polling2.poll(condition, step=0.02, timeout=600)

def kill(server):
    os.kill(alive.pid(server.folder), signal.SIGKILL)
    wait_until(lambda: not alive.alive(server.folder))
"""


@pytest.fixture
def flows(flows: pytest.Pytester) -> pytest.Pytester:
    """Add what the tests inside have at hand."""
    flows.makepyfile(helpers=HELPERS)
    flows.makefile(".yaml", script=SCRIPT)
    return flows


def test_killed_engine_is_told_and_the_next_test_gets_another(flows: pytest.Pytester, remains: Remains) -> None:
    flows.makeconftest("""
        from pytest_kestra.server import started

        started.MOST_RESTARTS = 1
    """)
    flows.makepyfile(
        test_it="""
        import pytest
        from helpers import FOLDER, kill, wait_until

        seen = []

        @pytest.fixture(scope="module")
        def order(kestra_module):
            return kestra_module.deploy("orders.yaml").run()

        def test_killed(order, kestra, kestra_client, kestra_server):
            kestra.deploy("script.yaml").start(inputs={"file": str(FOLDER / "pid")})
            wait_until((FOLDER / "pid").exists)
            seen.append((kestra_client, kestra_client.address))
            kill(kestra_server)
            kestra.deploy("orders.yaml")

        def test_next(kestra, kestra_client, kestra_server):
            client, address = seen[0]
            assert kestra_client is client is kestra.client
            assert kestra_server.address == client.address != address
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"

        def test_shared(order):
            assert order.logs().messages == []

        def test_of_the_client(kestra_client, kestra_server):
            kill(kestra_server)

        def test_refused(kestra_client):
            pass

        def test_without():
            pass
        """
    )
    result = flows.runpytest_subprocess(*OPTIONS, "-rA")

    result.assert_outcomes(passed=3, failed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "What kestra_module has made for several tests was on an engine that has ended since: *",
            "The Kestra engine has ended again after 2 starts in this run, and is not started any more; the log of the "
            "last one, until this run ends: */engine-2.log",
            "E * The Kestra engine was ended by SIGKILL, as the system does where memory runs out (process *).",
            "E * Its log, until this run ends: */engine.log",
            "FAILED test_it.py::test_killed - *The Kestra engine was ended by SIGKILL*",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert remains.all() == []


def test_workers_get_one_new_engine(flows: pytest.Pytester, remains: Remains) -> None:
    flows.makepyfile(
        test_it="""
        import pytest
        from helpers import FOLDER, kill, wait_until

        @pytest.mark.xdist_group("a")
        def test_kills(kestra, kestra_server):
            wait_until((FOLDER / "waits").exists)
            kill(kestra_server)
            (FOLDER / "killed").touch()
            kestra.deploy("orders.yaml")

        @pytest.mark.xdist_group("b")
        def test_suffers(kestra, kestra_server):
            (FOLDER / "waits").touch()
            wait_until((FOLDER / "killed").exists)
            kestra.deploy("orders.yaml")

        @pytest.mark.parametrize("group", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in "ab"])
        def test_next(kestra, kestra_server, group):
            (FOLDER / f"url-{group}").write_text(kestra_server.address.url)
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
        """
    )
    result = flows.runpytest_subprocess(*OPTIONS, *XDIST)

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        ["E *The Kestra engine was ended by SIGKILL*", "E *Its log, until this run ends: */engine.log"]
    )
    result.stdout.fnmatch_lines(["E *The Kestra engine has ended*"])
    assert len({(flows.path / f"url-{group}").read_text() for group in "ab"}) == 1
    assert remains.all() == []


def test_engine_that_hangs_is_told_and_the_next_attempt_gets_another(flows: pytest.Pytester, remains: Remains) -> None:
    # Time is short only where nothing answers any more.
    flows.makeconftest("""
        from pathlib import Path

        from pytest_kestra.server import started

        HANGS = Path(__file__).with_name("hangs")

        def answers(lease, timeout, asks=started.answers):
            hangs = HANGS.exists() and HANGS.read_text() == str(lease.pid)
            return asks(lease, 0.1 if hangs else timeout)

        started.answers = answers
    """)
    flows.makepyfile(
        test_it="""
        import os, signal
        import pytest
        from helpers import FOLDER, kill
        from pytest_kestra.engine import alive

        def test_hangs(kestra, kestra_server):
            pid = alive.pid(kestra_server.folder)
            (FOLDER / "hangs").write_text(str(pid))
            os.kill(pid, signal.SIGSTOP)
            kestra.client._transport._http.timeout = 0.1
            kestra.deploy("orders.yaml")

        @pytest.mark.flaky(reruns=1)
        def test_again(kestra, kestra_server):
            flow = kestra.deploy("orders.yaml")
            if not (FOLDER / "killed").exists():
                (FOLDER / "killed").touch()
                kill(kestra_server)
            assert flow.run().state == "SUCCESS"
        """
    )
    result = flows.runpytest_subprocess(*OPTIONS)

    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "rerun": 1}
    result.stdout.fnmatch_lines(
        [
            "E *The Kestra engine hangs: it has not answered for 30 s (process *).",
            "E *Its log, until this run ends: */engine.log",
        ]
    )
    assert remains.all() == []


def test_engine_that_does_not_get_ready(flows: pytest.Pytester, remains: Remains) -> None:
    flows.makepyfile(test_it=RUN_ONE)
    result = flows.runpytest_subprocess("--kestra-server=embedded", "--kestra-startup-timeout=0.05")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["The embedded engine was not ready after 0.05 s; a slow machine may need a longer --kestra-startup-timeout.*"]
    )
    assert remains.all() == []


@pytest.mark.parametrize("options", [("-x",), ("--maxfail=1", "-n2")], ids=["alone", "xdist"])
def test_run_that_ends_at_its_first_failure(flows: pytest.Pytester, remains: Remains, options: tuple[str, ...]) -> None:
    flows.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_it(kestra, number):
            kestra.deploy("slow.yaml").start()
            assert False
        """
    )
    result = flows.runpytest_subprocess(*OPTIONS, *options)

    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert remains.all() == []


def test_process_that_a_test_ends(flows: pytest.Pytester, remains: Remains) -> None:
    flows.makepyfile(
        test_it="""
        import os

        def test_it(kestra):
            kestra.deploy("slow.yaml").start()
            os._exit(7)
        """
    )

    assert flows.runpytest_subprocess(*OPTIONS).ret == 7
    assert remains.all() == []


def test_worker_that_a_test_ends_is_replaced_and_the_engine_stays(flows: pytest.Pytester, remains: Remains) -> None:
    flows.makepyfile(
        test_it="""
        import os
        import pytest
        from helpers import FOLDER

        @pytest.mark.parametrize("number", range(5))
        def test_it(kestra, kestra_server, number):
            (FOLDER / f"url-{number}").write_text(kestra_server.address.url)
            if number == 2:
                os._exit(7)
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
        """
    )
    result = flows.runpytest_subprocess(*OPTIONS, "-n2")

    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["worker 'gw*' crashed while running 'test_it.py::test_it[[]2[]]'"])
    assert len({file.read_text() for file in flows.path.glob("url-*")}) == 1
    assert remains.all() == []


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_interruption_while_the_engine_starts(
    flows: pytest.Pytester, remains: Remains, workers: tuple[str, ...]
) -> None:
    flows.makepyfile(test_it=RUN_ONE)
    command = [sys.executable, "-m", "pytest", *OPTIONS, *workers]
    with subprocess.Popen(command, cwd=flows.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        polling2.poll(lambda: list(remains.temporary.glob("*/engine-*/alive.pid")), step=0.01, timeout=WAIT_S)
        process.send_signal(signal.SIGINT)
        told = process.stdout.read().decode()

    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in told
    assert remains.all() == []


def test_interruption_while_the_engine_is_stopped(flows: pytest.Pytester, remains: Remains) -> None:
    flows.makeconftest("""
        import os
        import signal

        from pytest_kestra.server import engines

        ask = engines._ask

        def interrupted(method, *arguments):
            if method == "POST":
                os.kill(os.getpid(), signal.SIGINT)
            return ask(method, *arguments)

        engines._ask = interrupted
    """)
    flows.makepyfile(test_it=RUN_ONE)
    result = flows.runpytest_subprocess(*OPTIONS)

    result.stdout.fnmatch_lines(["*1 passed*"])
    assert result.ret != 0
    assert remains.all() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk that is full but for some pages."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root, where mounting is allowed")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_disk_of_the_run_is_full(flows: pytest.Pytester, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small_disk / "filler").write_bytes(bytes(60 * 1024))
    monkeypatch.setenv("TMPDIR", str(small_disk))
    flows.makepyfile(test_it=RUN_ONE)
    result = flows.runpytest_subprocess(*OPTIONS, "-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"*he disk of {small_disk}/pytest-kestra-* is full*TMPDIR to a folder on another disk.*"]
    )
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_disk_of_the_cache_is_full(
    flows: pytest.Pytester, remains: Remains, small_disk: Path, local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(small_disk))
    flows.makepyfile(test_it=RUN_ONE)
    result = flows.runpytest_subprocess(*OPTIONS)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"The disk of {small_disk}* is full: *Make room, or set {VARIABLE} to *"])
    assert remains.all() == []


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder as Maven's own, that has all jars of the engine; no other repository can be asked."""
    lock, home, folder = Lock.read("1.3.31"), Home(Path(HOME)), tmp_path / "m2"
    for jar in (*lock.jars, *lock.tools):
        file = folder / jar.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(home.jar(jar))
    monkeypatch.setenv(LOCAL_VARIABLE, str(folder))
    monkeypatch.setenv("PYTEST_KESTRA_REPOSITORY", "http://127.0.0.1:9")
    return folder


def test_two_runs_that_install_at_the_same_time(
    flows: pytest.Pytester, remains: Remains, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    # What is made of the jars is there; that takes a minute.
    for engine in (Home(Path(HOME)).root / "engines").iterdir():
        (home.root / "engines" / engine.name).mkdir(parents=True)
        for file in engine.iterdir():
            (home.root / "engines" / engine.name / file.name).symlink_to(file)
    monkeypatch.setenv(VARIABLE, str(home.root))
    flows.makepyfile(
        test_it="""
        from helpers import FOLDER

        def test_it(kestra, kestra_server):
            with (FOLDER / "urls").open("a") as file:
                file.write(kestra_server.address.url + "\\n")
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
        """
    )
    command = [sys.executable, "-m", "pytest", *OPTIONS, "-p", "no:cacheprovider"]
    started = [
        subprocess.Popen(command, cwd=flows.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)
    ]
    told = [process.communicate(timeout=WAIT_S)[0].decode() for process in started]

    assert [process.returncode for process in started] == [0, 0], "\n".join(told)
    assert len(set((flows.path / "urls").read_text().split())) == 2
    assert len(list(home.jars.glob("*.jar"))) >= len(Lock.read("1.3.31").jars)
    assert [file for file in home.jars.iterdir() if file.suffix != ".jar"] == []
    assert remains.all() == []
