"""What the tests of executions share: starting them, and waiting for the states they come to."""

from __future__ import annotations

from typing import Any

import httpx

from tests.engine.scheduling import until

FINAL = ("SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED")

# Runs until it is killed.
SLEEPER = """\
id: sleeper
namespace: {namespace}
tasks:
  - {{id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}}
"""
# Its second task fails until a key is set.
GATED = """\
id: gated
namespace: {namespace}
inputs:
  - {{id: word, type: STRING, defaults: one}}
tasks:
  - {{id: before, type: io.kestra.plugin.core.debug.Return, format: "{{{{ inputs.word }}}}"}}
  - id: gate
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ kv('gate') }}}} {{{{ outputs.before.value }}}}"
"""
# Waits for a reason.
PAUSED = """\
id: paused
namespace: {namespace}
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {{id: reason, type: STRING}}
      - {{id: count, type: INT, defaults: 7}}
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ outputs.wait.onResume.reason }}}} {{{{ outputs.wait.onResume.count }}}}"
"""
# Ends at once, with what it was given.
WORD = """\
id: word
namespace: {namespace}
inputs:
  - {{id: word, type: STRING, defaults: one}}
tasks:
  - {{id: first, type: io.kestra.plugin.core.debug.Return, format: "{{{{ inputs.word }}}}"}}
  - {{id: second, type: io.kestra.plugin.core.debug.Return, format: "second {{{{ inputs.word }}}}"}}
"""


def start(api: httpx.Client, namespace: str, flow: str, inputs: dict[str, str] | None = None, **params: str) -> str:
    """Start an execution, and return its id."""
    return str(created(api, namespace, flow, inputs, **params)["id"])


def created(api: httpx.Client, namespace: str, flow: str, inputs: dict[str, str] | None = None, **params: str) -> Any:
    """Create an execution, and return what was answered."""
    files = [(name, (None, value)) for name, value in (inputs or {}).items()]
    return api.post(f"executions/{namespace}/{flow}", params=params, files=files or None).raise_for_status().json()


def ran(api: httpx.Client, namespace: str, flow: str, inputs: dict[str, str] | None = None, **params: str) -> Any:
    """Create an execution, and return it when it has ended."""
    return created(api, namespace, flow, inputs, wait="true", **params)


def current(api: httpx.Client, execution_id: str) -> Any:
    """Return an execution as it is now, or nothing where it is not there yet."""
    answer = api.get(f"executions/{execution_id}")
    return answer.json() if answer.is_success else None


def state(api: httpx.Client, execution_id: str) -> str | None:
    """Return the state that an execution is in now."""
    found = current(api, execution_id)
    return str(found["state"]["current"]) if found else None


def came(api: httpx.Client, execution_id: str, *states: str) -> Any:
    """Return an execution when it has come to one of some states, or to its end."""
    wished = states or FINAL
    return until(lambda: current(api, execution_id), lambda found: bool(found) and found["state"]["current"] in wished)


def history(execution: Any) -> list[str]:
    """Return the states that an execution, or a task run, has been in."""
    return [entry["state"] for entry in execution["state"]["histories"]]


def run_of(execution: Any, task: str) -> Any:
    """Return the task run of a task."""
    (found,) = [run for run in execution.get("taskRunList") or () if run["taskId"] == task]
    return found


def value(execution: Any, task: str) -> str:
    """Return what a task has returned."""
    return str(run_of(execution, task)["outputs"]["value"])


def tasks(execution: Any) -> list[str]:
    """Return the ids of the tasks that an execution has run."""
    return [run["taskId"] for run in execution.get("taskRunList") or ()]


def slots(api: httpx.Client, namespace: str) -> int:
    """Return how many slots of its limit the only limited flow of a namespace has taken."""
    found = api.get("concurrency-limit/search").raise_for_status().json()["results"]
    (entry,) = [entry for entry in found if entry["namespace"] == namespace]
    return int(entry["running"])


def put(api: httpx.Client, namespace: str, key: str, text: str) -> None:
    """Set a key of the key-value store."""
    headers = {"content-type": "text/plain"}
    api.put(f"namespaces/{namespace}/kv/{key}", content=f'"{text}"', headers=headers).raise_for_status()


def kill(api: httpx.Client, *ids: str) -> None:
    """End executions, and return when they have ended."""
    for execution_id in ids:
        api.delete(f"executions/{execution_id}/kill").raise_for_status()
    for execution_id in ids:
        came(api, execution_id)
