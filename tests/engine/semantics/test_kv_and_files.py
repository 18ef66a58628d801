"""Keys, namespace files and secrets are the same seen from tasks and from the API."""

from __future__ import annotations

from typing import Any

import httpx
import polling2
import pytest
import yaml

from pytest_kestra import Client
from tests.engine.lines import is_two
from tests.engine.replay import Replay

CORE = "io.kestra.plugin.core"
TEXT = {"content-type": "text/plain"}


class Space:
    """Run tasks in a namespace, and see by the API what they leave in it."""

    def __init__(self, api: httpx.Client, namespace: str) -> None:
        self.api = api
        self.namespace = namespace

    def below(self, name: str) -> Space:
        return Space(self.api, f"{self.namespace}.{name}")

    def deploy(self, flow_id: str, *tasks: dict[str, Any], **more: Any) -> None:
        flow = {"id": flow_id, "namespace": self.namespace, "tasks": [{"id": f"t{n}"} | t for n, t in enumerate(tasks)]}
        headers = {"content-type": "application/x-yaml"}
        self.api.post("flows", content=yaml.safe_dump(flow | more), headers=headers).raise_for_status()

    def execute(self, flow_id: str) -> Any:
        path = f"executions/{self.namespace}/{flow_id}"
        return self.api.post(path, params={"wait": "true"}).raise_for_status().json()

    def run(self, *tasks: dict[str, Any], state: str = "SUCCESS") -> list[dict[str, Any]]:
        """Run tasks in a flow of their own, check how it ends, and return their outputs."""
        flow_id = f"flow-{len(self.api.get(f'flows/{self.namespace}').json())}"
        self.deploy(flow_id, *tasks)
        execution = self.execute(flow_id)
        assert execution["state"]["current"] == state, self.logs(execution)
        self.last = execution
        return [run["outputs"] for run in execution["taskRunList"]]

    def logs(self, execution: Any) -> str:
        return "\n".join(entry["message"] for entry in self.api.get(f"logs/{execution['id']}").json())

    def render(self, expression: str) -> Any:
        (outputs,) = self.run({"type": f"{CORE}.debug.Return", "format": expression})
        return outputs["value"]

    def refusal(self, *tasks: dict[str, Any]) -> str:
        """Run tasks that fail, and return what they log."""
        self.run(*tasks, state="FAILED")
        return self.logs(self.last)

    def put(self, key: str, value: str, **headers: str) -> None:
        path = f"namespaces/{self.namespace}/kv/{key}"
        self.api.put(path, content=value.encode(), headers=TEXT | headers).raise_for_status()

    def get(self, key: str) -> Any:
        return self.api.get(f"namespaces/{self.namespace}/kv/{key}").json()

    def keys(self) -> list[str]:
        return sorted(entry["key"] for entry in self.api.get(f"namespaces/{self.namespace}/kv").json())

    def expire(self, key: str) -> None:
        """Set a key that lasts for a moment, and return when that is over."""
        self.put(key, "1", ttl="PT0.01S")
        polling2.poll(lambda: key not in self.keys(), step=0.01, timeout=600)

    def upload(self, path: str, content: str) -> None:
        files = {"fileContent": ("any", content)}
        self.api.post(f"namespaces/{self.namespace}/files", params={"path": path}, files=files).raise_for_status()

    def file(self, path: str, **more: int) -> str:
        params = {"path": path} | more
        return self.api.get(f"namespaces/{self.namespace}/files", params=params).raise_for_status().text

    def paths(self) -> list[str]:
        return sorted(self.api.get(f"namespaces/{self.namespace}/files/search", params={"q": "/"}).json())


@pytest.fixture
def space(api: httpx.Client, namespace: str) -> Space:
    return Space(api, namespace)


def kv(task: str, **more: Any) -> dict[str, Any]:
    return {"type": f"{CORE}.kv.{task}"} | more


def files(task: str, **more: Any) -> dict[str, Any]:
    return {"type": f"{CORE}.namespace.{task}", "namespace": "{{ flow.namespace }}"} | more


def show(expression: str) -> dict[str, Any]:
    return {"type": f"{CORE}.debug.Return", "format": expression}


# Keys


def test_what_a_task_sets_the_api_reads(space: Space) -> None:
    values = [
        ("text", "3", "STRING", "3"),
        ("number", "3.5", "NUMBER", 3.5),
        ("flag", "true", "BOOLEAN", True),
        ("moment", "2026-01-02T03:04:05Z", "DATETIME", "2026-01-02T03:04:05Z"),
        ("span", "PT5M", "DURATION", "PT5M"),
        ("object", '{"a": [1, 2]}', "JSON", {"a": [1, 2]}),
    ]
    space.run(*[kv("Set", key=key, value=value, kvType=kind) for key, value, kind, _ in values])

    for key, _, kind, read in values:
        found = space.get(key)
        assert (key, found["type"], found["value"]) == (key, kind, read)
    space.run(kv("Set", key="noted", value="1", kvDescription="by a task", ttl="P1D"))
    (noted,) = [e for e in space.api.get(f"namespaces/{space.namespace}/kv").json() if e["key"] == "noted"]
    assert (noted["description"], "expirationDate" in noted) == ("by a task", True)


