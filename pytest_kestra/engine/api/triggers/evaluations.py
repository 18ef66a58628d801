"""Letting Kestra's webhook triggers evaluate a request, and waiting for the executions they start."""

from __future__ import annotations

import contextlib
from typing import Any

from pytest_kestra.engine.api import halves
from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.jvm import java

QUEUE = "io.kestra.core.queues.QueueInterface"
SERVICE = "io.kestra.core.services.WebhookService"
STREAMING = "io.kestra.core.services.ExecutionStreamingService"


class Evaluation:
    """Evaluate one request by Kestra's own trigger, with a queue between the trigger and the executor.

    Kestra's service emits an execution and then follows it by one more consumer of the queue. An execution that is fast
    would be over before it is followed, and a queue with such a consumer keeps its messages. So the service gets a
    queue that keeps what is emitted, until somebody waits for the end, and tells that end to whoever follows.
    """

    def __init__(self, call: Call, flow: Any, trigger: Any, request: Any) -> None:
        self._call = call
        self._flow = flow
        self._queue = _Queue()
        service = _service(call, self._queue)
        context = java("io.kestra.plugin.core.trigger.WebhookContext")
        answer = trigger.evaluate(context(request, call.path.get("path"), flow, trigger, service))
        # A failure arrives as a value, like an answer.
        self._future = answer.materialize().toFuture()

    async def answer(self) -> Any:
        """Start what the trigger wants to have started, and return its answer when it has one."""
        call, service = self._call, self._call.kestra.execution_service
        if self._future.isDone():
            await call.run(self._emit)
            return await call.run(self._outcome)
        with contextlib.ExitStack() as stack:
            ends = [
                stack.enter_context(call.events.end(started.getId(), self._flow, service))
                for started in self._queue.emitted
            ]
            await call.run(self._emit)
            for end in ends:
                await end.get()
        return await call.run(self._tell_ends)

    def _emit(self) -> None:
        for started in self._queue.emitted:
            halves.refuse(self._call.kestra, self._call.text, started)
        for started in self._queue.emitted:
            self._call.kestra.start(started)

    def _tell_ends(self) -> Any:
        either = java("io.kestra.core.utils.Either")
        for started in self._queue.emitted:
            ended = self._call.kestra.executions.findById(started.getTenantId(), started.getId())
            self._queue.consumer.accept(either.left(ended.get()))
        return self._outcome()

    def _outcome(self) -> Any:
        signal = self._future.join()
        if signal.hasError():
            raise signal.getThrowable()
        return signal.get()


class _Queue:
    """Be a queue of Kestra's, as far as its webhook service uses one."""

    def __init__(self) -> None:
        self.emitted: list[Any] = []
        self.consumer: Any = None

    def emit(self, *arguments: Any) -> None:
        """Keep a message."""
        self.emitted.append(arguments[-1])

    def receive(self, consumer: Any) -> None:
        """Remember who wants to know of executions."""
        self.consumer = consumer


def _service(call: Call, queue: _Queue) -> Any:
    """Return Kestra's webhook service with another queue than the one of the executor."""
    import jpype

    proxy = jpype.JProxy(QUEUE, inst=queue)
    context = call.kestra.context
    streaming = java(STREAMING)(proxy, call.kestra.execution_service)
    # Lets it ask the queue for executions, as after it was made by the application context.
    context.inject(streaming)
    own = {
        "executionQueue": proxy,
        "streamingService": streaming,
        "openTelemetry": context.findBean(java("io.opentelemetry.api.OpenTelemetry")),
    }
    service = java(SERVICE)()
    for field in service.getClass().getDeclaredFields():
        if field.isAnnotationPresent(java("jakarta.inject.Inject")):
            field.setAccessible(True)
            field.set(service, own.get(field.getName()) or context.getBean(field.getType()))
    return service
