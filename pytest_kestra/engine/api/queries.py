"""Pages, sort orders and filters, from a query string to Kestra's own types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import conversions
from pytest_kestra.engine.api.calls import Call, json_response
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java, to_java

FILTER = re.compile(r"filters\[(?P<field>[^\]]*)\]\[(?P<operation>[^\]]*)\](?:\[(?P<key>[^\]]*)\])?$")
# Parameters from before there were filters; they still work where no filter is given.
OLD_PARAMETERS = (
    *("q", "scope", "namespace", "flowId", "state", "labels", "startDate", "endDate", "minLevel"),
    *("triggerId", "executionId", "triggerExecutionId"),
)
OLD_OPERATIONS = {"namespace": "PREFIX", "state": "IN", "startDate": "GREATER_THAN", "endDate": "LESS_THAN"}
OLD_TYPES = {
    "scope": "io.kestra.core.models.flows.FlowScope",
    "state": conversions.STATE,
    "childFilter": "io.kestra.core.repositories.ExecutionRepositoryInterface$ChildFilter",
    "timeRange": "java.time.Duration",
}
DATES = {"startDate", "endDate"}
LISTS = {"IN", "NOT_IN"}


def pageable(call: Call, repository: Any, columns: Mapping[str, str] | None = None) -> Any:
    """Return the page that `page`, `size` and `sort` ask for; pages count from 1.

    `columns` are those that may be sorted by, by the names they have in a request.
    """
    # Some repositories name the columns that may be sorted by.
    mapping = repository.sortMapping().apply if hasattr(repository, "sortMapping") else columns and columns.get
    page, size = call.number("page", 1), call.number("size", 10)
    if page < 1:
        raise Problem(422, f"Illegal argument: Page must be positive, {page} given")
    if size < 1:
        raise Problem(422, f"Illegal argument: Size must be positive, {size} given")
    sort_type = java("io.micronaut.data.model.Sort")
    order_type = java("io.micronaut.data.model.Sort$Order")
    orders = java("java.util.ArrayList")()
    for item in call.query.getlist("sort"):
        field, _, direction = item.partition(":")
        column = mapping(field) if mapping else field
        if direction.lower() not in ("asc", "desc") or column is None:
            raise Problem(422, f"Illegal argument: Invalid sort parameter '{item}'")
        orders.add(order_type.desc(column) if direction.lower() == "desc" else order_type.asc(column))
    return java("io.micronaut.data.model.Pageable").from_(page, size, sort_type.of(orders))


def filters(call: Call, *, old: Iterable[str] = OLD_PARAMETERS, **fixed: str) -> Any:
    """Return the filters of a search, with `fixed` ones added by field name; `old` parameters count without filters."""
    given = list(_given(call))
    if not given:
        given = [_old(call, name) for name in old if name in call.query and name not in fixed]
    found = to_java([*(_filter(field, "EQUALS", value) for field, value in fixed.items()), *given])
    java("io.kestra.core.utils.DateUtils").validateTimeline(found)
    return found


def pairs(items: Iterable[str]) -> dict[str, str]:
    """Return the pairs of a parameter that is a list of `key:value`."""
    found: dict[str, str] = {}
    for item in items:
        key, separator, value = item.partition(":")
        if not separator or not key:
            raise _unprocessable("Can't split the queryString parameter by ':'")
        key, value = key.strip(), value.strip()
        if not key or not value:
            raise _unprocessable("Can't have an empty part of queryString")
        if re.search(r"\s", key):
            raise _unprocessable("Key of queryString can't contain a whitespace character")
        if key in found:
            reason = f"Duplicate key {key} (attempted merging values {found[key]} and {value})"
            raise _unprocessable(f"The queryString parameter keys contains duplicities: {reason}")
        found[key] = value
    return found


def _unprocessable(reason: str) -> Problem:
    return Problem(422, f"Unprocessable Entity: {reason}")


def _given(call: Call) -> Iterator[Any]:
    labels: dict[str, dict[str, str]] = {}
    for name, value in call.query.multi_items():
        match = FILTER.match(name)
        if match and match["key"] is not None:
            labels.setdefault(match["operation"], {})[match["key"]] = value
        elif match:
            yield _filter(match["field"], match["operation"], value)
    for operation, found in labels.items():
        yield _filter("labels", operation, to_java(found))


def _old(call: Call, name: str) -> Any:
    value: Any
    if name == "labels":
        value = to_java(pairs(call.query.getlist(name)))
    elif name in ("state", "scope"):
        value = to_java(conversions.values(call, name, OLD_TYPES[name]))
    elif name in DATES:
        value = str(conversions.date(call, name))
    elif name in OLD_TYPES:
        value = conversions.required(call, name, OLD_TYPES[name])
    else:
        value = call.query[name]
    return _filter({"minLevel": "level"}.get(name, name), OLD_OPERATIONS.get(name, "EQUALS"), value)


def _filter(field: str, operation: str, value: Any) -> Any:
    query_filter = java("io.kestra.core.models.QueryFilter")
    operations = java("io.kestra.core.models.QueryFilter$Op")
    if operation not in {str(item.name()) for item in operations.values()}:
        raise Problem(422, f"Illegal argument: Unsupported operation '{operation}'.")
    if field == "timeRange":
        # The time until now that it stands for, as a date.
        field, operation = "startDate", "GREATER_THAN_OR_EQUAL_TO"
        value = java(conversions.DATE).now().minus(java("java.time.Duration").parse(str(value)).abs())
    elif field in DATES:
        value = java(conversions.DATE).parse(value)
    elif operation in LISTS and isinstance(value, str):
        value = to_java(value.strip("[]").split(","))
    known = java("io.kestra.core.models.QueryFilter$Field").fromString(field)
    return query_filter(known, operations.valueOf(operation), value)


def page_response(call: Call, found: Any) -> Response:
    """Answer a page: its results and the total."""
    return json_response(call.kestra, to_java({"results": found, "total": found.getTotal()}))
