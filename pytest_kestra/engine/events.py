"""What happens to executions, told to those who wait for it on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pytest_kestra.engine.jvm import java


class Events:
    """Hand Kestra's events to waiting coroutines; one thread reads them all.

    A thread for each request that waits would limit how many can, and polling would cost a core or latency.
    """

    def __init__(self) -> None:
        self._watches: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Queue[Any]]] = {}
        self._numbers = itertools.count()
        self._java = java("io.kestra.runner.h2.Watches")
        threading.Thread(target=self._read, daemon=True, name="events").start()

    @contextlib.contextmanager
    def end(self, execution_id: str, flow: Any, service: Any) -> Iterator[asyncio.Queue[Any]]:
        """Give a queue that receives an execution's id when it has ended; ask before the execution is emitted."""
        ends = java("io.kestra.runner.h2.ExecutionEnds")
        future = ends.of(execution_id, flow, service)
        try:
            with self._watch(lambda name: self._java.onCompletion(name, future)) as queue:
                yield queue
        finally:
            ends.forget(execution_id)

    def completion(self, future: Any) -> contextlib.AbstractContextManager[asyncio.Queue[Any]]:
        """Give a queue that receives what a future of Java's completes with."""
        return self._watch(lambda name: self._java.onCompletion(name, future))

    def execution(self, execution_id: str) -> contextlib.AbstractContextManager[asyncio.Queue[Any]]:
        """Give a queue that receives every state of an execution from now on."""
        return self._watch(lambda name: self._java.onExecution(name, execution_id))

    def correlated(self, correlation_id: str) -> contextlib.AbstractContextManager[asyncio.Queue[Any]]:
        """Give a queue that receives every state, from now on, of the executions that belong together."""
        return self._watch(lambda name: self._java.onCorrelation(name, correlation_id))

    def logs(self, execution_id: str) -> contextlib.AbstractContextManager[asyncio.Queue[Any]]:
        """Give a queue that receives every log entry of an execution from now on."""
        return self._watch(lambda name: self._java.onLogs(name, execution_id))

    @contextlib.contextmanager
    def _watch(self, register: Callable[[str], None]) -> Iterator[asyncio.Queue[Any]]:
        name, queue = str(next(self._numbers)), asyncio.Queue[Any]()
        self._watches[name] = (asyncio.get_running_loop(), queue)
        try:
            register(name)
            yield queue
        finally:
            self._java.forget(name)
            self._watches.pop(name, None)

    def _read(self) -> None:
        while True:
            event = self._java.take()
            watch = self._watches.get(str(event.watch()))
            if watch is not None:
                loop, queue = watch
                with contextlib.suppress(RuntimeError):  # the loop has ended, and the engine with it
                    loop.call_soon_threadsafe(queue.put_nowait, event.message())
