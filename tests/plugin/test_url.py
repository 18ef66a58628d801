"""A server that runs already: the same tests pass there, and leave nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra import Address, Client, Server, Settings
from pytest_kestra.run import leftovers
from pytest_kestra.server.embedded import EmbeddedServer
from pytest_kestra.server.run import Run

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60
# Whatever a test can leave: executions that run, such as of a flow that it has triggered, pairs, files, flows that
# nobody has deployed, a backfill.
MESS = """\
id: mess
namespace: company.team
triggers:
  - {id: minutely, type: io.kestra.plugin.core.trigger.Schedule, cron: "* * * * *"}
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
    yield EmbeddedServer(Settings(), run, config={}, secrets={}, plugins=()).open()
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
    assert all("needs a server with the capability 'secrets', and this one has: pages" in line for line in skipped)
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
