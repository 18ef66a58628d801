"""Kestra's error bodies, and which of its exceptions answers with which status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pytest_kestra.engine.jvm import java

NO_LINK = {
    "templated": False,
    "profile": None,
    "deprecation": None,
    "title": None,
    "hreflang": None,
    "type": None,
    "name": None,
}
REASONS = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 415: "Unsupported Media Type"}

# The first that matches, from special to general, as the handlers of Kestra's web server are chosen. A null prefix
# stands for the status' own reason. By name, since a line of Kestra may not have the class.
STATUSES: tuple[tuple[str, int, str | None], ...] = (
    ("jakarta.validation.ConstraintViolationException", 422, "Invalid entity"),
    ("io.kestra.core.exceptions.InputOutputValidationException", 422, "Invalid entity"),
    ("io.kestra.core.exceptions.DeserializationException", 422, "Invalid entity"),
    ("io.kestra.core.exceptions.InvalidQueryFiltersException", 422, "Invalid query filters"),
    # A text to search for is no regular expression, or one that would take for ever.
    ("io.kestra.core.exceptions.InvalidSourceSearchQueryException", 400, "Bad Request"),
    ("io.kestra.core.utils.RegexUtils$RegexTimeoutException", 400, "Bad Request"),
    ("io.kestra.core.exceptions.NotFoundException", 404, None),
    ("java.util.NoSuchElementException", 404, "Not Found"),
    ("java.io.FileNotFoundException", 404, "Not Found"),
    ("java.nio.file.NoSuchFileException", 404, "Not Found"),
    ("java.lang.SecurityException", 403, "Forbidden"),
    ("io.kestra.core.exceptions.ResourceAccessDeniedException", 403, "Forbidden"),
    ("io.kestra.core.exceptions.ConflictException", 409, "Conflict"),
    ("io.kestra.core.exceptions.ResourceExpiredException", 410, "Resource has expired"),
    ("java.time.DateTimeException", 422, "Illegal argument"),
    ("java.net.URISyntaxException", 422, "Illegal argument"),
    ("java.lang.IllegalArgumentException", 422, "Illegal argument"),
    # A filter has an operation that its field does not know in every form, or not for a value of this kind.
    ("java.lang.UnsupportedOperationException", 422, "Illegal argument"),
    ("java.lang.IllegalStateException", 409, "Illegal state"),
    # An execution has no such task run, or a template cannot be rendered: the caller's mistake under Kestra's name.
    ("io.kestra.core.exceptions.InternalException", 422, "Internal server error"),
    # A text is longer than its column.
    ("java.sql.SQLDataException", 422, "Illegal argument"),
    # A query names a column that is not there.
    ("java.sql.SQLSyntaxErrorException", 422, "Illegal argument"),
    ("com.fasterxml.jackson.core.JsonProcessingException", 422, "Invalid json"),
    ("com.amazon.ion.IonException", 422, "Invalid ion"),
)


class Problem(Exception):  # noqa: N818 - it is an answer, not a failure of the engine
    """End a request with a status and a message; `details` are pairs of message and path."""

    def __init__(self, status: int, message: str, details: Iterable[tuple[str, str | None]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = tuple(details)


def not_found(message: str = "Not Found") -> Problem:
    """Return the problem of a thing that is not there."""
    return Problem(404, message)


def not_convertible(name: str, value: Any, reason: Any) -> Problem:
    """Return the problem of a query parameter that is not of its type."""
    text = f"Failed to convert argument [{name}] for value [{value}] due to: {reason}"
    return Problem(422, f"Internal server error: {text}")


def invalid(place: str, message: str) -> Problem:
    """Return the problem of a value that is not allowed where it stands."""
    return Problem(422, f"Invalid entity: {place}: {message}", [(message, place)])


def require_least(place: str, number: int, least: int) -> None:
    """Refuse a number that is too small where it stands."""
    if number < least:
        raise invalid(place, f"must be greater than or equal to {least}")


def missing(name: str, kind: str = "QueryValue") -> Problem:
    """Return the problem of a parameter, or another part of a request (`Body`), that must be there."""
    return Problem(422, f"Invalid route params: Required {kind} [{name}] not specified")


def unsupported(kind: str, allowed: str) -> Problem:
    """Return the problem of a body that has another content type than the one that is allowed."""
    return Problem(415, f"Unsupported Media Type: Content Type [{kind}] not allowed. Allowed types: [{allowed}]")


def of(error: Exception) -> Problem:
    """Return the problem that tells an exception as Kestra's web server does; unknown ones are a 500."""
    if isinstance(error, UnicodeDecodeError):
        # Only what callers send can have halves of characters in it; in Java these are text, in Python they are not.
        return Problem(422, "Unprocessable Entity: A text has half a character in it")
    if not isinstance(error, java("java.lang.Throwable")):
        return Problem(500, f"Internal server error: {error}")
    cause: Any = error
    while cause is not None:
        kinds = set(_kinds(cause))
        for name, status, prefix in STATUSES:
            if name in kinds:
                text = _message(cause)
                message = text if prefix is None else f"{prefix}: {text}"
                return Problem(status, message, _violations(cause))
        cause = cause.getCause()
    return Problem(500, f"Internal server error: {_message(error)}")


def _kinds(error: Any) -> Iterator[str]:
    """Yield the names of an error's class and of those it extends."""
    kind = error.getClass()
    while kind is not None:
        yield str(kind.getName())
        kind = kind.getSuperclass()


def _message(error: Any) -> str:
    message = error.getMessage()
    # What the database adds is not for who made the mistake.
    return (
        str(message).partition("; SQL statement:")[0] if message is not None else str(error.getClass().getSimpleName())
    )


def _violations(error: Any) -> list[tuple[str, str | None]]:
    violations = getattr(error, "getConstraintViolations", None)
    if violations is None:
        return []
    return [(str(item.getMessage()), str(item.getPropertyPath())) for item in violations() or ()]


def response(request: Request, problem: Problem) -> Response:
    """Return the body that Kestra 1.3 answers for a problem."""
    # As it was sent: the path of a request without a tenant is completed here.
    path = request.scope["raw_path"].decode("latin-1") + (f"?{request.url.query}" if request.url.query else "")
    errors: list[dict[str, Any]] = [
        {"message": message, "logref": None, "path": place, "_links": {}, "_embedded": {}}
        for message, place in problem.details
    ]
    body = {
        "message": problem.message,
        "logref": None,
        "path": None,
        "_links": {"self": {"href": path, **NO_LINK}},
        "_embedded": {"errors": errors} if errors else {},
    }
    return JSONResponse(body, status_code=problem.status)
