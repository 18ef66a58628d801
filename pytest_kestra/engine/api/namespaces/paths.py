"""Paths of namespace files, read as Kestra reads them: as URIs."""

from __future__ import annotations

import re
from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import Problem, missing, not_convertible
from pytest_kestra.engine.jvm import java

# What is stored under here are no files but flows.
FLOWS = re.compile(r"/_flows(/.*)?")


def path(text: str) -> Any:
    """Return a path as one of Java's; a Problem where no file may be."""
    return of_uri(uri(text))


def of_uri(uri: Any) -> Any:
    """Return the path of a URI as one of Java's; a Problem where no file may be."""
    return java("java.nio.file.Path").of(checked(uri))


def checked(uri: Any) -> str:
    """Return the path of a URI; a Problem where no file may be."""
    text = str(uri.getPath())
    if FLOWS.fullmatch(text):
        raise Problem(422, f"Illegal argument: Forbidden path: {text}")
    return text


def uri(text: str) -> Any:
    """Return the URI of a path, in which what is not allowed there is encoded."""
    found = java("java.net.URI")(None, None, text, None)
    if found.getPath() is None:
        raise Problem(422, f"Unprocessable Entity: The path '{found}' is not a valid hierarchical path.")
    return found


def required_uri(call: Call, name: str) -> Any:
    """Return a query parameter that is a URI itself: what is not allowed there must be encoded already."""
    text = call.required(name)
    if not text:
        raise missing(name)
    try:
        found = java("java.net.URI")(text)
    except java("java.net.URISyntaxException") as error:
        raise not_convertible(name, text, error.getMessage()) from error
    return found if found.getPath() is not None else uri(text)
