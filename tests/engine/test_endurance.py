"""Many executions in one engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import polling2

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
    search: dict[str, str | int] = {"filters[namespace][EQUALS]": namespace, "size": MANY * 2}

    def ended() -> list[Any]:
        found = api.get("executions/search", params={**search, "filters[state][EQUALS]": "SUCCESS"}).json()
        return list(found["results"]) if found["total"] >= MANY else []

    found = polling2.poll(ended, step=0.5, timeout=300)
    assert len(set(started)) == MANY
    assert sorted(execution["id"] for execution in found) == sorted(started)
    assert api.get("executions/search", params=search).json()["total"] == MANY
    for execution in found:
        (run,) = execution["taskRunList"]
        assert run["outputs"] == {"value": execution["id"]}
