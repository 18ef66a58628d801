"""Calling a webhook."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from pytest_kestra.client.triggers import Called
from pytest_kestra.errors import FlowError, KestraError, WaitTimeout
from pytest_kestra.records import ExecutionRecord
from pytest_kestra.run.diagnosis.text import late
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.session import SHOWN_S
from pytest_kestra.run.triggers.declared import Declared
from pytest_kestra.run.waiting import poll

# By which the execution of a call is found where the answer does not name it: its trigger keeps the headers.
MARK = "X-Request-Id"
# What Kestra 2.0 answers, without a word, where the `inputs` cannot be rendered.
UNRENDERED = 422
# What Kestra answers, without a word, to a call that starts nothing.
NOTHING = (204, 409, UNRENDERED)


@dataclass(frozen=True)
class Webhook:
    """Call the address of a trigger as somebody outside would."""

    trigger: Declared

    def call(
        self,
        body: Any,
        *,
        key: str | None,
        headers: Mapping[str, str] | None,
        params: Mapping[str, Any] | None,
        method: str,
        timeout: float | None,
    ) -> Execution:
        """Return the execution that a call has started; at its end where the trigger waits for that."""
        trigger, session = self.trigger, self.trigger.session
        session.require_mocks(trigger.flow.namespace, trigger.flow.id)
        key = self._key(key)
        limit = session.limit(timeout)
        sent = dict(headers or {})
        mark = next((value for name, value in sent.items() if name.lower() == MARK.lower()), None)
        if mark is None:
            mark = sent[MARK] = uuid.uuid4().hex
        try:
            called = session.client.triggers.webhook(
                trigger.flow.namespace,
                trigger.flow.id,
                key,
                body,
                headers=sent,
                params=params,
                method=method,
                timeout=limit,
            )
        except httpx.ReadTimeout as error:
            found = poll(lambda: self._marked(mark), bool, SHOWN_S)
            if found is None:
                raise WaitTimeout(f"The webhook {trigger.id!r} has answered nothing within {limit:g} s.") from error
            raise WaitTimeout(late(self._started(found), session, limit)) from error
        return self._started(self._execution(called, mark))

    def _key(self, key: str | None) -> str:
        trigger = self.trigger
        if key is None:
            key = trigger.properties.get("key")
        if not isinstance(key, str):
            raise KestraError(f"The trigger {trigger.id!r} is no webhook: it is a {trigger.type}, without a `key`.")
        if "{{" in key:
            raise KestraError(
                f"The `key` of the trigger {trigger.id!r} is an expression, {key}: give its value as key=…."
            )
        if trigger.where_disabled is not None:
            raise FlowError(
                f"{trigger.where_disabled}: the webhook {trigger.id!r} is disabled, so it should start nothing. Take "
                "`disabled: true` out to call it. (Where only the trigger is disabled, Kestra 1.3 starts an execution "
                "all the same, Kestra 2.0 refuses to: see its issue 18505.)"
            )
        return key

    def _execution(self, called: Called, mark: str) -> ExecutionRecord:
        trigger, calls = self.trigger, self.trigger.session.client.executions
        if called.execution is not None:
            # What a webhook answers has no task runs.
            return calls.get(called.execution.id) if called.execution.state.is_final else called.execution
        if called.error is not None:
            if "disabled" in called.error.message:
                raise FlowError(f"{trigger.place()}: the webhook {trigger.id!r} starts nothing: {called.error.message}")
            raise called.error
        nothing = called.empty and called.status in NOTHING
        found = poll(lambda: self._marked(mark), bool, 0 if nothing else SHOWN_S)
        if found is not None:
            return found
        if nothing:
            key, why = self._reason(called.status)
            raise KestraError(f"{trigger.place(key)}: the webhook {trigger.id!r} has started no execution: {why}.")
        raise KestraError(f"The webhook {trigger.id!r} has answered {called.status}, and started no execution.")

    def _reason(self, status: int) -> tuple[str, str]:
        """Return the property that is why nothing was started, and how."""
        if not self.trigger.session.client.address.is_two:
            return "conditions", "its `conditions` were not met, or its `inputs` could not be rendered"
        if status == UNRENDERED:
            return "inputs", "its `inputs` could not be rendered"
        return "when", "its `when` does not hold"

    def _marked(self, mark: str) -> ExecutionRecord | None:
        flow, session = self.trigger.flow, self.trigger.session
        found = session.client.executions.of_flow(flow.namespace, flow.id)
        # A mark of the test's own may be that of a call before.
        new = [record for record in found if _mark(record) == mark and record.id not in session.started]
        return new[-1] if new else None

    def _started(self, record: ExecutionRecord) -> Execution:
        self.trigger.session.started.append(record.id)
        return Execution.reading(record, self.trigger.session)


def _mark(record: ExecutionRecord) -> str | None:
    headers: Mapping[str, Any] = ((record.trigger or {}).get("variables") or {}).get("headers") or {}
    return next((values[0] for name, values in headers.items() if name.lower() == MARK.lower()), None)
