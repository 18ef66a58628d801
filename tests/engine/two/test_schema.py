"""Each route of the engine of 2.0 answers as it must, and as Kestra's own description of that line's API tells."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("openapi_schema_validator")

from pytest_kestra.engine.api import app, unserved
from pytest_kestra.engine.lease import Lease
from pytest_kestra.stash import run_of
from tests.conftest import CONTRACTS
from tests.engine.api import tour
from tests.engine.api.test_tour import NEVER_ANSWERED, NEVER_REFUSED, OUR_OWN, UNRECORDED, Observer
from tests.engine.launched import installed, launched
from tests.engine.older import NewerRoutes
from tests.engine.replay import YAML
from tests.engine.schema import Schema
from tests.engine.test_schema import DEVIATIONS, UNSEEN

# Where a request of the tour has another status than on 1.3, and how often.
CONFLICT = "what does not fit is a conflict"
LATER = "it is done later, and the answer names the operation"
WHOLE = "the answer is the execution"
OTHERS = {
    ("POST", "flows", 422, 409): (1, CONFLICT),
    ("POST", "executions/pause", 422, 409): (1, CONFLICT),
    ("POST", "executions/restart", 422, 409): (1, CONFLICT),
    ("POST", "executions/unqueue", 422, 409): (1, CONFLICT),
    ("POST", "executions/force-run", 422, 409): (1, CONFLICT),
    ("POST", "executions/resume", 204, 200): (1, WHOLE),
    ("DELETE", "executions/kill", 202, 200): (1, WHOLE),
    ("PATCH", "flows/old/say", 200, 404): (1, "it is gone"),
    ("PATCH", "flows/old/say", 422, 404): (1, "it is gone"),
    ("POST", "executions/trigger/hello", 200, 404): (1, "it is gone"),
    ("POST", "triggers/unlock", 409, 200): (1, "a trigger that is not locked stays so"),
    ("PUT", "triggers/backfill/pause", 400, 200): (1, "a trigger without a backfill stays so"),
    ("POST", "triggers/set-disabled/by", 200, 202): (2, LATER),
    ("POST", "triggers/unlock/by", 200, 202): (2, LATER),
    ("POST", "triggers/backfill/by", 200, 202): (6, LATER),
    ("DELETE", "triggers/delete/by", 200, 202): (2, LATER),
}
# Where the description, which is of a snapshot, is wrong about 2.0.0 besides, each with its reason.
OF_TWO = {
    "AbstractTrigger required when": "left out where the flow has none",
    "ApiExecution required tenantId": "Kestra's model does not write it",
    "ApiExecution.inputs[] type": "a value is of the type of its input, and the description tells an object",
    "ApiExecution.variables[] type": "a variable is of any type, and the description tells an object",
    "ApiLightExecution required tenantId": "Kestra's model does not write it",
    "ApiLightExecution.inputs[] type": "a value is of the type of its input, and the description tells an object",
    "GET /api/v1/main/namespaces/tour.team/kv operation": "served as before, though the description has it no more",
    "GET /api/v1/main/namespaces/tour.team/secrets operation": "served as before, as the keys",
    **dict.fromkeys(
        (f"POST /api/v1/main/flows/source/replace/{action} operation" for action in ("apply", "line", "preview")),
        "younger than the description; as Kestra's SDK 2.0.3 has it",
    ),
    "getTaskRunOutputs type": "the list of an execution's outputs has a path of its own, as Kestra's SDK 2.0.3 has it",
    "outputs operation": "below `executions` and `tasks`, as Kestra's SDK 2.0.3 has them",
}
# Described, but at another place since, each with the beginning of that.
MOVED = {
    "/api/v1/main/mcp/servers": "mcp-servers, as Kestra's SDK 2.0.3 has it",
    "/api/v1/main/outputs/{": "outputs/tasks, as Kestra's SDK 2.0.3 has it",
}
# Of this line: it moves the clock of schedules.
OURS = OUR_OWN | {
    "PUT /pytest-kestra/clock/{test}",
    "DELETE /pytest-kestra/clock/{test}",
    "GET /pytest-kestra/clock",
}


class TourOfTwo(tour.Tour):
    """Send the requests to an engine of 2.0, by its routes, and count those that are answered otherwise."""

    def __init__(self, http: httpx.Client, seen: Callable[[httpx.Response], None]) -> None:
        super().__init__(http, seen)
        self.others: Counter[tuple[str, str, int, int]] = Counter()
        self.count = 0

    def go(self, method: str, path: str, status: int = 200, *, anonymous: bool = False, **options: Any) -> Any:
        """Send a request with flows as 2.0 reads them."""
        if isinstance(options.get("content"), str):
            content = re.sub(r"pluginDefaults:\n.*\n", "", options["content"])
            # The old name of a task, which is none any more.
            options["content"] = content.replace("core.debug.Echo", "core.debug.Return")
        return super().go(method, path, status, anonymous=anonymous, **options)

    def check(self, method: str, path: str, status: int, answer: httpx.Response) -> None:
        """Count the answer, also apart where it has another status."""
        self.count += 1
        if answer.status_code != status:
            self.others[method, _kind(path), status, answer.status_code] += 1

    def plugins(self) -> None:
        """Ask for one icon, too, and for the types of triggers."""
        super().plugins()
        icons = "/api/v1/plugins/icons"
        for cls in ("io.kestra.plugin.core.debug.Return", "io.kestra.plugin.core.debug", "no.Such"):
            self.go("GET", f"{icons}/{cls}")
        self.go("GET", f"{icons}/no.Such", 401, anonymous=True)
        self.go("GET", f"{icons}/io.kestra.plugin.core.debug.Return/icon.svg")
        self.go("GET", f"{icons}/no.Such/icon.svg", 404)
        self.go("GET", "/api/v1/plugins/triggers")
        self.go("GET", "/api/v1/plugins/triggers", 401, anonymous=True)

    def flows(self) -> None:
        """Ask for the expressions of a flow, too, and replace a text in it."""
        super().flows()
        self.go("POST", "flows/expressions", content=tour.HELLO, headers=YAML, params={"taskId": "say"})
        self.go("POST", "flows/expressions", 422, content="id: [", headers=YAML)
        self.go("GET", "flows/source", params={"q": "h[ae]llo", "regex": "true", "scope": "tasks"})
        self.go("GET", "flows/source", 400, params={"q": "(", "regex": "true"})
        self.store(tour.HELLO.replace("hello", "spoken"))
        place, replace = {"namespace": tour.PLACE, "id": "spoken"}, "flows/source/replace"
        wanted = {"query": "Says", "replacement": "Tells"}
        self.go("POST", f"{replace}/preview", json={**wanted, "namespace": tour.PLACE})
        self.go("POST", f"{replace}/preview", 400, json={**wanted, "query": "(", "regex": True})
        line = tour.HELLO.splitlines().index("description: Says hello") + 1
        self.go("POST", f"{replace}/line", json={**wanted, **place, "line": line, "column": len("description: ")})
        self.go("POST", f"{replace}/line", 422, json={**wanted, **place})
        self.go("POST", f"{replace}/apply", json={**wanted, "query": "Tells", "flows": [place]})
        self.go("POST", f"{replace}/apply", 422, json=wanted)
        self.go("DELETE", f"flows/{tour.PLACE}/spoken", 204)

    def executions(self) -> None:
        """Ask for the values of a field, too, and render expressions."""
        super().executions()
        self.go("GET", "executions/distinct-field-values", params={"field": "FLOW_ID", "size": "5", **tour.QUERY})
        self.go("GET", "executions/distinct-field-values", 422, params={"field": "USERNAME"})
        wanted = {"expressions": ["{{ inputs.who }}", "{{ secret('A') }}", "{{ now() }}", "plain"]}
        self.go("POST", "expressions/render", json=wanted)
        self.go("POST", "expressions/render", json={**wanted, "executionId": self.done["id"]})
        self.go("POST", "expressions/render", json={**wanted, "namespace": tour.PLACE, "flowId": "hello"})
        self.go("POST", "expressions/render", 404, json={**wanted, "executionId": "nothing"})
        self.go("POST", "expressions/render", 422, json={"expressions": []})

    def backfills(self) -> None:
        """Refuse to begin one, too, for which there is a route of its own."""
        super().backfills()
        place = {"namespace": "nobody", "flowId": "hello", "triggerId": "daily"}
        self.go("PUT", "triggers/backfill/create", 404, json={**place, "backfill": {"start": "2026-01-01T00:00:00Z"}})

    def files_of_executions(self) -> None:
        """Ask for the outputs, too, which an execution does not have itself."""
        place = f"outputs/tasks/{self.done['id']}"
        for run in self.done["taskRunList"]:
            run["outputs"] = self.go("GET", f"{place}/{run['id']}")
        self.go("GET", place)
        self.go("GET", f"{place}/nothing", 404)
        self.go("GET", "outputs/tasks/nothing", 404)
        self.go("GET", f"outputs/executions/{self.done['id']}")
        self.go("GET", "outputs/executions/nothing", 404)
        super().files_of_executions()


def _kind(path: str) -> str:
    """Return what a path asks for, without the names in it."""
    names = [part for part in path.split("/") if re.fullmatch(r"[a-z-]+", part) and part not in ("daily", "hello")]
    end = ["hello"] if path.startswith("executions/trigger/") else []
    return re.sub(r"(?<=backfill)/\w+(?=/by-)|(?<=/by)-\w+", "", "/".join(names + end))


def forgotten(schema: Schema) -> list[tuple[str, str]]:
    """Return the open-source routes that are neither served nor told to be not."""
    routes = [(method, route.path) for route in app.routes("2.0") for method in route.methods or ()]
    routes += [(item.method, item.path) for item in unserved.routes("2.0")]
    known = {(method, _without_names(path)) for method, path in routes}
    return sorted(place for place in schema.open_source() if (place[0], _without_names(place[1])) not in known)


def _without_names(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@pytest.fixture
def lease(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Lease]:
    """Return the lease of an engine of 2.0 that no other test uses."""
    with launched(installed("2.0"), run_of(pytestconfig), tmp_path) as lease:
        yield lease


def test_every_route(lease: Lease, record_property: Callable[[str, object], None]) -> None:
    if not CONTRACTS.is_dir():
        pytest.skip("Kestra's description of its API is not beside this checkout")
    observer = Observer("2.0")
    with NewerRoutes(base_url=lease.url, auth=(lease.user, lease.password), timeout=600) as http:
        one = TourOfTwo(http, observer.see)
        one.run()

    assert dict(one.others) == {key: count for key, (count, _) in OTHERS.items()}
    found = {
        re.sub(r"^GET .*/outputs/.* (operation)", r"outputs \1", place): a for place, a in observer.violations.items()
    }
    listed = DEVIATIONS | UNSEEN | UNRECORDED | OF_TWO
    assert {place: answer for place, answer in found.items() if place not in listed} == {}
    assert OF_TWO.keys() - found.keys() == set()
    assert observer.without(lambda status: status < 400) == NEVER_ANSWERED | OURS
    assert observer.without(lambda status: status >= 400) == NEVER_REFUSED | OURS
    assert [place for place in forgotten(observer.schema) if not place[1].startswith(tuple(MOVED))] == []
    record_property("report", f"{one.count} requests, {sum(one.others.values())} answered otherwise than by 1.3")


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells which process listens where")
def test_no_other_port_is_opened_when_it_is_asked_how_it_is(lease: Lease) -> None:
    assert httpx.get(f"{lease.url}/health", timeout=600).json()["status"] == "UP"

    port = int(lease.url.rpartition(":")[2])
    assert _listening(lease.pid) == {("0100007F", port)}


def _listening(pid: int) -> set[tuple[str, int]]:
    """Return the addresses, as the system writes them, and ports that a process listens on."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed since
            sockets.add(str(descriptor.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, _, port = fields[1].partition(":")
                found.add((address, int(port, 16)))
    return found
