"""The endpoints that store, find and delete suites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import JSON, YAML, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem, not_found
from pytest_kestra.engine.api.suites import texts
from pytest_kestra.engine.jvm import java, to_java

VIOLATION = "io.kestra.core.models.validations.ValidateConstraintViolation"


def create(call: Call) -> Response:
    """Check and store a new suite."""
    suite = texts.parse(call)
    if suite.getId() and call.kestra.suites.get(str(suite.getNamespace()), str(suite.getId())) is not None:
        raise Problem(422, "Invalid entity: testsuite.id: Test suite id already exists")
    return _stored(call, suite)


def update(call: Call) -> Response:
    """Check a suite and store it in the place of the one that is there."""
    existing, suite = find(call), texts.parse(call)
    if (existing.getNamespace(), existing.getId()) != (suite.getNamespace(), suite.getId()):
        raise Problem(422, "Invalid entity: testsuite.id: Illegal test suite id or namespace update")
    return _stored(call, suite)


def get(call: Call) -> Response:
    """Answer a suite."""
    return json_response(call.kestra, find(call))


def delete(call: Call) -> Response:
    """Delete a suite."""
    find(call)
    call.kestra.suites.remove(call.path["namespace"], call.path["id"])
    return json_response(call.kestra, to_java({}))


def delete_named(call: Call) -> Response:
    """Delete the suites that a body names; those that are not there are not counted."""
    return _count(call, sum(call.kestra.suites.remove(*key) for key in named(call)))


def enable_named(call: Call) -> Response:
    """Let the suites run that a body names."""
    return _changed(call, lambda suite: suite.enable())


def disable_named(call: Call) -> Response:
    """Let the suites not run that a body names."""
    return _changed(call, lambda suite: suite.disable())


def validate(call: Call) -> Response:
    """Check a suite and answer what is wrong with it."""
    entry = java(VIOLATION).builder()
    try:
        suite = texts.parse(call)
        entry.namespace(suite.getNamespace()).flow(suite.getFlowId())
        texts.check(call, suite)
    except Problem as problem:
        entry.constraints(problem.message.removeprefix("Invalid entity: "))
    except java("jakarta.validation.ConstraintViolationException") as error:
        entry.constraints(error.getMessage())
    return json_response(call.kestra, entry.build())


def search(call: Call) -> Response:
    """Answer a page of suites, by the names of their namespace and flow."""
    children = call.flag("includeChildNamespaces", default=True)
    return page(call, select(call, call.query.get("namespace"), call.query.get("flowId"), children=children))


def find(call: Call) -> Any:
    """Return the suite that a path names."""
    found = call.kestra.suites.get(call.path["namespace"], call.path["id"])
    if found is None:
        raise not_found()
    return found


def named(call: Call, name: str = "ids") -> list[tuple[str, str]]:
    """Return the namespaces and ids that a body lists under a name."""
    listed = call.read_part(name, "java.util.Map")
    return [(str(item.get("namespace")), str(item.get("id"))) for item in listed]


def select(call: Call, namespace: str | None, flow_id: str | None, *, children: bool) -> list[Any]:
    """Return the suites of a namespace, with or without those below it, and of a flow; None means any."""

    def fits(suite: Any) -> bool:
        own = str(suite.getNamespace())
        inside = namespace in (None, "", own) or (children and own.startswith(f"{namespace}."))
        return inside and flow_id in (None, "", str(suite.getFlowId()))

    return [suite for suite in call.kestra.suites.all() if fits(suite)]


def page(call: Call, found: Sequence[Any]) -> Response:
    """Answer the part of a list that `page` and `size` ask for."""
    wished = queries.page(call)
    end = wished.getNumber() * wished.getSize()
    part = list(found[end - wished.getSize() : end])
    return json_response(call.kestra, to_java({"results": part, "total": java("java.lang.Long")(len(found))}))


def _stored(call: Call, suite: Any) -> Response:
    texts.check(call, suite)
    call.kestra.suites.put(suite)
    return json_response(call.kestra, suite)


def _changed(call: Call, change: Callable[[Any], Any]) -> Response:
    found = [suite for key in named(call) if (suite := call.kestra.suites.get(*key)) is not None]
    for suite in found:
        call.kestra.suites.put(change(suite))
    return _count(call, len(found))


def _count(call: Call, count: int) -> Response:
    return json_response(call.kestra, to_java({"count": java("java.lang.Integer")(count)}))


ROUTES = [
    route("tests", create, "POST", consumes=YAML),
    route("tests/search", search),
    route("tests/validate", validate, "POST", consumes=YAML),
    route("tests/by-ids", delete_named, "DELETE", consumes=JSON),
    route("tests/enable/by-ids", enable_named, "POST", consumes=JSON),
    route("tests/disable/by-ids", disable_named, "POST", consumes=JSON),
    route("tests/{namespace}/{id}", get),
    route("tests/{namespace}/{id}", update, "PUT", consumes=YAML),
    route("tests/{namespace}/{id}", delete, "DELETE"),
]
