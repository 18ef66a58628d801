"""Requests that wait for the end of an execution."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import polling2

from pytest_kestra.engine.api.app import THREADS
from tests.waits import WAIT_S

# More than the engine has threads for requests.
WAITING = THREADS + 20
FLOW = """\
id: waits
namespace: {namespace}
tasks:
  - {{id: pause, type: io.kestra.plugin.core.flow.Pause}}
"""


def test_requests_that_wait_hold_no_thread(api: httpx.Client, namespace: str) -> None:
    content = FLOW.format(namespace=namespace)
    api.post("flows", content=content, headers={"content-type": "application/x-yaml"}).raise_for_status()
    search: dict[str, str | int] = {"namespace": namespace, "state": "PAUSED", "size": WAITING}

    waiting = httpx.Client(
        base_url=api.base_url, auth=api.auth, limits=httpx.Limits(max_connections=None), timeout=WAIT_S
    )

    def run(_: int) -> Any:
        return waiting.post(f"executions/{namespace}/waits", params={"wait": "true"}).json()

    def paused() -> list[str]:
        return [execution["id"] for execution in api.get("executions/search", params=search).json()["results"]]

    with waiting, ThreadPoolExecutor(WAITING) as pool:
        answers = [pool.submit(run, number) for number in range(WAITING)]
        ids = polling2.poll(paused, check_success=lambda ids: len(ids) == WAITING, step=0.1, timeout=WAIT_S)
        assert not any(answer.done() for answer in answers)
        for execution_id in ids:
            api.post(f"executions/{execution_id}/resume").raise_for_status()
        ended = [answer.result() for answer in answers]
    assert {execution["state"]["current"] for execution in ended} == {"SUCCESS"}
    assert sorted(execution["id"] for execution in ended) == sorted(ids)


def test_client_that_goes_away_leaves_nothing_behind(api: httpx.Client, namespace: str) -> None:
    content = FLOW.format(namespace=namespace)
    api.post("flows", content=content, headers={"content-type": "application/x-yaml"}).raise_for_status()
    with contextlib.suppress(httpx.ReadTimeout):
        api.post(f"executions/{namespace}/waits", params={"wait": "true"}, timeout=httpx.Timeout(60, read=0.2))
    search = {"filters[namespace][EQUALS]": namespace, "filters[state][EQUALS]": "PAUSED"}
    found = polling2.poll(lambda: api.get("executions/search", params=search).json()["results"], step=0.05, timeout=600)
    api.post(f"executions/{found[0]['id']}/resume").raise_for_status()
    with api.stream("GET", f"executions/{found[0]['id']}/follow") as answer:
        assert '"current":"SUCCESS"' in answer.read().decode()
