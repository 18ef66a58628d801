"""Sections of a failed test's report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.errors import ServerError, WaitTimeout
from pytest_kestra.states import BAD

if TYPE_CHECKING:
    from pytest_kestra.report.used import Used
    from pytest_kestra.server.base import Server

# A test with more executions than this tells those that did not end well, or the last ones.
SHOWN = 3
LOG_LINES = 50
# The end of a whole story; that a value of the test names an execution tells nothing.
TOLD = re.compile(r"Execution: (?:\S*/)?(\w+)")


def add_sections(
    report: pytest.TestReport,
    error: BaseException | None,
    used: Used | None,
    server: Server | None,
    *,
    colour: bool = False,
) -> None:
    """Add what the test's executions did where the failure does not tell it, and the server's log where it matters.

    It does where the server no longer answers without having ended, and where an execution did not end.
    """
    if isinstance(error, (ServerError, WaitTimeout)):
        log = server.log_tail(LOG_LINES) if server is not None else ""
        if isinstance(error, WaitTimeout):
            log = "\n".join(_about(log, used.started if used is not None else ()))
        if log:
            report.sections.append(("the log of the Kestra server", log))
    # At the end of a test they are removed.
    if report.when == "teardown" or used is None or isinstance(error, ServerError):
        return
    if text := "\n\n".join(_executions(used, report.longreprtext, colour=colour)):
        report.sections.append(("the executions of this test", text))


def worth_a_look(execution_ids: Sequence[str], used: Used) -> list[str]:
    """Return the executions to tell of, in their order: those that did not end well, else the last ones."""
    bad = [execution_id for execution_id in execution_ids if used.known_state(execution_id) in BAD]
    fine = [execution_id for execution_id in execution_ids if execution_id not in bad]
    room = max(0, SHOWN - len(bad))
    chosen = bad[:SHOWN] + fine[max(0, len(fine) - room) :]
    return [execution_id for execution_id in execution_ids if execution_id in chosen]


def _about(log: str, execution_ids: Sequence[str]) -> Iterator[str]:
    """Return the lines of a server's log that tell of these executions, with those that follow."""
    told = False
    for line in log.splitlines():
        if line[:1].isdigit():
            told = any(execution_id in line for execution_id in execution_ids)
        if told:
            yield line


def _executions(used: Used, told: str, *, colour: bool) -> Iterator[str]:
    from pytest_kestra.report.colour import coloured
    from pytest_kestra.run.diagnosis.text import brief, diagnosis, tells_of

    known = {found[1] for found in TOLD.finditer(told)}
    untold = [execution_id for execution_id in used.started if execution_id not in known]
    ids = worth_a_look(untold, used)
    left = len(untold) - len(ids)
    if left > 0:
        yield f"{left} other{'s are' if left > 1 else ' is'} left out"
    try:
        for execution_id in ids:
            execution = used.execution(execution_id)
            session = execution.session
            # With -q there is no more to tell than the assertion about a state has told.
            if session.verbosity < 0 and tells_of(told, execution):
                continue
            text = diagnosis(execution, session, again=False) if session.verbosity >= 0 else brief(execution, session)
            yield coloured(text) if colour else text
        if ids and session.verbosity >= 0 and session.reproduce not in told:
            yield f"Run it again: {session.reproduce}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide the failure
        yield f"They cannot be read: {error}"
