"""No request, however odd, makes the embedded engine fail: a caller's mistake is told as one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("schemathesis")

from pytest_kestra.engine.lease import LOG_NAME, Lease
from tests.engine.fuzzing import Fuzzer

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))


# Two tests, so that two processes can share the work.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("half", [0, 1], ids=["first", "second"])
def test_made_requests(own_lease: Lease, tmp_path: Path, half: int) -> None:
    requests = REQUESTS // 2
    fuzzer = Fuzzer(own_lease, half, 2)
    try:
        fuzzer.run(requests, SEED)
    finally:
        statuses = sorted(fuzzer.statuses.items())
        print(f"{fuzzer.sent} requests to {len(fuzzer.operations)} operations; statuses: {statuses}")
        print("\n\n".join(map(str, fuzzer.failures.values())))
    log = (tmp_path / LOG_NAME).read_text(encoding="utf-8", errors="replace")
    assert not fuzzer.failures
    assert "Traceback" not in log
    assert fuzzer.http.get("/health").json()["status"] == "UP"
    assert fuzzer.http.get("/api/v1/main/flows/search").is_success
    assert fuzzer.sent >= requests
