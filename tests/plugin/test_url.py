"""A server that runs already: the same tests pass there, and leave nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polling2
import pytest

from pytest_kestra import Address, Client, Server, Settings
from pytest_kestra.cli import main
from pytest_kestra.run import leftovers
from pytest_kestra.server.embedded import EmbeddedServer
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run
from tests.waits import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
# Whatever a test can leave: executions that run, such as of a flow that it has triggered, pairs, files, flows that
# nobody has deployed, a backfill.
MESS = """\
id: mess
namespace: company.team
triggers:
  - {id: minutely, type: io.kestra.plugin.core.trigger.Schedule, cron: "* 10 1 1 *"}
tasks:
  - {id: keep, type: io.kestra.plugin.core.kv.Set, key: kept, value: "1"}
  - {id: write, type: io.kestra.plugin.core.storage.Write, content: text}
"""
FOLLOWER = """\
id: follower
namespace: company.team
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    preconditions: {id: mess, flows: [{namespace: company.team, flowId: mess, states: [SUCCESS]}]}
tasks:
  - {id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT5M}
"""
TESTS = """
    from pathlib import Path

    def test_it(kestra):
        follower = kestra.deploy("follower.yaml")
        mess = kestra.deploy("mess.yaml")
        assert mess.run().state == "SUCCESS"
        mess.trigger("minutely").backfill("2026-01-01T10:00:00Z", "2026-01-01T10:01:00Z")
        kestra.files["a/b/c.txt"] = "text"
        kestra.kv["a"] = 1
        text = mess.source.replace("id: mess", "id: unknown")
        kestra.client.flows.create(text)
        kestra.client.executions.create(mess.namespace, "unknown")
        kestra.client.flows.create(text.replace(mess.namespace, mess.namespace + ".below"))
        kestra.client.kv.set(mess.namespace + ".below", "b", 2)
        Path("namespace").write_text(mess.namespace)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a server that others have, too: an engine that no test of this module has begun with."""
    run = Run.create()
    yield EmbeddedServer(Settings(), run, Equipment()).open()
    run.finish()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as client:
        yield client


@pytest.fixture
def as_user(server: Server, monkeypatch: pytest.MonkeyPatch) -> Address:
    """Put the credentials into the environment, and return the address."""
    monkeypatch.setenv("PYTEST_KESTRA_USER", server.address.user or "")
    monkeypatch.setenv("PYTEST_KESTRA_PASSWORD", server.address.password or "")
    return server.address


def found(client: Client) -> dict[str, list[Any]]:
    """Return all that is on a server."""
    searches = {what: client.request("GET", what, "search", params={"size": 100}).json()["results"] for what in WHAT}
    searches["namespaces"] = [one for one in searches["namespaces"] if one["id"] != "system"]  # which all servers have
    return {what: results for what, results in searches.items() if results}


WHAT = ("flows", "executions", "triggers", "logs", "namespaces")


def left_in(namespace: str, client: Client) -> list[str]:
    return [*client.kv.keys(namespace), *client.files.paths(namespace), *client.files.names(namespace)]


def test_example_flows_pass_and_leave_nothing(
    server: Server, as_user: Address, client: Client, flows: pytest.Pytester
) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "example_flows",
        f"--kestra-server={as_user.url}",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([*command, "-q", "-rs"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{done.stdout}\n{server.ending()}\n{server.log_tail()}"
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert skipped
    assert all(
        "needs a server with the capability 'secrets', and this one has: mocks, pages" in line for line in skipped
    )
    assert done.stdout.count("ServerWarning: kestra_secrets do nothing on a server that this run has not started") == 1
    assert found(client) == {}


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_nothing_is_left(as_user: Address, client: Client, flows: pytest.Pytester, workers: tuple[str, ...]) -> None:
    flows.makefile(".yaml", mess=MESS, follower=FOLLOWER)
    flows.makepyfile(TESTS)
    flows.runpytest_subprocess(f"--kestra-server={as_user.url}", *workers).assert_outcomes(passed=1)

    namespace = (flows.path / "namespace").read_text(encoding="utf-8")
    assert namespace.startswith("company.team.test-it-")
    assert found(client) == {}
    assert left_in(namespace, client) == left_in(f"{namespace}.below", client) == []


def test_prefix_is_the_only_namespace_that_is_touched(as_user: Address, client: Client, flows: pytest.Pytester) -> None:
    flows.makefile(".yaml", mess=MESS, follower=FOLLOWER)
    flows.makepyfile(TESTS)
    arguments = (f"--kestra-server={as_user.url}", "--kestra-prefix=ci.tests", "--kestra-keep=all")
    flows.runpytest_subprocess(*arguments).assert_outcomes(passed=1)

    everything = found(client)
    namespaces = {item.get("namespace") for what in ("flows", "executions") for item in everything[what]}
    try:
        assert {"mess", "follower"} <= {flow["id"] for flow in everything["flows"]}
        assert {"mess", "follower"} <= {execution["flowId"] for execution in everything["executions"]}
        assert all(namespace.startswith("ci.tests.company.team.test-it-") for namespace in namespaces)
    finally:
        for leftover in leftovers.find(client):
            leftovers.remove(client, leftover)
    assert found(client) == {}


SLOW_TEST = """
    def test_it(kestra):
        kestra.deploy("slow.yaml").run()
