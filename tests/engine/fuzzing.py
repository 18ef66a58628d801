"""Requests made from Kestra's description of its API: valid ones, invalid ones, and those about what is there."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from pytest_kestra.engine.api import app
from pytest_kestra.engine.lease import Lease
from tests.conftest import CONTRACTS

API = "/api/v1/main"
# Seconds without a byte: `wait=true` is answered at the end of an execution, all others at once.
TIMEOUT_S = 120
# For each operation in each round.
EXAMPLES = 8
# Doubles all executions each time.
MULTIPLIES, FEW = "/executions/replay/by-query", 3
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
# What goes wrong in one place or another: numbers of Java's types and beyond, dates, texts that are no text, paths.
NASTY = (
    *("", " ", "0", "-1", "2147483647", "2147483648", "-2147483649", "9" * 400, "1e9", "NaN", "null", "true"),
    *(
        "2026-01-01",
        "2026-02-30T00:00:00Z",
        "+999999999-12-31T23:59:59Z",
        "-999999999-01-01T00:00:00Z",
        "PT5M",
        "P9e9Y",
    ),
    *("\x00", "a\x00b", "\U0001f600", "\u202e", "\ufffe", "é", "x" * 5000, "%", "%00", "%zz", "%c3%28"),
    *("..", "../../etc/passwd", "/", "//", "a b", "a:b:c", ":", ",", "'", '"', "\\", "{{", "{{ 1/0 }}", "[", "("),
    *("kestra:///", "kestra://[", "file:///etc/passwd", "nsfile:///x", "nsfile://other/x", "mailto:a", "http://", "*"),
)
# No text in UTF-8: a surrogate, and a byte that is in no text.
BYTES = (b"\xed\xa0\x80", b"\xff")
FIELDS = (
    *("namespace", "flowId", "q", "query", "state", "labels", "startDate", "endDate", "timeRange", "scope"),
    *("triggerId", "level", "minLevel", "executionId", "childFilter", "taskId", "kind", "workerId", "key", "path"),
)
OPERATIONS = (
    *("EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN_OR_EQUAL_TO", "IN", "NOT_IN", "STARTS_WITH", "ENDS_WITH"),
    *("CONTAINS", "REGEX", "PREFIX", "EXISTS"),
)
SORTS = (
    "id:asc",
    "state.startDate:desc",
    "namespace:asc",
    "nothing:asc",
    "id",
    "id:up",
    ":asc",
    "a;drop:desc",
    "1:asc",
)
# The description tells a list where inputs are fields by their names.
FORM = {
    "type": "object",
    "properties": {"who": {"type": "string"}, "count": {"type": "integer"}, "upload": {"format": "binary"}},
    "additionalProperties": {"type": "string"},
}

FLOWS = """
id: hello
namespace: fuzz.team
labels: {team: data}
inputs: [{id: who, type: STRING, defaults: you}, {id: count, type: INT, required: false}]
triggers:
  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: s3cret}
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *"}
tasks:
  - {id: greet, type: io.kestra.plugin.core.log.Log, message: "Hello {{ inputs.who }}"}
  - {id: write, type: io.kestra.plugin.core.storage.Write, content: "a,b", extension: .csv}
  - {id: measure, type: io.kestra.plugin.core.metric.Publish, metrics: [{type: counter, name: rows, value: 3}]}
---
id: waits
namespace: fuzz.team
tasks: [{id: gate, type: io.kestra.plugin.core.flow.Pause}]
---
id: fails
namespace: fuzz
tasks: [{id: gone, type: io.kestra.plugin.core.execution.Fail}]
"""


@dataclass(frozen=True)
class Failure:
    """Tell what was sent, whole, and what is wrong with the answer."""

    operation: str
    request: requests.PreparedRequest
    reason: str
    answer: str

    def __str__(self) -> str:
        headers = {name: value for name, value in self.request.headers.items() if name != "Authorization"}
        return (
            f"{self.operation}: {self.reason}\n  {self.request.method} {self.request.url}\n  headers {headers}\n"
            f"  body {self.request.body!r}\n  answer {self.answer[:1000]}"
        )


def served(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description of the routes that both it and the engine have, of the tenant that there is."""
    routes = {(method, _form(route.path)) for route in app.routes() for method in route.methods or ()}
    paths: dict[str, Any] = {}
    for path, item in specification["paths"].items():
        here = path.replace("/{tenant}/", "/main/")
        for method, operation in item.items():
            if (method.upper(), _form(here)) in routes:
                form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data", {})
                if form.get("schema", {}).get("type") == "array":
                    form["schema"] = FORM
                parameters = [found for found in operation.get("parameters", ()) if found["name"] != "tenant"]
                paths.setdefault(here, {})[method] = {**operation, "parameters": parameters}
    return {**specification, "paths": paths}


