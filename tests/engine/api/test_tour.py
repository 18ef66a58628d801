"""Every route answers as it must, once where it succeeds and once where it refuses, and as Kestra describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

pytest.importorskip("openapi_schema_validator")

from pytest_kestra.engine.api import app
from pytest_kestra.engine.lease import Lease
from tests.engine.api.tour import Tour
from tests.engine.schema import JSON, Schema
from tests.engine.test_schema import DEVIATIONS, UNSEEN

# Where the description is wrong about what nobody has recorded, each with its reason: what Kestra's sources do.
UNRECORDED = {
    "AssertionResult.actual type": "a value is of any type, and the description tells an object",
    "AssertionResult.expected type": "a value is of any type, and the description tells an object",
    "BulkErrorResponse.invalids type": "a Java set, which is written as a list; the description tells an object",
    "DailyExecutionStatistics.Duration required avg": "a day without executions has no duration",
    "DailyExecutionStatistics.Duration required max": "a day without executions has no duration",
    "DailyExecutionStatistics.Duration required min": "a day without executions has no duration",
    "DailyExecutionStatistics.Duration required sum": "a day without executions has no duration",
    "FlowInterface.variables[] type": "a variable is of any type, and the description tells an object",
    "MetricAggregation required name": "the repository sums up a metric without repeating its name",
    "Namespace required deleted": "told of the Enterprise server; the open-source one writes the id only",
    "TaskFixture.outputs[] type": "an output is of any type, and the description tells an object",
    "TriggerContext required date": "a trigger that was restarted has none, as recording 123 shows",
    "deleteRevisions status 204": "the controller answers without content",
    "deleteTrigger status 204": "the controller answers without content",
    "getFileMetadatasFromExecution status 301": "a file of another execution is there, as for its content",
    "getPropertiesFromType[] type": "`required` and `type` of a JSON schema are no objects",
    "getSchemasFromType[] type": "`required` and `type` of a JSON schema are no objects",
    "triggerExecution type": "tells a list, but one object is written",
    "validateResumeExecutionInputs type": "tells a list, but one object is written",
}
# Seen only where the scheduler has not looked at the trigger since.
SOMETIMES = {"TriggerContext required date"}
# Told to everybody, whatever the request says.
NEVER_REFUSED = {"GET /api/v1/basicAuthValidationErrors", "GET /api/v1/configs", "GET /health"}
# No trigger of the open-source server listens below its key.
NEVER_ANSWERED = {
    f"{method} /api/v1{tenant}/executions/webhook/{{namespace}}/{{id}}/{{key}}/{path}"
    for method in ("GET", "PUT", "POST")
    for tenant in ("", "/main")
    for path in ("", "{path}")
}
# Not Kestra's, so not described: one ends the engine, the other tells the dates of a schedule.
OUR_OWN = {"POST /pytest-kestra/stop", "GET /pytest-kestra/dates/{namespace}/{flowId}/{triggerId}"}


class Observer:
    """Note what each route has answered, and where that is not as described."""

    def __init__(self, line: str = "1.3") -> None:
        self.schema = Schema(line)
        self.routes = [
            (f"{method} {route.path}", method, route.path_regex)
            for route in app.routes(line)
            for method in sorted(route.methods or ())
            if method != "HEAD"
        ]
        self.statuses: dict[str, set[int]] = {name: set() for name, _, _ in self.routes}
        self.violations: dict[str, str] = {}

    def see(self, answer: httpx.Response) -> None:
        """Take note of an answer."""
        method, path, status = answer.request.method, answer.request.url.path, answer.status_code
        for name, its_method, pattern in self.routes:
            if method == its_method and pattern.match(path):
                self.statuses[name].add(status)
                break
        kind = answer.headers.get("content-type", "")
        body: Any = answer.json() if kind == JSON else ""
        places = self.schema.violations(method, path, status, kind, body)
        if status == 400 and path.endswith("/by-ids"):
            # The controllers' body, which the description has for another status, or nowhere.
            places = self.schema.violations_of("BulkErrorResponse", body)
        for place in places:
            self.violations.setdefault(place, f"{method} {path}: {status}")

    def without(self, wished: Callable[[int], bool]) -> set[str]:
        """Return the routes that have not answered with a status as wished."""
        return {name for name, found in self.statuses.items() if not any(map(wished, found))}


def test_every_route(own_lease: Lease, recorded: Callable[[str], Any]) -> None:
    recorded("001")
    observer = Observer()
    with httpx.Client(base_url=own_lease.url, auth=(own_lease.user, own_lease.password), timeout=600) as http:
        Tour(http, observer.see).run()

    listed = DEVIATIONS | UNSEEN | UNRECORDED
    assert {place: answer for place, answer in observer.violations.items() if place not in listed} == {}
    assert UNRECORDED.keys() - observer.violations.keys() - SOMETIMES == set()
    assert observer.without(lambda status: status < 400) == NEVER_ANSWERED | OUR_OWN
    assert observer.without(lambda status: status >= 400) == NEVER_REFUSED | OUR_OWN
