"""A server that has ended: what the tests tell which needed it."""

from __future__ import annotations

from pytest_kestra.errors import ServerError
from pytest_kestra.server.base import Server

LOG_LINES = 20


def tell_ending(error: ServerError, server: Server, told_by: str | None) -> bool:
    """Say in an error about a server that no longer answers how it has ended; return whether that is known.

    `told_by` is the test that has told it before: then the error names only that.
    """
    if server.address.url not in str(error):
        return False
    if told_by is not None:
        error.args = (f"The Kestra engine has ended before; {told_by} tells how.",)
        return True
    how = server.ending()
    if how is None:
        return False
    log = [f"  {line}" for line in server.log_tail(LOG_LINES).splitlines()]
    error.args = ("\n".join([how, *(["Its last lines:", *log] if log else ["It is empty."])]),)
    return True
