"""Faults of the engine in the middle of a run: what the user sees, and that nothing remains."""

from __future__ import annotations

import sys

import pytest

from tests.plugin.remains import Remains

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

# Ends the engine in its way, with a sleeping script of a flow left behind, and notes it.
KILLER = """
    import os
    import signal
    from pathlib import Path

    import pytest
    from pytest_kestra.engine.lease import Lease

    def engine(kestra_server):
        return Lease.read(kestra_server.folder)

    def hurt(kestra_server, sent=signal.SIGKILL):
        lease = engine(kestra_server)
        os.kill(lease.pid, sent)
        return lease
"""
PLAIN = ("--kestra-server=embedded", "--kestra-startup-timeout=600", "-p", "no:randomly")


def test_engine_that_was_killed_is_told_by_its_test_and_the_next_gets_another(
    flows: pytest.Pytester, remains: Remains
) -> None:
    flows.makepyfile(
        KILLER
        + """
    seen = []

    def test_first(kestra, kestra_client, kestra_server):
        flow = kestra.deploy("orders.yaml")
        seen.append((kestra_client, kestra_client.address))
        hurt(kestra_server)
        flow.run()

    def test_next(kestra, kestra_client, kestra_server):
        client, address = seen[0]
        assert kestra_client is client is kestra.client
        assert kestra_server.address == client.address != address
        assert kestra.deploy("orders.yaml").run().state == "SUCCESS"

    def test_client_alone(kestra_client, kestra_server):
        hurt(kestra_server)

    def test_client_again(kestra_client):
        assert kestra_client.flows.search("company.team") == []

    @pytest.mark.parametrize("number", range(4))
    def test_again(kestra, kestra_server, number):
        hurt(kestra_server)
        kestra.deploy("orders.yaml")
    """
    )
    result = flows.runpytest_subprocess(*PLAIN)

    result.assert_outcomes(passed=3, failed=2, errors=2)
    result.stdout.fnmatch_lines(
        [
            "E * The Kestra engine was ended by SIGKILL, as the system does where memory runs out (process *).",
            "E * Its log, until this run ends: */engine.log",
            "FAILED *::test_first - * The Kestra engine was ended by SIGKILL*",
            "FAILED *::test_again[[]0[]] - * The Kestra engine was ended by SIGKILL*",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "E * Its log, until this run ends: */engine-3.log",
            "The Kestra engine has ended again after 4 starts in this run, and is not started any more; the log of the "
            "last one: */engine-4.log",
        ]
    )
    assert remains.all() == []