def test_what_the_api_sets_a_task_reads(space: Space) -> None:
    for key, value in (("text", '"a b"'), ("number", "3"), ("object", '{"a": {"b": [1]}}'), ("flag", "true")):
        space.put(key, value)

    outputs = space.run(*[kv("Get", key=key) for key in ("text", "number", "object", "flag", "unknown")])
    assert [item.get("value") for item in outputs] == ["a b", 3, {"a": {"b": [1]}}, True, None]
    assert space.render("{{ kv('object').a.b[0] + kv('number') }}") == "4"
    assert "errorOnMissing" in space.refusal(kv("Get", key="unknown", errorOnMissing=True))


def test_keys_are_listed_deleted_and_not_overwritten(space: Space) -> None:
    for key in ("one", "one_more", "two"):
        space.put(key, '"old"')

    (listed, deleted, missing) = space.run(
        kv("GetKeys", prefix="one"), kv("Delete", key="two"), kv("Delete", key="unknown")
    )
    assert (sorted(listed["keys"]), deleted["deleted"], missing["deleted"]) == (["one", "one_more"], True, False)
    assert space.keys() == ["one", "one_more"]
    assert "already exists" in space.refusal(kv("Set", key="one", value="new", overwrite=False))
    space.run(kv("Set", key="one", value="new"))
    assert (space.get("one")["value"], space.get("one")["revision"]) == ("new", 2)
    assert "errorOnMissing" in space.refusal(kv("Delete", key="unknown", errorOnMissing=True))


def test_expired_keys_are_missing_and_purged(space: Space) -> None:
    space.put("lasting", "1")
    space.expire("brief")
    space.expire("briefer")

    assert space.render("{{ kv('brief', errorOnMissing=false) ?? 'none' }}") == "none"
    assert "The requested value has expired" in space.refusal(show("{{ kv('briefer') }}"))
    space.expire("again")
    (purged,) = space.run(kv("PurgeKV", namespaces=["{{ flow.namespace }}"], includeChildNamespaces=False))
    assert purged["size"] >= 1
    assert space.keys() == ["lasting"]
    assert space.api.get(f"namespaces/{space.namespace}/kv/again").status_code == 404


def test_all_keys_of_a_pattern_are_purged(space: Space) -> None:
    inner = space.below("team")
    for where in (space, inner):
        where.put("old_a", "1")
        where.put("new_b", "1")

    # Only namespaces with flows are looked through.
    inner.deploy("any", show("1"))
    behavior = {"type": "key", "expiredOnly": False}
    space.run(kv("PurgeKV", namespaces=["{{ flow.namespace }}"], keyPattern="old_*", behavior=behavior))
    assert (space.keys(), inner.keys()) == (["new_b"], ["new_b"])


def test_keys_come_from_the_namespaces_above(space: Space) -> None:
    inner = space.below("team")
    space.put("far", '"from above"')
    space.put("both", '"from above"')
    inner.put("both", '"own"')

    assert inner.render("{{ kv('far') }}, {{ kv('both') }}") == "from above, own"
    assert inner.render(f"{{{{ kv('both', namespace='{space.namespace}') }}}}") == "from above"
    assert inner.run(kv("Get", key="far"))[0]["value"] == "from above"
    assert "does not exist in the namespace" in space.refusal(show("{{ kv('nowhere') }}"))
    assert space.render("{{ kv('nowhere', errorOnMissing=false) ?? 'default' }}") == "default"
    # Nothing comes from below.
    inner.put("deep", "1")
    assert "The key 'deep' does not exist" in space.refusal(show("{{ kv('deep') }}"))


def test_running_flow_sees_what_the_api_sets(space: Space) -> None:
    # It does not read while the key is set: Kestra tells of a value before it has stored it (InternalKVStore.put).
    space.deploy("waiting", {"type": f"{CORE}.flow.Pause"}, show("{{ kv('decision') }}"))
    started = space.api.post(f"executions/{space.namespace}/waiting").json()["id"]

    def reaches(state: str) -> Any:
        def read() -> Any:
            return space.api.get(f"executions/{started}").json()

        return polling2.poll(read, check_success=lambda it: it["state"]["current"] == state, step=0.02, timeout=600)

    reaches("PAUSED")
    space.put("decision", "yes")
    space.api.post(f"executions/{started}/resume").raise_for_status()
    assert reaches("SUCCESS")["taskRunList"][-1]["outputs"] == {"value": "yes"}


# Namespace files


