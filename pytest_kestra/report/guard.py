"""A guard over the logs of all tests: none at a level that nobody expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_kestra.errors import UnexpectedLogsError
from pytest_kestra.records import LogEntry
from pytest_kestra.run.diagnosis.passages import FIRST_LINE, log_lines, short
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.kestra import Kestra
from pytest_kestra.run.logs import Logs

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


def check_logs(kestra: Kestra, min_level: str, allowed: Sequence[Allowed]) -> None:
    """Look at the logs of all executions of a test; UnexpectedLogsError where one is of this level or above.

    What is `allowed` is left out.
    """
    found: list[tuple[Execution, LogEntry]] = []
    for execution in kestra.executions():
        logs = execution.logs(min_level=min_level)
        expected = {id(entry) for one in allowed for entry in one.of(logs)}
        found += [(execution, entry) for entry in logs if id(entry) not in expected]
    if not found:
        return
    execution, entry = found[0]
    message = entry.message.strip().splitlines() or [""]
    head = f"{execution.flow_id} logged {entry.level}, which this test does not expect: {entry.task_id or ''}"
    lines = [short(execution.session.masked(f"{head}: {message[0]}"), FIRST_LINE)]
    lines += log_lines([entry for _, entry in found[:SHOWN]], SHOWN)
    if len(found) > SHOWN:
        lines.append(f"  … and {len(found) - SHOWN} more")
    lines += [f"Execution: {execution.id} in {execution.namespace}", REMEDY]
    raise UnexpectedLogsError(execution.session.masked("\n".join(lines)))
