"""How many executions of a flow count as running is told, and can be put right."""

from __future__ import annotations

from typing import Any

import httpx
import polling2
import pytest

from tests.engine.replay import Replay
from tests.engine.running import slots
from tests.engine.scheduling import until

YAML = {"content-type": "application/x-yaml"}
FLOW = """\
id: limited
namespace: {namespace}
concurrency: {{limit: 1, behavior: QUEUE}}
tasks:
  - {{id: only, type: io.kestra.plugin.core.debug.Return, format: x}}
"""


def limit(namespace: str, count: int) -> dict[str, Any]:
    return {"tenantId": "main", "namespace": namespace, "flowId": "limited", "running": count}


def run(api: httpx.Client, namespace: str, **params: str) -> dict[str, Any]:
    execution: dict[str, Any] = api.post(f"executions/{namespace}/limited", params=params).raise_for_status().json()
    return execution


def test_stored_count_decides_who_is_queued(api: httpx.Client, namespace: str) -> None:
    api.post("flows", content=FLOW.format(namespace=namespace), headers=YAML).raise_for_status()
    url = f"concurrency-limit/{namespace}/limited"
    assert run(api, namespace, wait="true")["state"]["current"] == "SUCCESS"
    # Kestra frees the slot a moment after the end.
    until(lambda: slots(api, namespace), lambda taken: taken == 0)

    assert api.put(url, json=limit(namespace, 1)).json() == limit(namespace, 1)
    assert slots(api, namespace) == 1
    queued = run(api, namespace)
    polling2.poll(
        lambda: api.get(f"executions/{queued['id']}").json(),
        check_success=lambda body: body.get("state", {}).get("current") == "QUEUED",
        step=0.02,
        timeout=600,
    )
    api.put(url, json=limit(namespace, 0)).raise_for_status()
    assert run(api, namespace, wait="true")["state"]["current"] == "SUCCESS"


def test_recorded_search_and_update(replay: Replay) -> None:
    replay.deploy("limit_queue", replace=("PT[0-9.]+S", "PT0.01S"))
    path = f"/api/v1/main/executions/{replay.namespace}/limit_queue"
    replay.http.post(path, params={"wait": "true"}).raise_for_status()
    replay.same("112")
    replay.same("116")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (limit("nowhere", 1), 404, "Not Found"),
        ({"running": "many"}, 422, "Invalid json: Cannot deserialize value of type `java.lang.Integer`"),
    ],
)
def test_limit_that_cannot_be_updated(api: httpx.Client, body: dict[str, Any], status: int, message: str) -> None:
    answer = api.put("concurrency-limit/nowhere/limited", json=body)

    assert answer.status_code == status
    assert answer.json()["message"].startswith(message)
