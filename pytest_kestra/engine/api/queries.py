"""Pages, sort orders and filters, from a query string to Kestra's own types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call, json_response
from pytest_kestra.engine.api.problems import Problem, not_convertible
from pytest_kestra.engine.jvm import java, to_java

FILTER = re.compile(r"filters\[(?P<field>[^\]]*)\]\[(?P<operation>[^\]]*)\](?:\[(?P<key>[^\]]*)\])?$")
# Parameters from before there were filters, which still work.
OLD_PARAMETERS = {
    "q": "q",
    "scope": "scope",
    "namespace": "namespace",
    "flowId": "flowId",
    "state": "state",
    "labels": "labels",
    "startDate": "startDate",
    "endDate": "endDate",
    "minLevel": "level",
    "triggerId": "triggerId",
    "executionId": "executionId",
    "triggerExecutionId": "triggerExecutionId",
}
DATES = {"startDate", "endDate"}
LISTS = {"IN", "NOT_IN"}
# Kestra counts rows in Java's `int`.
LARGEST = (1 << 31) - 1


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
    if page * size > LARGEST:
        raise Problem(422, f"Illegal argument: Page {page} of {size} is out of range")
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


def filters(call: Call, *, old: bool = True, **fixed: str) -> Any:
    """Return the filters of a search, with `fixed` ones added by field name; `old` parameters count as well."""
    found: list[Any] = [_filter(field, "EQUALS", value) for field, value in fixed.items()]
    keyed: dict[tuple[str, str], dict[str, str]] = {}
    for name, value in call.query.multi_items():
        match = FILTER.match(name)
        if match and match["key"] is not None:
            keyed.setdefault((match["field"], match["operation"]), {})[match["key"]] = value
        elif match:
            found.append(_filter(match["field"], match["operation"], value))
        elif old and name in OLD_PARAMETERS and name not in fixed:
            found.append(_old(name, value))
    found.extend(_filter(field, operation, to_java(pairs)) for (field, operation), pairs in keyed.items())
    return to_java(found)


def _old(name: str, value: str) -> Any:
    if name == "labels":
        key, separator, label = value.partition(":")
        if not separator:
            raise Problem(422, "Unprocessable Entity: Can't split the queryString parameter by ':'")
        return _filter("labels", "EQUALS", to_java({key: label}))
    if name == "namespace":
        return _filter("namespace", "PREFIX", value)
    if name == "state":
        return _filter("state", "IN", value)
    return _filter(OLD_PARAMETERS[name], "EQUALS", value)


def _filter(field: str, operation: str, value: Any) -> Any:
    query_filter = java("io.kestra.core.models.QueryFilter")
    operations = java("io.kestra.core.models.QueryFilter$Op")
    if operation not in {str(item.name()) for item in operations.values()}:
        raise Problem(422, f"Illegal argument: Unsupported operation '{operation}'.")
    known = java("io.kestra.core.models.QueryFilter$Field").fromString(field)
    if field in DATES:
        value = java("java.time.ZonedDateTime").parse(value)
    elif field == "state":
        state = java("io.kestra.core.models.flows.State$Type")
        try:
            value = to_java([state.valueOf(item) for item in str(value).split(",")])
        except java("java.lang.IllegalArgumentException") as error:
            raise not_convertible("state", value, error.getMessage()) from error
        operation = {"EQUALS": "IN", "NOT_EQUALS": "NOT_IN"}.get(operation, operation)
    elif operation in LISTS and isinstance(value, str):
        value = to_java(value.split(","))
    return query_filter(known, operations.valueOf(operation), value)


def page_response(call: Call, found: Any) -> Response:
    """Answer a page: its results and the total."""
    return json_response(call.kestra, to_java({"results": found, "total": found.getTotal()}))
