"""Pages, sort orders and filters, from a query string to Kestra's own types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import parameters
from pytest_kestra.engine.api.calls import Call, json_response
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java, to_java

FILTER = re.compile(r"filters\[(?P<field>[^\]]*)\]\[(?P<operation>[^\]]*)\](?:\[(?P<key>[^\]]*)\])?$")
DATES = parameters.DATES
LISTS = {"IN", "NOT_IN"}
# Kestra counts rows in Java's `int`.
LARGEST = (1 << 31) - 1


def pageable(call: Call, repository: Any, columns: Mapping[str, str] | None = None) -> Any:
    """Return the page that `page`, `size` and `sort` ask for; pages count from 1.

    `columns` are those that may be sorted by, by the names they have in a request.
    """
    # Some repositories name the columns that may be sorted by.
    mapping = repository.sortMapping().apply if hasattr(repository, "sortMapping") else columns and columns.get
    number, size = _page(call)
    sort_type = java("io.micronaut.data.model.Sort")
    order_type = java("io.micronaut.data.model.Sort$Order")
    orders = java("java.util.ArrayList")()
    for item in call.query.getlist("sort"):
        field, _, direction = item.partition(":")
        column = mapping(field) if mapping else field
        if direction.lower() not in ("asc", "desc") or column is None:
            raise Problem(422, f"Illegal argument: Invalid sort parameter '{item}'")
        orders.add(order_type.desc(column) if direction.lower() == "desc" else order_type.asc(column))
    return java("io.micronaut.data.model.Pageable").from_(number, size, sort_type.of(orders))


def page(call: Call) -> Any:
    """Return the page that `page` and `size` ask for, in no order."""
    return java("io.micronaut.data.model.Pageable").from_(*_page(call))


def _page(call: Call) -> tuple[int, int]:
    page, size = call.number("page", 1), call.number("size", 10)
    if page < 1:
        raise Problem(422, f"Illegal argument: Page must be positive, {page} given")
    if size < 1:
        raise Problem(422, f"Illegal argument: Size must be positive, {size} given")
    if page * size > LARGEST:
        raise Problem(422, f"Illegal argument: Page {page} of {size} is out of range")
    return page, size


def filters(call: Call, *, old: bool = True, **fixed: str) -> Any:
    """Return the filters of a search, with `fixed` ones added by field name.

    Where there are no filters, the parameters from before there were any count, unless `old` says otherwise.
    """
    found = _given(call)
    if old and not found:
        found = [made(*item) for item in parameters.old(call, fixed)]
    found = [_filter(field, "EQUALS", value) for field, value in fixed.items()] + found
    return _with_dates(to_java(found))


def _given(call: Call) -> list[Any]:
    found: list[Any] = []
    labels: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(call.query):
        match = FILTER.match(name)
        if match is None:
            continue
        value = call.query.getlist(name)[0]
        if match["field"] == "labels" and match["key"] is not None:
            labels.setdefault(match["operation"], {})[match["key"]] = value
            continue
        found.append(_filter(match["field"], match["operation"], value))
    found.extend(_filter("labels", operation, to_java(values)) for operation, values in labels.items())
    return found


def made(field: str, operation: str, value: Any) -> Any:
    """Return the filter of a field, by the name it has in a request."""
    known = java("io.kestra.core.models.QueryFilter$Field").fromString(field)
    builder = java("io.kestra.core.models.QueryFilter").builder()
    return builder.field(known).operation(_operation(operation)).value(value).build()


def _operation(name: str) -> Any:
    operations = java("io.kestra.core.models.QueryFilter$Op")
    if name not in {str(item.name()) for item in operations.values()}:
        raise Problem(422, f"Illegal argument: Unsupported operation '{name}'.")
    return operations.valueOf(name)


def _filter(field: str, operation: str, value: Any) -> Any:
    if field in DATES:
        value = java("java.time.ZonedDateTime").parse(value)
    elif field == "scope":
        value = to_java([_scope(item) for item in str(value).split(",")])
    elif operation in LISTS and isinstance(value, str):
        value = to_java(re.sub(r"[\[\]]", "", value).split(","))
    return made(field, operation, value)


def _scope(text: str) -> Any:
    scopes = java("io.kestra.core.models.flows.FlowScope")
    try:
        return scopes.valueOf(text.upper())
    except java("java.lang.IllegalArgumentException") as error:
        raise Problem(422, f"Illegal argument: Invalid FlowScope value: {text}") from error


def _with_dates(found: Any) -> Any:
    """Return filters with a time range replaced by the date when it begins; the dates must be in their order."""
    fields = {str(item.field().value()) for item in found}
    if "timeRange" in fields:
        if fields & DATES:
            raise Problem(
                422, "Illegal argument: Parameters 'startDate'/'endDate' and 'timeRange' are mutually exclusive"
            )
        found = to_java([_begin(item) if str(item.field().value()) == "timeRange" else item for item in found])
    java("io.kestra.core.utils.DateUtils").validateTimeline(found)
    return found


def _begin(item: Any) -> Any:
    text = str(item.value())
    span = parameters.duration(text, lambda _: Problem(422, f"Illegal argument: Invalid duration: {text}"))
    begin = java("java.time.ZonedDateTime").now().minus(span)
    return made("startDate", "GREATER_THAN_OR_EQUAL_TO", begin)


def page_response(call: Call, found: Any) -> Response:
    """Answer a page: its results and the total."""
    if not hasattr(found, "getTotal"):  # one of Micronaut's, as Kestra 2.0 has them for logs
        told = {"results": found.getContent(), "total": found.getTotalSize(), "type": "OFFSET"}
        return json_response(call.kestra, to_java(told))
    return json_response(call.kestra, to_java({"results": found, "total": found.getTotal()}))
