"""Query parameters as values of Java's types, converted as Kestra's web server converts them."""

from __future__ import annotations

from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import missing, not_convertible
from pytest_kestra.engine.jvm import java

DATE = "java.time.ZonedDateTime"
# The dates that Kestra takes in a search, as Java writes their pattern.
DATES = "yyyy-MM-dd'T'HH:mm[:ss][.SSS][XXX]"
STATE = "io.kestra.core.models.flows.State$Type"


def value(call: Call, name: str, type_name: str) -> Any:
    """Return a query parameter as a value of a Java type, or None where it was not given."""
    text = call.query.get(name)
    return None if text is None else _converted(name, text, type_name)


def required(call: Call, name: str, type_name: str) -> Any:
    """Return a query parameter that must be there as a value of a Java type."""
    converted = _converted(name, call.required(name), type_name)
    if converted is None:
        raise missing(name)
    return converted


def values(call: Call, name: str, type_name: str) -> list[Any]:
    """Return a query parameter that is a list: given more than once, or with commas between its items."""
    items = [item for text in call.query.getlist(name) for item in text.split(",")]
    return [_converted(name, item, type_name) for item in items]


def date(call: Call, name: str) -> Any:
    """Return a query parameter of a search that is a date, or None where it was not given."""
    text = call.query.get(name)
    if text is None:
        return None
    try:
        return java(DATE).parse(text, java("java.time.format.DateTimeFormatter").ofPattern(DATES))
    except java("java.time.DateTimeException") as error:
        raise not_convertible(name, text, error.getMessage()) from error


def _converted(name: str, text: str, type_name: str) -> Any:
    """Return a text as a value of a Java type; an empty one may be none."""
    argument = java("io.micronaut.core.type.Argument").of(java(type_name).class_, name)
    context = java("io.micronaut.core.convert.ConversionContext").of(argument)
    found = java("io.micronaut.core.convert.ConversionService").SHARED.convert(text, context)
    if context.getLastError().isPresent():
        raise not_convertible(name, text, context.getLastError().get().getCause().getMessage())
    return found.orElse(None)
