"""The parameters of queries from before there were filters, and the values of others, as Kestra's own types."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import Problem, not_convertible
from pytest_kestra.engine.jvm import java, to_java

DATES = {"startDate", "endDate"}
# How a date is written in the parameters from before there were filters.
OLD_DATE = "yyyy-MM-dd'T'HH:mm[:ss][.SSS][XXX]"
# Those parameters still work: each with the field and the operation that it stands for.
OLD = {
    "q": ("q", "EQUALS"),
    "scope": ("scope", "EQUALS"),
    "namespace": ("namespace", "PREFIX"),
    "flowId": ("flowId", "EQUALS"),
    "state": ("state", "IN"),
    "labels": ("labels", "EQUALS"),
    "startDate": ("startDate", "GREATER_THAN"),
    "endDate": ("endDate", "LESS_THAN"),
    "timeRange": ("timeRange", "EQUALS"),
    "minLevel": ("level", "EQUALS"),
    "triggerId": ("triggerId", "EQUALS"),
    "executionId": ("executionId", "EQUALS"),
    "triggerExecutionId": ("triggerExecutionId", "EQUALS"),
    "childFilter": ("childFilter", "EQUALS"),
    "workerId": ("workerId", "EQUALS"),
}
# Those of them that name constants of a Java type.
CONSTANTS = {
    "scope": "io.kestra.core.models.flows.FlowScope",
    "state": "io.kestra.core.models.flows.State$Type",
    "minLevel": "org.slf4j.event.Level",
    "childFilter": "io.kestra.core.repositories.ExecutionRepositoryInterface$ChildFilter",
}
SEVERAL = {"scope", "state", "labels"}


def old(call: Call, without: Container[str]) -> list[tuple[str, str, Any]]:
    """Return the field, the operation and the Java value of each old parameter that was given."""
    return [(*OLD[name], _value(call, name)) for name in OLD if name in call.query and name not in without]


def _value(call: Call, name: str) -> Any:
    value: Any = call.query[name]
    if name in CONSTANTS:
        # A list is written as several parameters, or as one with commas.
        texts = [item for text in call.query.getlist(name) for item in text.split(",")]
        found = [constant(name, text, CONSTANTS[name]) for text in texts]
        value = to_java(found) if name in SEVERAL else found[0]
    elif name == "labels":
        value = to_java(pairs(call.query.getlist(name)))
    elif name in DATES:
        value = date(call, name)
    elif name == "timeRange":
        value = converted(name, value, "java.time.Duration")
    return value


def date(call: Call, name: str) -> Any:
    """Return a query parameter that is a date as Java's ZonedDateTime, or None where it was not given."""
    text = call.query.get(name)
    if text is None:
        return None
    try:
        return java("java.time.ZonedDateTime").parse(
            text, java("java.time.format.DateTimeFormatter").ofPattern(OLD_DATE)
        )
    except java("java.time.DateTimeException") as error:
        raise not_convertible(name, text, error.getMessage()) from error


def constant(name: str, value: str, type_name: str) -> Any:
    """Return the constant of a Java type that a query parameter names, in capital letters or small ones."""
    found = converted(name, value, type_name)
    if found is None:
        raise not_convertible(name, value, "It is empty")
    return found


def converted(name: str, value: str, type_name: str) -> Any:
    """Return a query parameter as a Java type, converted by what Kestra's web server converts with; empty is none."""
    argument = java("io.micronaut.core.type.Argument").of(java(type_name).class_, name)
    context = java("io.micronaut.core.convert.ConversionContext").of(argument)
    found = java("io.micronaut.core.convert.ConversionService").SHARED.convert(value, context)
    if context.getLastError().isPresent():
        raise not_convertible(name, value, context.getLastError().get().getCause().getMessage())
    return found.orElse(None)


def duration(text: str, problem: Callable[[str], Problem]) -> Any:
    """Return a time span as Java's Duration; a Problem where the text is none."""
    try:
        return java("java.time.Duration").parse(text)
    except java("java.time.DateTimeException") as error:
        raise problem(str(error.getMessage())) from error


def pairs(items: list[str]) -> dict[str, str]:
    """Return labels that are written as `key:value`; a Problem where one is not, or a key comes twice."""
    found: dict[str, str] = {}
    for item in items:
        key, separator, value = item.partition(":")
        if not separator or not key:
            raise Problem(422, "Unprocessable Entity: Can't split the queryString parameter by ':'")
        key, value = key.strip(), value.strip()
        if not key or not value:
            raise Problem(422, "Unprocessable Entity: Can't have an empty part of queryString")
        if re.search(r"\s", key):
            raise Problem(422, "Unprocessable Entity: Key of queryString can't contain a whitespace character")
        if key in found:
            twice = f"Duplicate key {key} (attempted merging values {found[key]} and {value})"
            raise Problem(422, f"Unprocessable Entity: The queryString parameter keys contains duplicities: {twice}")
        found[key] = value
    return found