def test_script_has_namespace_files(space: Space) -> None:
    space.upload("/scripts/a.sh", "echo old\n")
    space.upload("/scripts/a.sh", 'echo "hello from $1"\n')
    space.upload("/data/ü x.txt", "content")
    space.below("other").upload("/scripts/a.sh", "exit 1\n")
    command = "sh scripts/a.sh me; echo '::{\"outputs\":{\"found\":\"'$(find . -name '*.*' -type f | sort)'\"}}::'"

    def found(**chosen: Any) -> str:
        task = {"type": "io.kestra.plugin.scripts.shell.Commands", "commands": [command], "namespaceFiles": chosen}
        return str(space.run(task)[0]["vars"]["found"])

    assert found(enabled=True) == "./data/ü x.txt ./scripts/a.sh"
    assert "hello from me" in space.logs(space.last)
    assert found(include=["scripts/**"]) == "./scripts/a.sh"


def test_script_has_no_namespace_files_unless_it_asks(space: Space) -> None:
    space.upload("/a.txt", "1")
    for chosen in ({}, {"namespaceFiles": {"enabled": False}}):
        task = {"type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["test ! -e a.txt"]}
        space.run(task | chosen)


def test_expression_reads_a_file_and_its_revisions(space: Space, kestra_client: Client) -> None:
    space.upload("/queries/ä.sql", "select 1")
    space.upload("/queries/ä.sql", "select 2")

    assert space.render("{{ read('queries/ä.sql') }}") == "select 2"
    revision = "revision" if is_two(kestra_client) else "version"
    assert space.render(f"{{{{ read('queries/ä.sql', {revision}=1) }}}}") == "select 1"
    assert space.render("{{ fileExists('nsfile:///queries/ä.sql') }}") == "true"
    assert space.below("team").render(f"{{{{ read('queries/ä.sql', namespace='{space.namespace}') }}}}") == "select 2"
    assert "'/nothing.sql' was not found" in space.refusal(show("{{ read('nothing.sql') }}"))
    space.api.delete(f"namespaces/{space.namespace}/files", params={"path": "/queries/ä.sql"}).raise_for_status()
    assert "'/queries/ä.sql' was not found" in space.refusal(show("{{ read('queries/ä.sql') }}"))


def test_tasks_upload_download_and_delete_files(space: Space) -> None:
    write = {"type": f"{CORE}.storage.Write", "content": "written", "extension": ".txt"}
    upload = files("UploadFiles", filesMap={"in/a.txt": "{{ outputs.t0.uri }}"}, destination="/")
    _, _, downloaded = space.run(write, upload, files("DownloadFiles", files=["**.txt"]))
    assert space.paths() == ["/in/a.txt"]
    assert space.file("/in/a.txt") == "written"
    (uri,) = downloaded["files"].values()
    assert space.api.get(f"executions/{space.last['id']}/file", params={"path": uri}).text == "written"

    space.run(write | {"content": "again"}, upload)
    assert (space.file("/in/a.txt"), space.file("/in/a.txt", revision=1)) == ("again", "written")
    assert "already exists" in space.refusal(write, upload | {"conflict": "ERROR"})
    space.run(write | {"content": "skipped"}, upload | {"conflict": "SKIP"})
    assert space.file("/in/a.txt") == "again"

    space.run(files("DeleteFiles", files=["in/**"], deleteParentFolder=True))
    assert space.paths() == []


def test_old_revisions_are_purged(space: Space) -> None:
    for content in ("one", "two", "three"):
        space.upload("/a.txt", content)

    purge = {"type": f"{CORE}.namespace.PurgeFiles", "namespaces": ["{{ flow.namespace }}"]}
    (purged,) = space.run(purge | {"behavior": {"type": "version", "keepAmount": 1}})
    assert purged["size"] == 2
    path = f"namespaces/{space.namespace}/files/revisions"
    assert space.api.get(path, params={"path": "/a.txt"}).json() == [{"revision": 3}]
    assert space.file("/a.txt") == "three"
    gone = space.api.get(f"namespaces/{space.namespace}/files", params={"path": "/a.txt", "revision": 1})
    assert gone.status_code == 404


# Secrets and subflows


# What was recorded is of 1.3.
@pytest.mark.kestra_requires(version="<2")
def test_missing_secret_fails_the_task(replay: Replay) -> None:
    replay.deploy("reads_secret")
    assert replay.same("139")["state"]["current"] == "FAILED"
    replay.same("140")


def test_subflow_sees_its_own_namespace(space: Space) -> None:
    inner = space.below("team")
    space.put("where", '"above"')
    inner.put("where", '"below"')
    inner.upload("/a.txt", "below")
    expression = "{{ flow.namespace }} {{ kv('where') }} {{ read('a.txt') }} {{ secret('KESTRA_API_USER') is empty }}"
    inner.deploy(
        "child", show(expression), outputs=[{"id": "seen", "type": "STRING", "value": "{{ outputs.t0.value }}"}]
    )
    subflow = {"type": f"{CORE}.flow.Subflow", "namespace": inner.namespace, "flowId": "child"}
    _, seen = space.run(show("{{ kv('where') }}"), subflow | {"wait": True, "transmitFailed": True})

    assert seen["outputs"] == {"seen": f"{inner.namespace} below below false"}
    assert space.last["taskRunList"][0]["outputs"]["value"] == "above"
    assert "Cannot find secret for key 'NOT_SET'" in inner.refusal(show("{{ secret('NOT_SET') }}"))
