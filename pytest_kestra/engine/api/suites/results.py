"""The endpoints that tell how runs of suites have ended."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.api.suites import editing
from pytest_kestra.engine.jvm import to_java


def get(call: Call) -> Response:
    """Answer the result of a run."""
    found = call.kestra.suites.result(call.path["id"])
    if found is None:
        raise not_found()
    return json_response(call.kestra, found)


def search(call: Call) -> Response:
    """Answer a page of results, the latest first, of a suite, a namespace or a flow."""
    wished = {name: call.query.get(name) for name in ("testSuiteId", "namespace", "flowId")}

    def fits(result: Any) -> bool:
        return all(not text or str(getattr(result, name)()) == text for name, text in wished.items())

    return editing.page(call, [result for result in call.kestra.suites.results() if fits(result)])


def last(call: Call) -> Response:
    """Answer the latest result of each suite that a body names; none for those that have not run."""
    latest: dict[tuple[str, str], Any] = {}
    for result in call.kestra.suites.results():
        latest.setdefault((str(result.namespace()), str(result.testSuiteId())), result)
    found = [latest[key] for key in editing.named(call, "testSuiteIds") if key in latest]
    return json_response(call.kestra, to_java({"results": found}))


ROUTES = [
    route("tests/results/search", search),
    route("tests/results/search/last", last, "POST", consumes=JSON),
    route("tests/results/{id}", get),
]
