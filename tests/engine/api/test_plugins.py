"""The engine tells which plugins it has, and documents them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.replay import Replay

PLUGINS = "/api/v1/plugins"
RETURN = "io.kestra.plugin.core.debug.Return"
CACHED = "public, max-age=3600"


def test_recorded_plugins(replay: Replay, http: httpx.Client) -> None:
    recorded = replay.recorded("152")["response"]["body"][0]
    (here,) = [plugin for plugin in http.get(PLUGINS).json() if plugin["name"] == "core"]
    assert list(here) == list(recorded)
    assert {task["cls"] for task in recorded["tasks"]} <= {task["cls"] for task in here["tasks"]}
    assert [task for task in here["tasks"] if task["cls"] == RETURN] == [
        task for task in recorded["tasks"] if task["cls"] == RETURN
    ]


def test_recorded_documentation(replay: Replay, http: httpx.Client) -> None:
    recorded = replay.recorded("153")["response"]["body"]
    body = http.get(f"{PLUGINS}/{RETURN}").json()
    # Tasks have had it since Kestra 1.3.20 or later.
    del body["schema"]["properties"]["properties"]["pluginDefaultsRef"]
    assert body["schema"] == recorded["schema"]
    for section in ("## Examples", "### `format`", "## Outputs", "## Metrics"):
        assert section in body["markdown"]
    replay.same("154")


def test_subgroups_come_after_the_plugins(http: httpx.Client) -> None:
    plugins = http.get(PLUGINS).json()
    grouped = http.get(f"{PLUGINS}/groups/subgroups").json()

    assert grouped[: len(plugins)] == plugins
    (debug,) = [plugin for plugin in grouped if plugin.get("subGroup") == "io.kestra.plugin.core.debug"]
    assert RETURN in {task["cls"] for task in debug["tasks"]}
    assert not any(task["cls"].startswith("io.kestra.plugin.core.log") for task in debug["tasks"])


def test_types_of_inputs(http: httpx.Client) -> None:
    types = {entry["type"]: entry["cls"] for entry in http.get(f"{PLUGINS}/inputs").json()}
    answer = http.get(f"{PLUGINS}/inputs/SELECT")

    assert types["SELECT"] == "io.kestra.core.models.flows.input.SelectInput"
    assert answer.headers["cache-control"] == CACHED
    assert answer.json()["markdown"].startswith("---\ntitle: SelectInput")
    assert "values" in answer.json()["schema"]["properties"]["properties"]


@pytest.mark.parametrize("kind", ["schemas", "properties"])
def test_schemas(http: httpx.Client, kind: str) -> None:
    answer = http.get(f"{PLUGINS}/{kind}/task")
    assert (answer.headers["cache-control"], "$schema" in answer.json()) == (CACHED, True)
    unknown = http.get(f"{PLUGINS}/{kind}/apps")
    assert (unknown.status_code, unknown.json()["message"].startswith("Illegal argument: Cannot found ")) == (422, True)
    wrong = http.get(f"{PLUGINS}/{kind}/nothing")
    assert wrong.status_code == 422
    assert "Failed to convert argument [type] for value [nothing] due to: No enum constant" in wrong.json()["message"]


def test_schema_of_a_list(http: httpx.Client) -> None:
    body = http.get(f"{PLUGINS}/schemas/flow", params={"arrayOf": "true"}).json()
    assert body["type"] == "array"
    assert http.get(f"{PLUGINS}/schemas/flow").json()["$ref"].endswith("flows.Flow")


def test_versions_of_a_plugin(http: httpx.Client) -> None:
    body = http.get(f"{PLUGINS}/{RETURN}/versions").json()
    assert body == {"type": RETURN, "versions": []}
    assert http.get(f"{PLUGINS}/{RETURN}/versions/1.0").json() == http.get(f"{PLUGINS}/{RETURN}").json()


def test_documentation_with_all_properties(http: httpx.Client) -> None:
    def properties(**params: str) -> set[str]:
        answer: dict[str, Any] = http.get(f"{PLUGINS}/{RETURN}", params=params).json()
        return set(answer["schema"]["properties"]["properties"])

    assert "timeout" not in properties()
    assert {"format", "timeout", "retry"} <= properties(all="true")


def test_icons(http: httpx.Client) -> None:
    classes = http.get(f"{PLUGINS}/icons")
    groups = http.get(f"{PLUGINS}/icons/groups").json()

    assert classes.headers["cache-control"] == CACHED
    body = classes.json()
    assert (body[RETURN]["name"], body[RETURN]["flowable"]) == ("Return", False)
    assert body["io.kestra.plugin.core.flow.ForEach"]["flowable"]
    assert body["io.kestra.core.tasks.log.Log"]["icon"] == body["io.kestra.plugin.core.log.Log"]["icon"]
    assert groups["io.kestra.plugin.core"]["name"] == "plugin-icon"
    assert "io.kestra.plugin.core.debug" in groups