"""


def interrupted(client: Client, url: str, folder: Path, sent: signal.Signals, *arguments: str) -> None:
    """Run pytest, and send a signal to all its processes, as a terminal does, when an execution runs."""
    command = [sys.executable, "-m", "pytest", f"--kestra-server={url}", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        polling2.poll(lambda: client.executions.search({"state][EQUALS": "RUNNING"}), step=0.05, timeout=WAIT_S)
        os.killpg(process.pid, sent)
    assert process.returncode != 0


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_nothing_is_left_by_an_interrupted_run(
    as_user: Address, client: Client, flows: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    flows.makepyfile(SLOW_TEST)
    interrupted(client, as_user.url, flows.path, signal.SIGINT, *workers)

    assert found(client) == {}


def test_nothing_is_left_by_a_worker_that_crashes(as_user: Address, client: Client, flows: pytest.Pytester) -> None:
    flows.makepyfile("""
        import os

        def test_it(kestra):
            kestra.deploy("slow.yaml").run_until("RUNNING")
            kestra.kv["a"] = 1
            os._exit(3)
    """)
    result = flows.runpytest_subprocess(f"--kestra-server={as_user.url}", "-n1")

    result.stdout.fnmatch_lines(["*worker 'gw0' crashed while running*"])
    assert found(client) == {}


def test_what_is_kept_stays_when_a_worker_crashes(as_user: Address, client: Client, flows: pytest.Pytester) -> None:
    flows.makepyfile("""
        import os

        import pytest

        @pytest.mark.kestra(keep="all")
        def test_kept(kestra):
            kestra.deploy("orders.yaml")

        def test_lost(kestra):
            kestra.deploy("orders.yaml")
            os._exit(3)
    """)
    flows.runpytest_subprocess(f"--kestra-server={as_user.url}", "-n1")
    (kept,) = leftovers.find(client)
    flows.runpytest_subprocess(f"--kestra-server={as_user.url}", "-n1", "--kestra-keep=failed", "-k", "lost")
    both = leftovers.find(client)
    for leftover in both:
        leftovers.remove(client, leftover)

    assert [leftover.namespace.partition("-gw0-pytest-")[0] for leftover in both] == [
        "company.team.test-kept",
        "company.team.test-lost",
    ]
    assert both[0] == kept
    assert found(client) == {}


def test_what_a_killed_run_has_left_is_found_and_removed(
    as_user: Address,
    client: Client,
    flows: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flows.makepyfile(SLOW_TEST)
    interrupted(client, as_user.url, flows.path, signal.SIGKILL)
    (left,) = leftovers.find(client)
    assert left.namespace.startswith("company.team.test-it-pytest-")
    told = f"{left.namespace}: 1 flow(s), 1 execution(s), last {left.last:%Y-%m-%d %H:%M} UTC"

    assert main(["clean", "--server", as_user.url]) == 0
    assert capsys.readouterr().out == f"left there, as it may be in use: {told}\n"
    assert main(["clean", "--server", as_user.url, "--older-than=0m", "--dry-run"]) == 0
    assert capsys.readouterr().out == f"would be removed: {told}\n"
    assert leftovers.find(client) == [left]
    monkeypatch.setenv("PYTEST_KESTRA_SERVER", as_user.url)
    assert main(["clean", "--older-than=0m"]) == 0
    assert capsys.readouterr().out == f"removed: {told}\n"
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == f"Tests have left nothing at {as_user.url}\n"
    assert found(client) == {}
