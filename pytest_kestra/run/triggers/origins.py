"""Which trigger has made an execution."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pytest_kestra.client.client import Client
from pytest_kestra.records import ExecutionRecord

NAMED = re.compile(r"\[trigger: (\S+)\] \[date: ")


@dataclass(frozen=True)
class Origins:
    """Tell which trigger has made an execution.

    Of a date that it cannot evaluate, Kestra makes an execution that has failed, without trigger and task runs: only
    its log names the trigger (io.kestra.scheduler.AbstractScheduler of 1.3, createFailedExecution).
    """

    client: Client
    _named: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def of(self, record: ExecutionRecord) -> str | None:
        """Return the id of the trigger that has made an execution; None where none did, or its log is not there yet."""
        if record.trigger is not None:
            return record.trigger.get("id")
        if record.state != "FAILED" or record.task_runs:
            return None
        if record.id not in self._named:
            for entry in self.client.executions.logs(record.id):
                if match := NAMED.match(entry.message):
                    self._named[record.id] = match[1]
        return self._named.get(record.id)
