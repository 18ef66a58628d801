"""Everything that can go wrong, told in a sentence and with a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

MOST_LISTED = 30


class KestraError(Exception):
    """Tell a problem; all other errors of this package are of this kind."""


class SettingsError(KestraError):
    """Tell which option has a wrong value, where it was set, and what it takes."""


class ServerError(KestraError):
    """Tell why there is no server, or that it no longer answers."""


class ApiError(KestraError):
    """Tell a refusal of Kestra's API.

    `status` is HTTP's, `message` Kestra's own, `details` are its pairs of message and path.
    """

    def __init__(self, status: int, message: str, request: str, details: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(f"{message} (status {status} for {request})")
        self.status = status
        self.message = message
        self.request = request
        self.details = tuple(details)


class NotFoundError(ApiError):
    """Tell that Kestra does not have what was asked for (404), or no longer (410)."""


class UnauthorizedError(ApiError):
    """Tell that Kestra did not accept the credentials (401 or 403)."""


class FlowError(KestraError):
    """Tell what is wrong with a flow, with its file and line where they are known."""


class FlowWarning(UserWarning):
    """Tell what is doubtful about a flow, with its file and line; `-W error::pytest_kestra.FlowWarning` is strict."""


class ServerWarning(UserWarning):
    """Tell which fixtures have no effect on the server of this run."""


class MockError(KestraError):
    """Tell what is wrong with a mock, or which task would reach out that none stands for."""


class UnexpectedCallsError(KestraError, AssertionError):
    """Tell how a mocked task was called where a test expects otherwise."""


class InputError(KestraError):
    """Tell which input is missing, unknown or of the wrong type."""


class UnknownNameError(KestraError, KeyError):
    """Tell that there is no task, flow, input, output or trigger of a name, and which name is the nearest.

    A `sentence` says it otherwise, such as for a task that there is, but that did not run.
    """

    def __init__(self, what: str, name: str, known: Iterable[str], where: str, *, sentence: str | None = None) -> None:
        known = list(dict.fromkeys(known))
        super().__init__(sentence or f"There is no {what} {name!r} in {where}{hint(name, known)}")
        self.name = name
        self.known = known

    def __str__(self) -> str:
        # A KeyError would show the repr of its text.
        return str(self.args[0])


class ExpressionError(KestraError):
    """Tell why Kestra cannot render an expression."""


class UnexpectedStateError(KestraError, AssertionError):
    """Tell that an execution came to a final state that is not the wished one, with its task runs and logs."""


class UnexpectedLogsError(KestraError, AssertionError):
    """Tell which logs of an execution have a level that the test does not expect."""


class WaitTimeout(KestraError, AssertionError):  # noqa: N818 - a name that is part of the public face
    """Tell that an execution did not come to the wished state in time, with its task runs and logs."""


class ConcurrencyLimitError(KestraError, AssertionError):
    """Tell that Kestra does not treat a concurrency limit as its flow says, with what was seen until then."""


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the nearest of those that are known, and all of them."""
    known = list(known)
    if not known:
        return ": it has none."
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean {nearest[0]!r}?" if nearest else "."
    return f"{meant} It has: {listed(known)}."


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence; of very many, as the rounds of a loop may be, the first ones."""
    more = len(names) - MOST_LISTED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:MOST_LISTED])} and {more} more"


def opening(text: str) -> str:
    """Return the first line of a text, and the next one too where the first only announces it by a colon."""
    first, *more = text.strip().splitlines() or [""]
    return f"{first} {more[0].strip()}" if first.endswith(":") and more else first
