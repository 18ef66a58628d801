"""Many executions in one engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import polling2

from tests.waits import WAIT_S

FLOW = """\
id: one
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.debug.Return, format: "{{{{ execution.id }}}}"}}
"""
MANY = 1000


def test_of_a_thousand_executions_none_is_lost_and_none_comes_twice(api: httpx.Client, namespace: str) -> None:
    headers = {"content-type": "application/x-yaml"}
    api.post("flows", content=FLOW.format(namespace=namespace), headers=headers).raise_for_status()

    def start(_: int) -> str:
        return str(api.post(f"executions/{namespace}/one").raise_for_status().json()["id"])

    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(start, range(MANY)))

    def search(size: int, **filters: str) -> Any:
        named = {f"filters[{name}][EQUALS]": value for name, value in {"namespace": namespace, **filters}.items()}
        return api.get("executions/search", params={**named, "size": size}).raise_for_status().json()

    polling2.poll(lambda: search(1, state="SUCCESS")["total"] >= MANY, step=0.5, timeout=WAIT_S)
    found = search(MANY * 2, state="SUCCESS")["results"]
    assert len(set(started)) == MANY
    assert sorted(execution["id"] for execution in found) == sorted(started)
    assert search(1)["total"] == MANY
    for execution in found:
        (run,) = execution["taskRunList"]
        assert run["outputs"] == {"value": execution["id"]}
