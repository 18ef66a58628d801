"""Unit-test suites and the results of their runs: the open-source edition has no repository for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

# How many results are kept; the oldest go first.
MOST_RESULTS = 1000


class Suites:
    """Hold Kestra's own objects for as long as the engine lives, by namespace and id; safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._suites: dict[tuple[str, str], Any] = {}
        self._results: OrderedDict[str, Any] = OrderedDict()

    def get(self, namespace: str, suite_id: str) -> Any:
        """Return a suite, or None."""
        with self._lock:
            return self._suites.get((namespace, suite_id))

    def put(self, suite: Any) -> None:
        """Store a suite, in the place of another one of this name."""
        with self._lock:
            self._suites[str(suite.getNamespace()), str(suite.getId())] = suite

    def remove(self, namespace: str, suite_id: str) -> bool:
        """Remove a suite; return whether it was there."""
        with self._lock:
            return self._suites.pop((namespace, suite_id), None) is not None

    def all(self) -> list[Any]:
        """Return all suites, by namespace and id."""
        with self._lock:
            return [self._suites[key] for key in sorted(self._suites)]

    def add_result(self, result: Any) -> None:
        """Keep the result of a run."""
        with self._lock:
            self._results[str(result.id())] = result
            while len(self._results) > MOST_RESULTS:
                self._results.popitem(last=False)

    def result(self, result_id: str) -> Any:
        """Return the result of a run, or None."""
        with self._lock:
            return self._results.get(result_id)

    def results(self) -> list[Any]:
        """Return the results of all runs, the latest first."""
        with self._lock:
            return list(reversed(self._results.values()))
