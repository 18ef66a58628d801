"""Letting the webhook triggers of Kestra 2.0 evaluate a request, with Kestra's own service."""

from __future__ import annotations

from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.jvm import java


class Calling:
    """Evaluate one request by Kestra's own trigger, and hold no thread while it waits for an execution."""

    def __init__(self, call: Call, flow: Any, trigger: Any, request: Any) -> None:
        self._call = call
        execution_id = java("io.kestra.core.utils.IdUtils").create()
        service = call.kestra.bean("io.kestra.core.services.WebhookService")
        context = java("io.kestra.plugin.core.trigger.WebhookContext")
        java("io.kestra.runner.h2.KnownFlows").settle()
        answer = trigger.evaluate(context(request, call.path.get("path"), flow, trigger, service, execution_id, None))
        # A failure arrives as a value, like an answer.
        self._future = answer.materialize().toFuture()

    async def answer(self) -> Any:
        """Return the trigger's answer when it has one."""
        with self._call.events.completion(self._future) as done:
            await done.get()
        return await self._call.run(self._outcome)

    def _outcome(self) -> Any:
        signal = self._future.join()
        if signal.hasError():
            raise signal.getThrowable()
        return signal.get()
