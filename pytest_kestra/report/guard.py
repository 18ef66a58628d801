"""A guard over the logs of all tests: none at a level that nobody expects."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_kestra.errors import KestraError, UnexpectedLogsError, hint
from pytest_kestra.run.diagnosis.evidence import Evidence
from pytest_kestra.run.diagnosis.passages import FIRST_LINE, log_lines, short
from pytest_kestra.run.diagnosis.text import story
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.logs import Logs
from pytest_kestra.run.session import SETTLE_S
from pytest_kestra.run.waiting import poll

SHOWN = 5
REMEDY = (
    "Where it is as it should be, mark the test with @pytest.mark.kestra_allow_logs: alone it allows all, with "
    "matching=, task= or level= what they name."
)


@dataclass(frozen=True)
class Allowed:
    """Say which logs a test expects: all, or those of a task, of a level, or that a regular expression finds."""

    matching: str | None = None
    task: str | None = None
    level: str | None = None

    def of(self, logs: Logs) -> Logs:
        """Return the logs that are expected."""
        return logs.select(task=self.task, level=self.level, matching=self.matching)


def check_logs(executions: Sequence[Execution], min_level: str, allowed: Sequence[Allowed]) -> None:
    """Look at the logs of all executions of a test; UnexpectedLogsError where one is of this level or above.

    What is `allowed` is left out.
    """
    found: list[tuple[Execution, Logs]] = []
    if any(execution.state.is_final and not execution.session.settled for execution in executions):
        # Logs may come late, and most executions have none of this level: waiting for each would take too long.
        poll(lambda: None, lambda _: False, SETTLE_S)
    for execution in executions:
        logs = Logs(execution.session.client.executions.logs(execution.id)).select(min_level=min_level)
        expected = {id(entry) for one in allowed for entry in one.of(logs)}
        if left := Logs(entry for entry in logs if id(entry) not in expected):
            found.append((execution, left))
    if found:
        raise UnexpectedLogsError(_told(found, [*_unknown(allowed, executions), REMEDY]))


def _told(found: Sequence[tuple[Execution, Logs]], advice: Sequence[str]) -> str:
    """Return the whole story of the first execution that logged so, and the ids of the others."""
    execution, logs = found[0]
    session, evidence, entry = execution.session, Evidence.of(execution, execution.session), logs[0]
    what = f"logged {entry.level}, which this test does not expect: {entry.task_id or 'the flow'}"
    message = entry.message.strip().splitlines() or [""]
    lines = [short(session.masked(f"{execution.flow_id} {what}: {message[0]}"), FIRST_LINE)]
    if entry.task_id is not None:
        line = evidence.line_of(entry.task_id)
        lines.append(f"Logged by: {entry.task_id} ({evidence.name}{'' if line is None else f':{line}'})")
    shown = log_lines(evidence.shown(logs), SHOWN)
    if len(logs) > SHOWN:
        shown.insert(0, f"  … {len(logs) - SHOWN} earlier ones")
    if session.verbosity < 0:
        lines += [*shown, f"Execution: {evidence.place}"]
    else:
        lines += story(evidence, ["Logs that this test does not expect:", *shown])
    if others := [f"{one.flow_id} ({one.id})" for one, _ in found[1:]]:
        left = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        lines.append(f"So did: {', '.join(others[:SHOWN])}{left}")
    lines += [*advice, f"Run it again: {session.reproduce}"]
    return session.masked("\n".join(lines))


def _unknown(allowed: Sequence[Allowed], executions: Sequence[Execution]) -> list[str]:
    """Return a line for each task that a mark names, but no flow of the test has."""
    known: dict[str, None] = {}
    for execution in executions:
        with contextlib.suppress(KestraError):  # a flow that the test has deleted
            known |= dict.fromkeys(execution.session.flow(execution).tasks)
    return [
        f"The mark kestra_allow_logs names the task {one.task!r}, which no flow of this test has{hint(one.task, known)}"
        for one in allowed
        if one.task is not None and known and one.task not in known
    ]
