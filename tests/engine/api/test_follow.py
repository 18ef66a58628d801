"""Following executions and logs by server-sent events."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import polling2
import pytest

from tests.engine.replay import Replay, shape
from tests.engine.scheduling import until

SLEEPER = """\
id: sleeper
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: before}}
  - {{id: sleep, type: io.kestra.plugin.core.flow.Pause}}
  - {{id: warn, type: io.kestra.plugin.core.log.Log, message: after, level: WARN}}
"""
YAML = {"content-type": "application/x-yaml"}


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Yield the names and contents of the events of a stream as they come."""
    name = ""
    for line in answer.iter_lines():
        field, _, value = line.partition(": ")
        if field == "id":
            name = value
        elif field == "data":
            yield name, json.loads(value)


@pytest.fixture
def paused(api: httpx.Client, namespace: str) -> str:
    """Return the id of an execution that waits to be resumed."""
    api.post("flows", content=SLEEPER.format(namespace=namespace), headers=YAML).raise_for_status()
    started = api.post(f"executions/{namespace}/sleeper").raise_for_status().json()
    with api.stream("GET", f"executions/{started['id']}/follow") as answer:
        next(name for name, state in events(answer) if state.get("state", {}).get("current") == "PAUSED")
    return str(started["id"])


def resume(api: httpx.Client, execution_id: str) -> None:
    api.post(f"executions/{execution_id}/resume").raise_for_status()


def test_execution_is_followed_as_on_a_real_server(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("hello_world")

    def followed() -> list[tuple[str, Any]]:
        started = api.post(f"executions/{replay.namespace}/hello_world").json()
        with api.stream("GET", f"executions/{started['id']}/follow", headers={"accept": "text/event-stream"}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            return list(events(answer))

    # One that has ended before somebody follows it is told as such, with nothing between.
    told = until(followed, lambda told: len(told) > 2)
    recorded = replay.recorded("053")["response"]
    text = httpx.Response(200, text=recorded["body"])
    expected = list(events(text))

    assert [name for name, _ in told][:1] == ["start"]
    assert told[-1][0] == "end"
    assert {name for name, _ in told[1:-1]} == {"progress"}
    assert shape(told[0][1]) == shape(expected[0][1])
    assert shape(told[-1][1]) == shape(expected[-1][1])
    assert told[-1][1]["state"]["current"] == "SUCCESS"


def test_ended_execution_is_told_at_once(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("one_return")
    ended = api.post(f"executions/{replay.namespace}/one_return", params={"wait": "true"}).json()
    with api.stream("GET", f"executions/{ended['id']}/follow") as answer:
        told = list(events(answer))

    assert [name for name, _ in told] == ["start", "end"]


def test_states_never_go_back(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("hello_world")
    started = api.post(f"executions/{replay.namespace}/hello_world").json()
    with api.stream("GET", f"executions/{started['id']}/follow") as answer:
        counts = [
            sum(len(run["state"]["histories"]) for run in [state, *(state.get("taskRunList") or ())])
            for name, state in events(answer)
            if name != "start"
        ]
    assert counts == sorted(set(counts))


def test_unknown_execution_is_waited_for(api: httpx.Client) -> None:
    names = []
    with api.stream("GET", "executions/nothing/follow", timeout=httpx.Timeout(60, read=5)) as answer:
        told = events(answer)
        names.append(next(told)[0])
        with pytest.raises(httpx.ReadTimeout):
            names.append(next(told)[0])
    assert names == ["start"]


def test_logs_are_told_those_before_and_those_to_come(api: httpx.Client, paused: str) -> None:
    with api.stream("GET", f"logs/{paused}/follow") as answer:
        told = events(answer)
        assert next(told)[0] == "start"
        assert next(told)[1]["message"] == "before"
        threading.Thread(target=resume, args=(api, paused), daemon=True).start()
        name, entry = next((name, entry) for name, entry in told if entry.get("message") == "after")
    assert (name, entry["level"], entry["taskId"]) == ("progress", "WARN", "warn")


def test_logs_are_told_from_a_level_up(api: httpx.Client, paused: str) -> None:
    with api.stream("GET", f"logs/{paused}/follow", params={"minLevel": "WARN"}) as answer:
        told = events(answer)
        assert next(told)[0] == "start"
        threading.Thread(target=resume, args=(api, paused), daemon=True).start()
        assert next(told)[1]["message"] == "after"
    assert api.get(f"logs/{paused}/follow", params={"minLevel": "LOUD"}).status_code == 422


def test_dependencies_of_an_execution_are_followed(replay: Replay, api: httpx.Client) -> None:
    replay.deploy("child", "parent")
    ended = api.post(f"executions/{replay.namespace}/parent", params={"wait": "true"}).json()

    def follow() -> list[tuple[str, Any]]:
        with api.stream("GET", f"executions/{ended['id']}/follow-dependencies") as answer:
            return list(events(answer))

    # Kestra finds out which flow calls which a moment after they are stored.
    told = polling2.poll(follow, check_success=lambda told: len(told) == 4, step=0.1, timeout=600)

    assert told[0] == ("start", {"executionId": ended["id"]})
    assert told[-1] == ("end-all", {"executionId": ended["id"]})
    assert {(name, state["flowId"]) for name, state in told[1:-1]} == {("end", "parent"), ("end", "child")}
    assert {state["state"]["current"] for _, state in told[1:-1]} == {"SUCCESS"}
    assert api.get("executions/nothing/follow-dependencies").status_code == 404
