"""The endpoint of Kestra 2.0 that tells which values a field of executions has."""

from __future__ import annotations

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.api.parameters import constant
from pytest_kestra.engine.api.problems import Problem, require_least
from pytest_kestra.engine.jvm import java

FILTER = "io.kestra.core.models.QueryFilter"


def values(call: Call) -> Response:
    """Answer the values that a field has in the executions that filters let through, each once and in their order."""
    field = constant("field", call.required("field"), f"{FILTER}$Field")
    known = java(f"{FILTER}$Resource").EXECUTION.supportedField()
    if not known.contains(field):
        raise Problem(422, f"Invalid query filters: {field.name()} is no field of executions: {known}")
    size = call.number("size", 100)
    require_least("size", size, 1)
    page = java("io.micronaut.data.model.Pageable").from_(0, size)
    filters = queries.filters(call, old=False)
    return json_response(call.kestra, call.kestra.executions.findDistinctFieldValues(call.tenant, field, filters, page))


ROUTES = [route("executions/distinct-field-values", values)]
