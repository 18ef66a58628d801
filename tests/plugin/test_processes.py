"""Several processes: the workers of pytest-xdist share one engine, and nothing outlives a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polling2
import pytest

from pytest_kestra.engine.alive import alive
from pytest_kestra.engine.home import VARIABLE
from pytest_kestra.engine.lease import Lease
from tests.plugin.conftest import HOME
from tests.plugin.remains import Remains
from tests.waits import WAIT_S

URLS = """
    import os
    from pathlib import Path

    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_it(kestra, kestra_server, number):
        Path(f"url-{os.environ.get('PYTEST_XDIST_WORKER')}-{number}").write_text(kestra_server.address.url)
        assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
"""


@pytest.fixture
def temporary(flows: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the runs of a test make their own."""
    folder = flows.path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_processes_share_one_engine(flows: pytest.Pytester, temporary: Path, workers: tuple[str, ...]) -> None:
    flows.makepyfile(URLS)
    result = flows.runpytest_subprocess("--kestra-server=embedded", *workers)

    result.assert_outcomes(passed=6)
    files = sorted(flows.path.glob("url-*"))
    assert len(files) == 6
    assert len({file.read_text(encoding="utf-8") for file in files}) == 1
    assert list(temporary.glob("pytest-kestra-*")) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_nothing_outlives_a_run(
    flows: pytest.Pytester, temporary: Path, sent: signal.Signals, workers: tuple[str, ...]
) -> None:
    flows.makepyfile("""
        def test_it(kestra):
            kestra.deploy("slow.yaml").run()
    """)
    command = [sys.executable, "-m", "pytest", "--kestra-server=embedded", "--kestra-startup-timeout=600", *workers]
    with subprocess.Popen(command, cwd=flows.path, stdout=subprocess.DEVNULL) as process:
        lease = polling2.poll(lambda: _lease(temporary), step=0.05, timeout=WAIT_S)
        process.send_signal(sent)
    assert process.returncode != 0

    polling2.poll(lambda: not _alive(lease.pid), step=0.05, timeout=WAIT_S)
    polling2.poll(lambda: not list(temporary.glob("pytest-kestra-*")), step=0.05, timeout=WAIT_S)


def test_ten_runs_at_the_same_moment(flows: pytest.Pytester, remains: Remains) -> None:
    flows.makepyfile(URLS.replace("range(6)", "range(1)").replace("url-{", "url-{os.getpid()}-{"))
    command = [sys.executable, "-m", "pytest", "--kestra-server=embedded", "--kestra-startup-timeout=600"]
    runs = [
        subprocess.Popen([*command, "-p", "no:cacheprovider"], cwd=flows.path, stdout=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    told = [run.communicate()[0] for run in runs]

    assert [run.returncode for run in runs] == [0] * 10, "\n".join(told)
    assert len({file.read_text(encoding="utf-8") for file in flows.path.glob("url-*")}) == 10
    assert remains.all() == []


def test_warm_engine_is_shared_and_replaced_where_it_was_killed(
    flows: pytest.Pytester, remains: Remains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("jars", "engines"):
        (home / name).symlink_to(Path(HOME) / name)
    monkeypatch.setenv(VARIABLE, str(home))
    flows.makepyfile(URLS.replace("range(6)", "range(1)").replace("url-{", "url-{os.getpid()}-{"))

    def urls(runs: int) -> set[str]:
        """Run so many at once, and return on which engines they were."""
        command = [sys.executable, "-m", "pytest", "--kestra-server=embedded", "--kestra-reuse"]
        command += ["--kestra-startup-timeout=600", "-p", "no:cacheprovider"]
        started = [subprocess.Popen(command, cwd=flows.path, stdout=subprocess.PIPE, text=True) for _ in range(runs)]
        told = [run.communicate()[0] for run in started]
        assert [run.returncode for run in started] == [0] * runs, "\n".join(told)
        files = list(flows.path.glob("url-*"))
        found = {file.read_text(encoding="utf-8") for file in files}
        for file in files:
            file.unlink()
        return found

    try:
        first = urls(2)
        assert len(first) == 1
        assert urls(1) == first
        (folder,) = (home / "warm").iterdir()
        lease = Lease.read(folder)
        assert lease is not None
        os.kill(lease.pid, signal.SIGKILL)
        polling2.poll(lambda: not alive(folder), step=0.01, timeout=WAIT_S)
        assert first & urls(1) == set()
    finally:
        command = [sys.executable, "-m", "pytest_kestra.cli", "engine", "stop"]
        stopped = subprocess.run(command, capture_output=True, text=True, check=False)
    assert stopped.stdout == "1 engine(s) stopped\n"
    assert remains.all() == []


def _lease(temporary: Path) -> Lease | None:
    folders = list(temporary.glob("pytest-kestra-*/engine-*"))
    return Lease.read(folders[0]) if folders else None


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.exists():
        # One that nobody has taken note of has ended all the same.
        try:
            return status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
