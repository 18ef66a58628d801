"""Flows and executions are drawn, and know what depends on them."""

from __future__ import annotations

import time
from typing import Any

import httpx
import polling2
import pytest

from tests.engine.replay import Replay

YAML = {"content-type": "application/x-yaml"}
CHILD = """\
id: child
namespace: {namespace}
tasks:
  - {{id: inner, type: io.kestra.plugin.core.debug.Return, format: x}}
"""
PARENT = """\
id: parent
namespace: {namespace}
tasks:
  - {{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: "{namespace}", flowId: "{flow}"}}
"""


def store(api: httpx.Client, text: str, **names: str) -> None:
    api.post("flows", content=text.format(**names), headers=YAML).raise_for_status()


def uids(graph: Any) -> set[str]:
    return {node["uid"] for node in graph["nodes"]}


def test_recorded_graphs(replay: Replay) -> None:
    replay.deploy("hello_world")
    url = f"/api/v1/main/triggers/{replay.namespace}/hello_world"
    # The scheduler takes note of a flow's triggers a moment after the flow is stored.
    polling2.poll(lambda: replay.http.get(url).json()["total"] == 1, step=0.02, timeout=600)
    replay.same("021")
    replay.alias("059", replay.same("039")["id"])
    replay.same("059")


def test_graph_of_a_revision(api: httpx.Client, namespace: str) -> None:
    store(api, CHILD, namespace=namespace)
    text = CHILD.format(namespace=namespace).replace("inner", "other")
    api.put(f"flows/{namespace}/child", content=text, headers=YAML).raise_for_status()
    graph = f"flows/{namespace}/child/graph"

    assert "root.other" in uids(api.get(graph).json())
    assert "root.inner" in uids(api.get(graph, params={"revision": 1}).json())
    assert api.get(graph, params={"revision": 9}).json()["message"].endswith(f"find flow main_{namespace}_child_9")
    answer = api.get(f"flows/{namespace}/nothing/graph")
    assert (answer.status_code, answer.json()["message"]) == (
        *(404, f"Not Found: Unable to find flow main_{namespace}_nothing"),
    )


def test_graph_with_a_subflow_drawn(api: httpx.Client, namespace: str) -> None:
    store(api, CHILD, namespace=namespace)
    store(api, PARENT, namespace=namespace, flow="child")
    url = f"flows/{namespace}/parent/graph"

    assert "root.call.inner" not in uids(api.get(url).json())
    assert "root.call.inner" in uids(api.get(url, params={"subflows": "root.call"}).json())
    text = PARENT.format(namespace=namespace, flow="child")
    drawn = api.post("flows/graph", content=text, headers=YAML, params={"subflows": "root.call"}).json()
    assert "root.call.inner" in uids(drawn)


@pytest.mark.parametrize(
    ("flow", "status", "message"),
    [("nothing", 404, "Not Found: Unable to find subflow"), ("{{ inputs.x }}", 422, "Illegal argument: Can't expand")],
)
def test_graph_with_a_subflow_that_is_not_there(
    api: httpx.Client, namespace: str, flow: str, status: int, message: str
) -> None:
    text = PARENT.format(namespace=namespace, flow=flow)
    answer = api.post("flows/graph", content=text, headers=YAML, params={"subflows": "root.call"})

    assert answer.status_code == status
    assert answer.json()["message"].startswith(message)


def test_source_without_tasks_has_no_graph(api: httpx.Client) -> None:
    assert api.post("flows/graph", content="id: x\nnamespace: y", headers=YAML).status_code == 422


def test_graph_of_an_execution_whose_flow_has_changed(api: httpx.Client, namespace: str) -> None:
    store(api, CHILD, namespace=namespace)
    execution = api.post(f"executions/{namespace}/child", params={"wait": "true"}).json()
    text = CHILD.format(namespace=namespace).replace("inner", "other")
    api.put(f"flows/{namespace}/child", content=text, headers=YAML).raise_for_status()
    graph = api.get(f"executions/{execution['id']}/graph").json()

    assert "root.inner" in uids(graph)
    (node,) = [node for node in graph["nodes"] if node["uid"] == "root.inner"]
    assert node["taskRun"]["state"]["current"] == "SUCCESS"
    assert api.get("executions/nothing/graph").status_code == 404


def test_recorded_dependencies(replay: Replay) -> None:
    replay.deploy("hello_world", "child", "parent")
    replay.same("022")
    url = f"/api/v1/main/flows/{replay.namespace}/child/dependencies"
    parent = f"/api/v1/main/flows/{replay.namespace}/parent"
    text = replay.http.get(parent, params={"source": "true"}).json()["source"]

    def edges() -> Any:
        # Kestra computes them after a flow is stored, with the flows that its executor has heard of until then.
        changed = f"{text}\ndescription: stored at {time.monotonic()}\n"
        replay.http.put(parent, content=changed, headers=YAML).raise_for_status()
        return replay.http.get(url).json()["edges"]

    polling2.poll(edges, step=0.2, timeout=600)
    body = replay.same("105")
    assert {node["id"] for node in body["nodes"]} == {"parent", "child"}
    assert replay.http.get(url, params={"expandAll": "true"}).json()["edges"] == body["edges"]
    assert replay.http.get(f"{parent}/dependencies", params={"destinationOnly": "true"}).json()["edges"] == []
    of_namespace = replay.http.get(f"/api/v1/main/namespaces/{replay.namespace}/dependencies").json()
    assert {node["id"] for node in of_namespace["nodes"]} == {"parent", "child", "hello_world"}
    assert of_namespace["edges"] == body["edges"]
