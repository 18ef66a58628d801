"""Requests to every route, each with the status it must have: all routes succeed once and refuse once.

A new route is a line or two in the function of its kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import polling2

from tests.engine.replay import YAML
from tests.waits import WAIT_S

API = "/api/v1/main/"
TEXT = {"content-type": "text/plain"}
JSON = {"content-type": "application/json"}
PLACE = "tour.team"
QUERY = {"filters[namespace][EQUALS]": PLACE}
WRONG = {"filters[namespace][LIKES]": "x"}
NOBODY = {"filters[namespace][EQUALS]": "nobody"}

HELLO = f"""
id: hello
namespace: {PLACE}
description: Says hello
labels: {{team: data}}
variables: {{greeting: Hello, nested: {{count: 3, list: [1, 2]}}}}
inputs:
  - {{id: who, type: STRING, defaults: you, displayName: Whom}}
  - {{id: count, type: INT, required: false, min: 1}}
  - {{id: chosen, type: SELECT, values: [a, b], defaults: a}}
outputs:
  - {{id: said, type: STRING, value: "{{{{ outputs.say.value }}}}"}}
triggers:
  - {{id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: s3cret}}
  - {{id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *", inputs: {{who: clock}}}}
pluginDefaults:
  - {{type: io.kestra.plugin.core.log.Log, values: {{level: WARN}}}}
concurrency: {{limit: 50}}
tasks:
  - {{id: greet, type: io.kestra.plugin.core.log.Log, message: "Hello {{{{ inputs.who }}}}"}}
  - {{id: write, type: io.kestra.plugin.core.storage.Write, content: "a,b", extension: .csv}}
  - {{id: measure, type: io.kestra.plugin.core.metric.Publish, metrics: [{{type: counter, name: rows, value: 3}}]}}
  - {{id: say, type: io.kestra.plugin.core.debug.Return, format: "{{{{ vars.greeting }}}}"}}
"""
CALLS = f"""
id: calls
namespace: {PLACE}
tasks:
  - {{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: {PLACE}, flowId: hello, wait: true}}
  - id: both
    type: io.kestra.plugin.core.flow.Parallel
    tasks: [{{id: one, type: io.kestra.plugin.core.debug.Return, format: x}}]
errors: [{{id: sorry, type: io.kestra.plugin.core.debug.Return, format: x}}]
"""
WAITS = f"""
id: waits
namespace: {PLACE}
tasks:
  - {{id: gate, type: io.kestra.plugin.core.flow.Pause, onResume: [{{id: given, type: STRING}}]}}
  - {{id: last, type: io.kestra.plugin.core.debug.Return, format: x}}
"""
SLEEPS = f"""
id: sleeps
namespace: {PLACE}
tasks:
  - {{id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}}
  - {{id: last, type: io.kestra.plugin.core.debug.Return, format: x}}
"""
FAILS = f"""
id: fails
namespace: {PLACE}
tasks: [{{id: gone, type: io.kestra.plugin.core.execution.Fail}}]
"""
LIMITED = f"""
id: limited
namespace: {PLACE}
concurrency: {{limit: 1, behavior: QUEUE}}
tasks: [{{id: gate, type: io.kestra.plugin.core.flow.Pause}}]
"""
GATES = f"""
id: gates
namespace: {PLACE}
tasks: [{{id: gate, type: io.kestra.plugin.core.flow.Pause}}]
"""
LOCKED = f"""
id: locked
namespace: {PLACE}
triggers:
  - {{id: often, type: io.kestra.plugin.core.trigger.Schedule, cron: "* * * * * *", withSeconds: true}}
tasks: [{{id: gate, type: io.kestra.plugin.core.flow.Pause}}]
"""
DISABLED = f"""
id: disabled
namespace: {PLACE}
disabled: true
tasks: [{{id: only, type: io.kestra.plugin.core.debug.Return, format: x}}]
"""
SUITE = f"""
id: polite
namespace: {PLACE}
flowId: hello
testCases:
  - id: says-hello
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      inputs: {{who: Ada}}
      tasks: [{{id: write, outputs: {{uri: none}}}}]
    assertions:
      - {{value: "{{{{ outputs.say.value }}}}", equalTo: Hello}}
"""


class Tour:
    """Send requests to a server that nobody else uses, and hand every answer on."""

    def __init__(self, http: httpx.Client, seen: Callable[[httpx.Response], None]) -> None:
        self.http = http
        self.seen = seen
        self.done: dict[str, Any] = {}

    def go(self, method: str, path: str, status: int = 200, *, anonymous: bool = False, **options: Any) -> Any:
        """Send a request that must have a status; return the body, as an object where it is JSON."""
        options |= {"auth": None} if anonymous else {}
        answer = self.http.request(method, path if path.startswith("/") else API + path, **options)
        self.seen(answer)
        self.check(method, path, status, answer)
        kind = answer.headers.get("content-type", "")
        return answer.json() if kind.startswith("application/json") else answer.text

    def check(self, method: str, path: str, status: int, answer: httpx.Response) -> None:
        """Check the status of an answer."""
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"

    def watch(self, path: str, events: int) -> None:
        """Read the first events of a stream, which may have no end."""
        with self.http.stream("GET", API + path) as answer:
            text = ""
            for part in answer.iter_text():
                text += part
                if text.count("\n\n") >= events:
                    break
            self.seen(answer)

    def store(self, source: str, status: int = 200) -> Any:
        """Store a flow."""
        return self.go("POST", "flows", status, content=source, headers=YAML)

    def start(self, flow: str, *states: str, **params: str) -> str:
        """Start an execution, and return its id when it is in one of some states, or at once."""
        execution_id = str(self.go("POST", f"executions/{PLACE}/{flow}", params=params)["id"])
        if states:
            self.until(f"executions/{execution_id}", lambda body: body["state"]["current"] in states)
        return execution_id

    def until(self, path: str, wished: Callable[[Any], bool]) -> Any:
        """Ask until an answer is as wished, and return it."""
        return polling2.poll(
            lambda: self.http.get(API + path).raise_for_status().json(),
            check_success=wished,
            step=0.05,
            timeout=WAIT_S,
        )

    def run(self) -> None:
        """Visit all routes."""
        for source in (HELLO, CALLS, WAITS, SLEEPS, FAILS, LIMITED, GATES, LOCKED, DISABLED):
            self.store(source)
        self.until(f"triggers/{PLACE}/hello", lambda body: len(body["results"]) == 1)
        self.server()
        self.plugins()
        self.flows()
        self.graphs()
        self.executions()
        self.files_of_executions()
        self.records()
        self.lifecycle()
        self.limits()
        self.webhooks()
        self.bulk()
        self.triggers()
        self.backfills()
        self.namespaces()
        self.keys()
        self.files()
        self.suites()
        self.ends()

    def server(self) -> None:
        self.go("GET", "/health", anonymous=True)
        self.go("GET", "/api/v1/configs", anonymous=True)
        self.go("GET", "/api/v1/basicAuthValidationErrors", anonymous=True)
        for path in ("main/usages/all", "pebble/filters", "pebble/functions"):
            self.go("GET", f"/api/v1/{path}")
            self.go("GET", f"/api/v1/{path}", 401, anonymous=True)

    def plugins(self) -> None:
        cls = "io.kestra.plugin.core.debug.Return"
        for path in ("", "/groups/subgroups", "/icons", "/icons/groups", "/inputs"):
            self.go("GET", f"/api/v1/plugins{path}")
            self.go("GET", f"/api/v1/plugins{path}", 401, anonymous=True)
        self.go("GET", "/api/v1/plugins/inputs/STRING")
        self.go("GET", "/api/v1/plugins/inputs/NOTHING", 422)
        self.go("GET", "/api/v1/plugins/properties/flow")
        self.go("GET", "/api/v1/plugins/properties/NOTHING", 422)
        self.go("GET", "/api/v1/plugins/schemas/task")
        self.go("GET", "/api/v1/plugins/schemas/task", params={"arrayOf": "true"})
        self.go("GET", "/api/v1/plugins/schemas/NOTHING", 422)
        version = self.go("GET", "/api/v1/configs")["version"]
        self.go("GET", f"/api/v1/plugins/{cls}/versions")
        self.go("GET", "/api/v1/plugins/no.Such/versions", 401, anonymous=True)
        self.go("GET", f"/api/v1/plugins/{cls}/versions/{version}", params={"all": "true"})
        self.go("GET", f"/api/v1/plugins/no.Such/versions/{version}", 404)
        self.go("GET", f"/api/v1/plugins/{cls}")
        self.go("GET", "/api/v1/plugins/no.Such", 404)

    def flows(self) -> None:
        self.store(HELLO, 422)
        self.store("id: [", 422)
        self.go("POST", "flows", 422, content="x", headers=TEXT)
        self.go("PUT", f"flows/{PLACE}/hello", content=HELLO.replace("Says", "Tells"), headers=YAML)
        self.go("PUT", f"flows/{PLACE}/nothing", 404, content=HELLO, headers=YAML)
        self.go("PUT", f"flows/{PLACE}/hello", 422, content=CALLS, headers=YAML)
        self.go("GET", f"flows/{PLACE}/hello")
        self.go("GET", f"flows/{PLACE}/hello", params={"source": "true", "revision": "1"})
        self.go("GET", f"flows/{PLACE}/nothing", 404)
        self.go("GET", f"flows/{PLACE}")
        self.go("GET", "flows/nobody")
        self.go("GET", f"flows/{PLACE}", 401, anonymous=True)
        self.go("GET", "flows/search", params={"sort": "id:asc", **QUERY})
        self.go("GET", "/api/v1/flows/search", params=NOBODY)
        self.go("GET", "flows/search", 422, params=WRONG)
        self.go("GET", "flows/search", 401, anonymous=True)
        self.go("GET", "/api/v1/other/flows/search", 400)
        self.go("GET", "flows/source", params={"q": "message", "namespace": PLACE})
        self.go("GET", "flows/source", 422, params={"page": "0"})
        self.go("GET", "flows/distinct-namespaces")
        self.go("GET", "flows/distinct-namespaces", 401, anonymous=True)
        old = HELLO.replace("hello", "old").replace("core.debug.Return", "core.debug.Echo")
        self.store(old)
        self.go("GET", "flows/deprecated")
        self.go("GET", "flows/deprecated", 401, anonymous=True)
        self.go("GET", f"flows/{PLACE}/hello/revisions")
        self.go("GET", f"flows/{PLACE}/hello/revisions", 401, anonymous=True)
        self.go("PUT", f"flows/{PLACE}/old", content=old.replace("Says", "Tells"), headers=YAML)
        self.go("DELETE", f"flows/{PLACE}/old/revisions", 204, params={"revisions": "1"})
        self.go("DELETE", f"flows/{PLACE}/nothing/revisions", 404, params={"revisions": "1"})
        self.go("GET", f"flows/{PLACE}/hello/tasks/say")
        self.go("GET", f"flows/{PLACE}/hello/tasks/nothing", 404)
        task = {"id": "say", "type": "io.kestra.plugin.core.debug.Return", "format": "y"}
        self.go("PATCH", f"flows/{PLACE}/old/say", json=task)
        self.go("PATCH", f"flows/{PLACE}/old/say", 422, json={**task, "id": "other"})
        self.go("PATCH", f"flows/{PLACE}/nothing/say", 404, json=task)
        self.go("POST", "flows/validate", content=f"{HELLO}---\nid: [\n", headers=YAML)
        self.go("POST", "flows/validate", 422)
        self.go("POST", "flows/validate/task", params={"section": "TASKS"}, json=task)
        self.go("POST", "flows/validate/task", 422, content="id: a", headers=YAML)
        self.go("POST", "flows/validate/trigger", json={"id": "a", "type": "io.kestra.plugin.core.trigger.Schedule"})
        self.go("POST", "flows/validate/trigger", 415, content="x", headers=TEXT)
        self.go("DELETE", f"flows/{PLACE}/old", 204)
        self.go("DELETE", f"flows/{PLACE}/old", 404)
        self.go("GET", f"flows/{PLACE}/old", params={"allowDeleted": "true"})
        self.many_flows()

    def many_flows(self) -> None:
        one, two = (HELLO.replace("hello", name).replace(PLACE, "tour.many") for name in ("one", "two"))
        self.go("POST", "flows/bulk", content=f"{one}---\n{two}", headers=YAML, params={"delete": "false"})
        self.go("POST", "flows/bulk", 422, content="id: [", headers=YAML)
        self.go("POST", "flows/tour.many", content=one, headers=YAML, params={"delete": "false"})
        self.go("POST", "flows/tour.many", 422, content=HELLO, headers=YAML)
        ids = [{"namespace": "tour.many", "id": "one"}]
        many = {"filters[namespace][EQUALS]": "tour.many"}
        for action in ("disable", "enable"):
            self.go("POST", f"flows/{action}/by-ids", json=ids)
            self.go("POST", f"flows/{action}/by-ids", 422, json=["one"])
            self.go("POST", f"flows/{action}/by-query", params=many)
            self.go("POST", f"flows/{action}/by-query", 422, params=WRONG)
        self.go("POST", "flows/export/by-ids", json=ids)
        self.go("POST", "flows/export/by-ids", 422, json=["one"])
        self.go("GET", "flows/export/by-query", params=many)
        self.go("GET", "flows/export/by-query", 422, params=WRONG)
        self.go("GET", "flows/export/by-query/csv", params=many)
        self.go("GET", "flows/export/by-query/csv", 422, params=WRONG)
        self.go("POST", "flows/import", files={"fileUpload": ("flows.yaml", one.encode())})
        self.go("POST", "flows/import", 415, content="x", headers=TEXT)
        self.go("DELETE", "flows/delete/by-ids", json=ids)
        self.go("DELETE", "flows/delete/by-ids", 404, json=[{"namespace": "nobody", "id": "one"}])
        self.go("DELETE", "flows/delete/by-query", params=many)
        self.go("DELETE", "flows/delete/by-query", 422, params=WRONG)

    def graphs(self) -> None:
        self.go("GET", f"flows/{PLACE}/calls/graph", params={"subflows": "calls.call"})
        self.go("GET", f"flows/{PLACE}/nothing/graph", 404)
        self.go("POST", "flows/graph", content=CALLS, headers=YAML)
        self.go("POST", "flows/graph", 422, content="id: [", headers=YAML)
        self.go("GET", f"flows/{PLACE}/calls/dependencies", params={"expandAll": "true"})
        self.go("GET", f"flows/{PLACE}/calls/dependencies", 401, anonymous=True)
        self.go("GET", f"namespaces/{PLACE}/dependencies")
        self.go("GET", f"namespaces/{PLACE}/dependencies", 401, anonymous=True)

    def executions(self) -> None:
        fields = {"who": (None, "me"), "count": (None, "2")}
        labels = {"wait": "true", "labels": "colour:blue"}
        self.done = self.go("POST", f"executions/{PLACE}/hello", params=labels, files=fields)
        done = self.done["id"]
        self.go("POST", f"executions/{PLACE}/hello", 422, files={"count": (None, "many")})
        self.go("POST", f"executions/{PLACE}/hello", 415, json={})
        self.go("POST", f"executions/{PLACE}/nothing", 404)
        self.go("POST", f"executions/{PLACE}/disabled", 409)
        self.go("POST", f"executions/{PLACE}/hello", params={"scheduleDate": "2036-01-01T00:00:00Z"})
        self.go("POST", f"executions/{PLACE}/hello", params={"kind": "TEST", "wait": "true"})
        self.go("POST", f"executions/trigger/{PLACE}/hello", params={"wait": "true"})
        self.go("POST", f"executions/trigger/{PLACE}/nothing", 404)
        self.go("POST", f"executions/{PLACE}/hello/validate", files=fields)
        self.go("POST", f"executions/{PLACE}/hello/validate", files={"count": (None, "0")})
        self.go("POST", f"executions/{PLACE}/nothing/validate", 404)
        self.go("GET", f"executions/{done}")
        self.go("GET", "executions/nothing", 404)
        self.go("GET", "executions/search", params={"sort": "state.startDate:desc", **QUERY})
        self.go("GET", "executions/search", 422, params={"state": "NOTHING"})
        self.go("GET", "executions", params={"namespace": PLACE, "flowId": "hello"})
        self.go("GET", "executions", 422)
        self.go("POST", "executions/latest", json=[{"namespace": PLACE, "id": "hello"}, {"namespace": "x", "id": "y"}])
        self.go("POST", "executions/latest", 422, json=["x"])
        self.go("GET", "executions/export/by-query/csv", params=QUERY)
        self.go("GET", "executions/export/by-query/csv", 422, params=WRONG)
        self.go("GET", f"executions/flows/{PLACE}/hello")
        self.go("GET", f"executions/flows/{PLACE}/nothing", 404)
        self.go("GET", "executions/namespaces")
        self.go("GET", "executions/namespaces", 401, anonymous=True)
        self.go("GET", f"executions/namespaces/{PLACE}/flows")
        self.go("GET", f"executions/namespaces/{PLACE}/flows", 401, anonymous=True)
        self.go("GET", f"executions/{done}/flow")
        self.go("GET", "executions/nothing/flow", 404)
        self.go("GET", f"executions/{done}/graph")
        self.go("GET", "executions/nothing/graph", 404)
        self.watch(f"executions/{done}/follow", 2)
        self.go("GET", f"executions/{done}/follow", 401, anonymous=True)
        self.watch(f"executions/{done}/follow-dependencies", 2)
        self.go("GET", "executions/nothing/follow-dependencies", 404)
        self.go("POST", f"executions/{done}/eval", content="{{ inputs.who }}", headers=TEXT)
        self.go("POST", f"executions/{done}/eval", content="{{ nothing.there }}", headers=TEXT)
        self.go("POST", "executions/nothing/eval", 404, content="x", headers=TEXT)
        self.go("POST", f"executions/{done}/eval", 415, json="x")
        run = self.done["taskRunList"][0]["id"]
        self.go("POST", f"executions/{done}/eval/{run}", content="{{ taskrun.id }}", headers=TEXT)
        self.go("POST", f"executions/nothing/eval/{run}", 404, content="x", headers=TEXT)

    def files_of_executions(self) -> None:
        url = f"executions/{self.done['id']}/file"
        uri = next(run["outputs"]["uri"] for run in self.done["taskRunList"] if run["taskId"] == "write")
        elsewhere = "kestra:///tour/team/hello/executions/another/tasks/write/x/a.csv"
        self.go("GET", url, params={"path": uri})
        self.go("GET", url, 422)
        self.go("GET", url, 404, params={"path": uri + "x"})
        self.go("GET", url, 301, params={"path": elsewhere})
        self.go("GET", f"{url}/metas", params={"path": uri})
        self.go("GET", f"{url}/metas", 422)
        self.go("GET", f"{url}/metas", 301, params={"path": elsewhere})
        self.go("GET", f"{url}/preview", params={"path": uri, "maxRows": "1"})
        self.go("GET", f"{url}/preview", 422, params={"path": uri, "encoding": "nothing"})

    def records(self) -> None:
        done = self.done["id"]
        self.go("GET", "logs/search", params=QUERY)
        self.go("GET", "logs/search", 422, params=WRONG)
        self.go("GET", f"logs/{done}")
        self.go("GET", f"logs/{done}", 422, params={"minLevel": "LOUD"})
        self.go("GET", f"logs/{done}/download")
        self.go("GET", f"logs/{done}/download", 422, params={"minLevel": "LOUD"})
        self.watch(f"logs/{done}/follow", 2)
        self.go("GET", f"logs/{done}/follow", 422, params={"minLevel": "LOUD"})
        self.go("GET", f"metrics/{done}")
        self.go("GET", f"metrics/{done}", 422, params={"page": "0"})
        for path in ("names", "tasks"):
            self.go("GET", f"metrics/{path}/{PLACE}/hello")
            self.go("GET", f"metrics/{path}/{PLACE}/hello", 401, anonymous=True)
        self.go("GET", f"metrics/names/{PLACE}/hello/measure")
        self.go("GET", f"metrics/names/{PLACE}/hello/measure", 401, anonymous=True)
        for place in ("hello", "hello/measure"):
            self.go("GET", f"metrics/aggregates/{PLACE}/{place}/rows")
            self.go("GET", f"metrics/aggregates/{PLACE}/{place}/rows", 422, params={"startDate": "x"})
        self.go("DELETE", f"logs/{done}", params={"minLevel": "ERROR"})
        self.go("DELETE", f"logs/{done}", 422, params={"minLevel": "LOUD"})
        self.go("DELETE", f"logs/{PLACE}/hello", params={"triggerId": "daily"})
        self.go("DELETE", f"logs/{PLACE}/hello", 401, anonymous=True)

    def lifecycle(self) -> None:
        done, failed = self.done["id"], self.start("fails", "FAILED")
        paused, slow = self.start("waits", "PAUSED"), self.start("sleeps", "RUNNING")
        stopped = self.start("hello", "BREAKPOINT", breakpoints="say")
        self.go("POST", f"executions/{paused}/resume/validate", files={"given": (None, "x")})
        self.go("POST", "executions/nothing/resume/validate", 404)
        self.go("POST", f"executions/{done}/resume/validate", 409)
        self.go("POST", f"executions/{paused}/resume", 422)
        self.go("POST", f"executions/{done}/resume", 409)
        self.go("POST", "executions/nothing/resume", 404)
        self.go("POST", f"executions/{paused}/resume", 204, files={"given": (None, "x")})
        self.go("POST", f"executions/{stopped}/resume-from-breakpoint", 200)
        self.go("POST", f"executions/{done}/resume-from-breakpoint", 409)
        self.go("POST", "executions/nothing/resume-from-breakpoint", 404)
        self.go("POST", f"executions/{slow}/pause", 200)
        self.go("POST", f"executions/{done}/pause", 422)
        self.go("POST", "executions/nothing/pause", 404)
        self.go("POST", f"executions/{failed}/restart")
        self.go("POST", "executions/nothing/restart", 404)
        self.go("POST", f"executions/{done}/restart", 422)
        self.go("POST", f"executions/{done}/replay")
        self.go("POST", "executions/nothing/replay", 404)
        self.go("POST", f"executions/{done}/replay", 404, params={"revision": "99"})
        self.go("POST", f"executions/{done}/replay-with-inputs", files={"who": (None, "x")})
        self.go("POST", "executions/nothing/replay-with-inputs", 404)
        again = self.start("fails", "FAILED")
        run = self.go("GET", f"executions/{again}")["taskRunList"][0]["id"]
        self.go("POST", f"executions/{again}/state", json={"taskRunId": run, "state": "SUCCESS"})
        self.go("POST", "executions/nothing/state", 404, json={"taskRunId": run, "state": "SUCCESS"})
        self.go("POST", f"executions/{again}/state", 422, json={"taskRunId": run, "state": "NOTHING"})
        self.go("POST", f"executions/{done}/change-status", params={"status": "WARNING"})
        self.go("POST", f"executions/{done}/change-status", 422, params={"status": "RUNNING"})
        self.go("POST", "executions/nothing/change-status", 404, params={"status": "WARNING"})
        self.go("POST", f"executions/{done}/labels", json=[{"key": "a", "value": "b"}])
        self.go("POST", f"executions/{done}/labels", 422, json=[{"key": "system.from", "value": "b"}])
        self.go("POST", "executions/nothing/labels", 404, json=[])
        self.go("DELETE", f"executions/{slow}/kill", 202)
        self.go("DELETE", "executions/nothing/kill", 404)
        gone = self.start("hello", wait="true")
        self.go("DELETE", f"executions/{gone}", 204)
        self.go("DELETE", f"executions/{gone}", 404)

    def limits(self) -> None:
        first, second, third = self.start("limited", "PAUSED"), *(self.start("limited", "QUEUED") for _ in range(2))
        self.go("GET", "concurrency-limit/search")
        self.go("GET", "concurrency-limit/search", 401, anonymous=True)
        limit = {"tenantId": "main", "namespace": PLACE, "flowId": "limited", "running": 1}
        self.go("PUT", f"concurrency-limit/{PLACE}/limited", json=limit)
        self.go("PUT", "concurrency-limit/nobody/limited", 404, json={**limit, "namespace": "nobody"})
        self.go("POST", f"executions/{second}/unqueue", params={"state": "RUNNING"})
        self.go("POST", f"executions/{first}/unqueue", 422, params={"state": "RUNNING"})
        self.go("POST", "executions/nothing/unqueue", 404, params={"state": "RUNNING"})
        self.go("POST", f"executions/{third}/force-run")
        self.go("POST", f"executions/{self.done['id']}/force-run", 422)
        self.go("POST", "executions/nothing/force-run", 404)

    def webhooks(self) -> None:
        for method in ("GET", "PUT", "POST"):
            for prefix in ("/api/v1", "/api/v1/main"):
                url = f"{prefix}/executions/webhook/{PLACE}/hello"
                self.go(method, f"{url}/s3cret", anonymous=True)
                for path in ("other", "s3cret/", "s3cret/more"):
                    self.go(method, f"{url}/{path}", 404, anonymous=True)

    def bulk(self) -> None:
        query = {**QUERY, "filters[flowId][EQUALS]": "waits"}
        for method, action, flow, state, params in (
            ("POST", "pause", "sleeps", "RUNNING", {}),
            ("POST", "resume", "gates", "PAUSED", {}),
            ("POST", "force-run", "waits", "PAUSED", {}),
            ("POST", "unqueue", None, None, {"state": "RUNNING"}),
            ("POST", "restart", "fails", "FAILED", {}),
            ("POST", "replay", "fails", "FAILED", {}),
            ("POST", "change-status", "fails", "FAILED", {"newStatus": "WARNING"}),
            ("DELETE", "kill", "waits", "PAUSED", {}),
        ):
            url = f"executions/{action}/by"
            ids = [] if flow is None else [self.start(flow, str(state))]
            self.go(method, f"{url}-ids", params=params, json=ids)
            self.go(method, f"{url}-ids", 400, params=params, json=["nothing"])
            more = {"newState": "RUNNING"} if action == "unqueue" else params
            self.go(method, f"{url}-query", params={**more, **NOBODY})
            self.go(method, f"{url}-query", 422, params={**more, **WRONG})
        body = {"executionsId": [self.done["id"]], "executionLabels": [{"key": "c", "value": "d"}]}
        self.go("POST", "executions/labels/by-ids", json=body)
        self.go("POST", "executions/labels/by-ids", 400, json={**body, "executionsId": ["nothing"]})
        self.go("POST", "executions/labels/by-query", params=NOBODY, json=body["executionLabels"])
        self.go("POST", "executions/labels/by-query", 422, params=WRONG, json=body["executionLabels"])
        gone = self.start("fails", "FAILED")
        self.go("DELETE", "executions/by-ids", json=[gone])
        self.go("DELETE", "executions/by-ids", 400, json=["nothing"])
        # What was killed ends a moment later, and nothing is deleted before.
        search = f"executions/search?{httpx.QueryParams({**query, 'size': '100'})}"
        self.until(search, lambda body: all("endDate" in item["state"] for item in body["results"]))
        self.go("DELETE", "executions/by-query", params=query)
        self.go("DELETE", "executions/by-query", 422, params=WRONG)

    def triggers(self) -> None:
        place = {"tenantId": "main", "namespace": PLACE, "flowId": "hello", "triggerId": "daily"}
        nobody = {**place, "namespace": "nobody"}
        url = f"triggers/{PLACE}/hello"
        self.go("GET", url)
        self.go("GET", url, 422, params={"page": "0"})
        self.go("GET", "triggers/search", params=QUERY)
        self.go("GET", "triggers/search", 422, params=WRONG)
        self.go("GET", "triggers/export/by-query/csv", params=QUERY)
        self.go("GET", "triggers/export/by-query/csv", 422, params=WRONG)
        self.go("PUT", "triggers", json={**place, "disabled": True})
        self.go("PUT", "triggers", 404, json={**nobody, "disabled": True})
        # It fires each second, and its execution never ends.
        self.until(f"triggers/{PLACE}/locked", lambda body: any("executionId" in item for item in body["results"]))
        self.go("POST", f"triggers/{PLACE}/locked/often/unlock")
        self.go("POST", f"{url}/daily/unlock", 409)
        self.go("POST", f"{url}/nothing/unlock", 404)
        self.go("POST", f"{url}/daily/restart")
        self.go("POST", f"{url}/nothing/restart", 404)
        self.go("POST", "triggers/set-disabled/by-triggers", json={"triggers": [place], "disabled": False})
        self.go("POST", "triggers/set-disabled/by-triggers", 422, json=[place])
        self.go("POST", "triggers/set-disabled/by-query", params={**QUERY, "disabled": "false"})
        self.go("POST", "triggers/set-disabled/by-query", 422, params=WRONG)
        self.go("POST", "triggers/unlock/by-triggers", json=[place])
        self.go("POST", "triggers/unlock/by-triggers", 422, json=["x"])
        self.go("POST", "triggers/unlock/by-query", params=QUERY)
        self.go("POST", "triggers/unlock/by-query", 422, params=WRONG)

    def backfills(self) -> None:
        place = {"tenantId": "main", "namespace": PLACE, "flowId": "hello", "triggerId": "daily"}
        backfill = {
            "start": "2001-01-01T00:00:00Z",
            "end": "2026-01-03T00:00:00Z",
            "paused": True,
            "inputs": {"who": "past", "count": 2},
            "labels": [{"key": "a", "value": "b"}],
        }
        self.go("PUT", "triggers", json={**place, "backfill": backfill})
        self.go("GET", f"triggers/{PLACE}/hello")
        for method, path in (("PUT", "unpause"), ("PUT", "pause"), ("POST", "delete")):
            self.go(method, f"triggers/backfill/{path}", json=place)
            self.go(method, f"triggers/backfill/{path}", 404, json={**place, "triggerId": "nothing"})
            self.go("POST", f"triggers/backfill/{path}/by-triggers", json=[place])
            self.go("POST", f"triggers/backfill/{path}/by-triggers", 422, json=["x"])
            self.go("POST", f"triggers/backfill/{path}/by-query", params=NOBODY)
            self.go("POST", f"triggers/backfill/{path}/by-query", 422, params=WRONG)
        self.go("PUT", "triggers/backfill/pause", 400, json=place)

    def namespaces(self) -> None:
        self.go("GET", "namespaces/search", params={"q": "tour"})
        self.go("GET", "namespaces/search", 422, params={"page": "0"})
        self.go("GET", f"namespaces/{PLACE}")
        self.go("GET", f"namespaces/{PLACE}", 401, anonymous=True)
        self.go("POST", "namespaces/autocomplete", json={"q": "tour"})
        self.go("POST", "namespaces/autocomplete", 415, content="x", headers=TEXT)
        self.go("GET", f"namespaces/{PLACE}/secrets")
        self.go("GET", f"namespaces/{PLACE}/secrets", 422, params={"page": "0"})
        self.go("GET", "secrets")
        self.go("GET", "secrets", 422, params={"page": "0"})
        self.go("GET", f"namespaces/{PLACE}/inherited-secrets")
        self.go("GET", f"namespaces/{PLACE}/inherited-secrets", 401, anonymous=True)

    def keys(self) -> None:
        url = f"namespaces/{PLACE}/kv"
        for value in ("blue", 3, True, [1, "a"], {"a": 1}, "2026-01-01T00:00:00Z", "PT1H"):
            self.go("PUT", f"{url}/key", content=json.dumps(value), headers=TEXT)
            self.go("GET", f"{url}/key")
        self.go("PUT", f"{url}/key", 415, json=3)
        self.go("GET", f"{url}/nothing", 404)
        self.go("GET", url)
        self.go("GET", f"{url}/inheritance")
        self.go("GET", f"namespaces/{PLACE}/kv", 401, anonymous=True)
        self.go("GET", f"{url}/inheritance", 401, anonymous=True)
        self.go("GET", "kv", params=QUERY)
        self.go("GET", "kv", 422, params=WRONG)
        self.go("DELETE", f"{url}/key")
        self.go("DELETE", f"{url}/key")
        self.go("DELETE", f"{url}/wrong$", 422)
        self.go("DELETE", url, json={"keys": ["key"]})
        self.go("DELETE", url, 422, content="[", headers=JSON)

    def files(self) -> None:
        url = f"namespaces/{PLACE}/files"
        self.go("POST", url, params={"path": "/scripts/a.sql"}, files={"fileContent": ("a.sql", b"select 1")})
        self.go("POST", url, 422, files={"fileContent": ("a.sql", b"select 1")})
        self.go("POST", f"{url}/directory", params={"path": "/empty"})
        self.go("POST", f"{url}/directory", 422, params={"path": "/../x"})
        self.go("GET", url, params={"path": "/scripts/a.sql"})
        self.go("GET", url, 404, params={"path": "/nothing"})
        for path, place in (("stats", "/scripts/a.sql"), ("directory", "/"), ("revisions", "/scripts/a.sql")):
            self.go("GET", f"{url}/{path}", params={"path": place})
            self.go("GET", f"{url}/{path}", 404, params={"path": "/nothing"})
        self.go("GET", f"{url}/search", params={"q": "sql"})
        self.go("GET", f"{url}/search", 422)
        self.go("GET", f"{url}/export")
        self.go("GET", f"{url}/export", 401, anonymous=True)
        self.go("PUT", url, params={"from": "/scripts/a.sql", "to": "/b.sql"})
        self.go("PUT", url, 422, params={"from": "/nothing"})
        self.go("DELETE", url, params={"path": "/b.sql"})
        self.go("DELETE", url, 422)

    def suites(self) -> None:
        url, ids = f"tests/{PLACE}/polite", {"ids": [{"namespace": PLACE, "id": "polite"}]}
        self.go("POST", "tests", content=SUITE, headers=YAML)
        self.go("POST", "tests", 422, content=SUITE, headers=YAML)
        self.go("PUT", url, content=SUITE, headers=YAML)
        self.go("PUT", url, 422, content=SUITE.replace("id: polite", "id: other"), headers=YAML)
        self.go("POST", "tests/validate", content=SUITE, headers=YAML)
        self.go("POST", "tests/validate", 415, content=SUITE, headers=TEXT)
        for path, wrong in (("search", {"page": "0"}), ("results/search", {"size": "0"})):
            self.go("GET", f"tests/{path}", params={"page": "1", "size": "10"})
            self.go("GET", f"tests/{path}", 422, params=wrong)
        self.go("GET", url)
        result = self.go("POST", f"{url}/run")
        assert result["state"] == "SUCCESS", result
        self.go("POST", f"{url}/run", 404, json={"testCases": ["none"]})
        self.go("POST", "tests/run", json={"namespace": PLACE, "includeChildNamespaces": False})
        self.go("POST", "tests/run", 422, content="[", headers=JSON)
        self.go("GET", f"tests/results/{result['id']}")
        self.go("GET", "tests/results/none", 404)
        self.go("POST", "tests/results/search/last", json={"testSuiteIds": ids["ids"]})
        self.go("POST", "tests/results/search/last", 422, json={"testSuiteIds": True})
        for method, path in (("POST", "disable/by-ids"), ("POST", "enable/by-ids")):
            self.go(method, f"tests/{path}", json=ids)
            self.go(method, f"tests/{path}", 422, json={"ids": [1]})
        self.go("DELETE", url)
        for method in ("GET", "DELETE"):
            self.go(method, url, 404)
        self.go("DELETE", "tests/by-ids", json=ids)
        self.go("DELETE", "tests/by-ids", 422, json={"ids": "x"})

    def ends(self) -> None:
        place = {"tenantId": "main", "namespace": PLACE, "flowId": "hello", "triggerId": "daily"}
        self.go("DELETE", f"triggers/{PLACE}/hello/nothing", 404)
        self.go("DELETE", f"triggers/{PLACE}/hello/daily", 204)
        self.go("DELETE", "triggers/delete/by-triggers", json=[place])
        self.go("DELETE", "triggers/delete/by-triggers", 422, json=["x"])
        self.go("DELETE", "triggers/delete/by-query", params=QUERY)
        self.go("DELETE", "triggers/delete/by-query", 422, params=WRONG)
