"""What the tests of triggers share: storing flows, and waiting for what the scheduler does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import polling2

from tests.waits import WAIT_S

YAML = {"content-type": "application/x-yaml"}

SHOW = '{id: show, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.name }} {{ trigger.date }}"}'
# Its execution does not end.
PAUSE = "{id: show, type: io.kestra.plugin.core.flow.Pause}"
# A schedule that does not fire while a test runs, and inputs that tell what has started an execution.
DAILY = """\
id: {id}
namespace: {namespace}
inputs:
  - {{id: name, type: STRING, defaults: nobody}}
tasks:
  - {task}
triggers:
  - {{id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *", timezone: UTC{more}}}
"""
# Fires each second, and stays locked by the execution it has started.
LOCKED = """\
id: locked
namespace: {namespace}
tasks:
  - {{id: wait, type: io.kestra.plugin.core.flow.Pause}}
triggers:
  - {{id: often, type: io.kestra.plugin.core.trigger.Schedule, cron: "* * * * * *", withSeconds: true}}
"""
HOOKED = """\
id: hooked
namespace: {namespace}
tasks:
  - {{id: only, type: io.kestra.plugin.core.debug.Return, format: x}}
triggers:
  - {{id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: some}}
"""


def deploy(api: httpx.Client, source: str) -> None:
    """Store a flow."""
    api.post("flows", content=source, headers=YAML).raise_for_status()


def update(api: httpx.Client, namespace: str, flow: str, source: str) -> None:
    """Store a flow that exists anew."""
    api.put(f"flows/{namespace}/{flow}", content=source, headers=YAML).raise_for_status()


def until(ask: Callable[[], Any], wished: Callable[[Any], bool] = bool) -> Any:
    """Ask until the answer is as wished, and return it."""
    return polling2.poll(ask, check_success=wished, step=0.05, timeout=WAIT_S)


def states(api: httpx.Client, namespace: str, flow: str) -> dict[str, Any]:
    """Return the states of a flow's triggers by their ids."""
    found = api.get(f"triggers/{namespace}/{flow}").raise_for_status().json()["results"]
    return {state["triggerId"]: state for state in found}


def known(api: httpx.Client, namespace: str, flow: str, trigger: str = "daily") -> Any:
    """Return the state of a trigger when the scheduler knows it."""
    return until(lambda: states(api, namespace, flow).get(trigger))


def daily(
    api: httpx.Client, namespace: str, flow: str = "scheduled", more: str = "", task: str = SHOW
) -> dict[str, str]:
    """Store a flow with a schedule that does not fire, and return how a request names its trigger."""
    deploy(api, DAILY.format(id=flow, namespace=namespace, more=more, task=task))
    state = known(api, namespace, flow)
    return {name: state[name] for name in ("tenantId", "namespace", "flowId", "triggerId")}


def executions(api: httpx.Client, namespace: str, flow: str) -> list[Any]:
    """Return a flow's executions, the oldest first."""
    params = {"namespace": namespace, "flowId": flow, "size": "100", "sort": "state.startDate:asc"}
    results: list[Any] = api.get("executions/search", params=params).raise_for_status().json()["results"]
    return results


def ended(api: httpx.Client, namespace: str, flow: str, count: int = 1) -> list[Any]:
    """Return a flow's executions when at least so many have ended."""

    def enough(found: list[Any]) -> bool:
        return len([item for item in found if "endDate" in item["state"]]) >= count

    found: list[Any] = until(lambda: executions(api, namespace, flow), enough)
    return [item for item in found if "endDate" in item["state"]]
