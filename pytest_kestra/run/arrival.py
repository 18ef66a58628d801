"""Waiting for an execution that somebody else starts: a trigger, a subflow."""

from __future__ import annotations

import time

from pytest_kestra.errors import WaitTimeout
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.flow import Flow
from pytest_kestra.run.session import Session
from pytest_kestra.run.triggers.origins import Origins
from pytest_kestra.run.waiting import SHORTEST_S, poll


class Arrival:
    """Wait for an execution of a flow that the test does not know yet.

    It is started by the execution `triggered_by`, or by whatever; by a trigger of this id, or by any.
    """

    def __init__(self, flow: Flow, triggered_by: Execution | None, trigger: str | None, session: Session) -> None:
        self._flow = flow
        self._triggered_by = triggered_by
        self._trigger = None if trigger is None else flow.trigger(trigger).id
        self._session = session
        self._origins = Origins(session.client)

    def wait(self, timeout: float | None) -> Execution:
        """Return the oldest of these executions at its end; WaitTimeout where that takes longer, in seconds."""
        limit = self._session.limit(timeout)
        deadline = time.monotonic() + limit
        found = poll(self._found, bool, limit)
        if not found:
            raise WaitTimeout(self._nothing_started(limit))
        started = found[0]
        if started.id not in self._session.started:
            self._session.started.append(started.id)
            self._session.awaited.add(started.id)
        return started.wait(timeout=max(SHORTEST_S, deadline - time.monotonic()))

    def _found(self) -> list[Execution]:
        found = self._flow.executions(triggered_by=self._triggered_by)
        if self._triggered_by is None:
            found = [one for one in found if one.id not in self._session.started]
        return found if self._trigger is None else [one for one in found if self._origins.of(one) == self._trigger]

    def _nothing_started(self, limit: float) -> str:
        flow, by = self._flow, self._triggered_by
        triggers = ", ".join(f"{name} ({item['type']})" for name, item in flow.triggers.items()) or "none"
        if by is None:
            who = "Nothing" if self._trigger is None else f"The trigger {self._trigger!r} has not"
            return f"{who} started the flow {flow.id} within {limit:g} s. Its triggers: {triggers}."
        now = by.refresh()
        others = ", ".join(dict.fromkeys(child.flow_id for child in now.children())) or "nothing"
        return (
            f"No execution of {flow.id} was started by {by.flow_id} within {limit:g} s; {by.flow_id} is {now.state}.\n"
            f"The execution {now.id} started {others}. The triggers of {flow.id}: {triggers}."
        )
