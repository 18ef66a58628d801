"""Downloading many files at once."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence

from pytest_kestra.engine.home import writing
from pytest_kestra.engine.progress import Progress
from pytest_kestra.engine.remote import CONNECTIONS, Remote
from pytest_kestra.engine.repository import Repository
from pytest_kestra.engine.transfer import Item, Transfer

# How long the other threads are waited for when one has failed; each looks up at every block it receives.
GRACE_S = 2.0
# Windows hears Ctrl-C only between two waits.
WAIT_S = 0.5


def download(items: Sequence[Item], repository: Repository, progress: Progress, text: str, remedy: str) -> None:
    """Bring all files into place, from the local repository where it has them.

    `text` is what the progress shows, `remedy` what a user can do where the repository cannot help. After an error or
    Ctrl-C only whole files and resumable `.part` files are there; InstallError says what was wrong.
    """
    if not items:
        return
    needed = sum(item.size or 0 for item in items)
    for folder in {item.target.parent for item in items}:
        with writing(folder, needed):
            folder.mkdir(parents=True, exist_ok=True)
    with Remote.opened(repository, remedy) as remote, progress.transfer(text, needed) as advance:
        _Batch(items, remote, needed).run(advance)


class _Batch:
    """Run transfers in threads that never keep the process alive; tell the caller's thread how far they are."""

    def __init__(self, items: Sequence[Item], remote: Remote, needed: int) -> None:
        self.remote = remote
        self.needed = needed
        self.waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
        for item in items:
            self.waiting.put(item)
        # The number of bytes that arrived, the error of a thread, or nothing when a thread has ended.
        self.events: queue.SimpleQueue[int | Exception | None] = queue.SimpleQueue()
        self.stopped = threading.Event()
        count = min(CONNECTIONS, len(items))
        self.threads = [threading.Thread(target=self._work, daemon=True, name="download") for _ in range(count)]

    def run(self, advance: Callable[[int], None]) -> None:
        """Return when all files are in place; raise the first error."""
        for thread in self.threads:
            thread.start()
        try:
            self._watch(advance)
        except Exception:
            self.stopped.set()
            deadline = time.monotonic() + GRACE_S
            for thread in self.threads:
                thread.join(max(0.0, deadline - time.monotonic()))
            raise
        finally:
            self.stopped.set()

    def _watch(self, advance: Callable[[int], None]) -> None:
        running = len(self.threads)
        while running:
            event = self._next()
            if isinstance(event, Exception):
                raise event
            if event is None:
                running -= 1
            else:
                advance(event)

    def _next(self) -> int | Exception | None:
        while True:
            with contextlib.suppress(queue.Empty):
                return self.events.get(timeout=WAIT_S)

    def _work(self) -> None:
        try:
            with contextlib.suppress(queue.Empty):
                while not self.stopped.is_set():
                    item = self.waiting.get_nowait()
                    Transfer(item, self.remote, self.stopped, self.events.put, self.needed).run()
            self.events.put(None)
        except Exception as error:  # noqa: BLE001 - the caller's thread raises it
            self.events.put(error)