def _form(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


class Fuzzer:
    """Send made requests to an engine that nobody else uses, and note what is wrong with the answers.

    They are about every operation, or about each `step`th one from the one with the number `start`.
    """

    def __init__(self, lease: Lease, start: int = 0, step: int = 1) -> None:
        self.url = lease.url
        self.http = httpx.Client(base_url=lease.url, auth=(lease.user, lease.password), timeout=TIMEOUT_S)
        text = (CONTRACTS / "kestra-1.3-openapi.yml").read_text(encoding="utf-8")
        description = served(yaml.load(text, Loader=yaml.CSafeLoader))
        schema = schemathesis.openapi.from_dict(description, config=SchemathesisConfig())
        # The random order of a dictionary's keys would be no reproduction: sorted, and what deletes at the end.
        self.operations = sorted(
            (result.ok() for result in schema.get_all_operations()),  # type: ignore[union-attr]  # else it raises
            key=lambda operation: (operation.method == "delete", operation.path, operation.method),
        )[start::step]
        self.session = requests.Session()
        self.session.auth = (lease.user, lease.password)
        self.session.trust_env = False
        self.known: dict[str, list[str]] = {}
        self.sent = 0
        self.operation = ""
        self.statuses: dict[int, int] = {}
        self.failures: dict[tuple[str, str, str], Failure] = {}

    def run(self, requests: int, first: int = 0) -> None:
        """Send so many requests, in rounds: what they delete is made anew for the next one.

        `first` is the seed of the first round.
        """
        for number in itertools.count(first):
            self.prepare()
            for operation in self.operations:
                self._fuzz(operation, number)
            if self.sent >= requests:
                return

    def prepare(self) -> None:
        """Store flows, run them, store keys and files; their names are what many of the requests are about."""
        everything = {"deleteLogs": "true", "deleteStorage": "true", "includeNonTerminated": "true"}
        self.http.request("DELETE", f"{API}/executions/by-query", params=everything).raise_for_status()
        ids: list[str] = []
        task_runs: list[str] = []
        files: list[str] = []
        for text in FLOWS.split("\n---\n"):
            flow = yaml.safe_load(text)
            path = f"flows/{flow['namespace']}/{flow['id']}"
            headers = {"content-type": "application/x-yaml"}
            if self.http.get(f"{API}/{path}").is_success:
                self.http.put(f"{API}/{path}", content=text, headers=headers).raise_for_status()
            else:
                self.http.post(f"{API}/flows", content=text, headers=headers).raise_for_status()
            for _ in range(4):
                params = {} if flow["id"] == "waits" else {"wait": "true"}
                answer = self.http.post(f"{API}/executions/{flow['namespace']}/{flow['id']}", params=params)
                body = answer.raise_for_status().json()
                ids.append(body["id"])
                task_runs += [run["id"] for run in body.get("taskRunList") or ()]
                files += [
                    run["outputs"]["uri"] for run in body.get("taskRunList") or () if "uri" in (run["outputs"] or ())
                ]
        for key in ("colour", "size"):
            url = f"{API}/namespaces/fuzz.team/kv/{key}"
            self.http.put(url, content=json.dumps(key), headers={"content-type": "text/plain"}).raise_for_status()
        part = {"fileContent": ("a.sql", b"select 1")}
        url = f"{API}/namespaces/fuzz.team/files"
        self.http.post(url, params={"path": "/scripts/a.sql"}, files=part).raise_for_status()
        self.known = {
            "executionId": ids,
            "taskRunId": task_runs,
            "namespace": ["fuzz.team", "fuzz.team", "fuzz"],
            "id": ["hello", "hello", "fails"],
            "flowId": ["hello", "hello", "fails"],
            "key": ["colour", "size", "s3cret"],
            "taskId": ["greet", "write", "gate"],
            "triggerId": ["hook", "daily"],
            "metric": ["rows"],
            "path": ["/scripts/a.sql", "/scripts", *files],
        }

    def _fuzz(self, operation: Any, number: int) -> None:
        # One failing request is no end: all that are found are told, and none has to be made smaller.
        @seed(number)
        @settings(
            max_examples=FEW if operation.path.endswith(MULTIPLIES) else EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data())
        def send(data: st.DataObject) -> None:
            self._send(data.draw(self._cases(operation)))

        send()

    def _cases(self, operation: Any) -> st.SearchStrategy[Any]:
        generated = st.sampled_from(MODES).flatmap(lambda mode: operation.as_strategy(generation_mode=mode))
        return st.builds(self._with_what_is_there, generated, st.data())

    def _with_what_is_there(self, case: Any, data: st.DataObject) -> Any:
        for name in list(case.path_parameters or ()):
            values = self.known.get(name)
            if values and data.draw(st.integers(1, 4)) > 1:
                case.path_parameters[name] = data.draw(st.sampled_from(values))
            elif data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(NASTY[1:]))
        query = dict(case.query or {})
        names = [parameter.name for parameter in operation_query(case.operation)]
        for name in data.draw(st.lists(st.sampled_from(names), max_size=2)) if names else ():
            query[name] = data.draw(st.sampled_from(self._values(name)))
        for name in names:
            if name in self.known and data.draw(st.booleans()):
                query[name] = data.draw(st.sampled_from(self.known[name]))
        if "filters" in names and data.draw(st.booleans()):
            query.pop("filters", None)
            query[data.draw(FILTER_NAMES)] = data.draw(st.sampled_from((*NASTY, "SUCCESS", "fuzz", "hello", "INFO")))
        case.query = query
        # Whether it is valid is of no interest any more.
        case.freeze_metadata()
        return case

    @staticmethod
    def _values(name: str) -> Sequence[str | bytes]:
        return SORTS if name == "sort" else (*NASTY, *BYTES)

    def _send(self, case: Any) -> None:
        arguments = case.as_transport_kwargs(base_url=self.url)
        try:
            request = self.session.prepare_request(requests.Request(**arguments))
        except (requests.exceptions.RequestException, UnicodeError):
            return  # nothing that a client could send
        self.sent += 1
        self.operation = case.operation.label
        try:
            with self.session.send(request, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
                # An execution may be followed for ever: that it answers is enough.
                kind = answer.headers.get("content-type", "")
                text = "" if kind.startswith("text/event-stream") else answer.content.decode(errors="replace")
                self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
                for reason in wrong(answer.status_code, kind, text):
                    self._fail(request, reason, text)
        except requests.exceptions.RequestException as error:
            self._fail(request, type(error).__name__, str(error))

    def _fail(self, request: requests.PreparedRequest, reason: str, text: str) -> None:
        message = re.sub(r"[0-9A-Za-z]{20,}|\d+", "…", text)[:120]
        self.failures.setdefault((self.operation, reason, message), Failure(self.operation, request, reason, text))


FILTER_NAMES = st.builds(
    "filters[{}][{}]{}".format,
    st.sampled_from((*FIELDS, "nothing", "")),
    st.sampled_from((*OPERATIONS, "LIKE", "")),
    st.sampled_from(("", "", "", "[key]", "[")),
)


def operation_query(operation: Any) -> Sequence[Any]:
    """Return the query parameters of an operation."""
    return list(operation.query)


def wrong(status: int, kind: str, text: str) -> Iterator[str]:
    """Yield what no answer to whatever request may be."""
    if status >= 500 and not (status == 501 and "pytest-kestra does not serve" in text):
        yield f"status {status}"
    elif 400 <= status < 500 and text:
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        if not kind.startswith("application/json") or not isinstance(body, dict) or "message" not in body:
            yield f"status {status} without Kestra's error body"
