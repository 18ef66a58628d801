"""The thread in which Python functions answer for mocked tasks."""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pytest_kestra.errors import KestraError, MockError
from pytest_kestra.mocks.answers import Answer, answer_of
from pytest_kestra.mocks.calls import Call, Notes
from pytest_kestra.mocks.mock import Mock

# How often it is looked whether a mocked task waits for its answer, in seconds.
POLL_S = 0.02
STOP_TIMEOUT_S = 30.0


class Answering:
    """Answer calls of mocks that ask a function, until it is stopped.

    `places` tells mocks with their namespaces, `check` raises MockError for an answer that a task cannot give.
    """

    def __init__(
        self,
        notes: Notes,
        places: Callable[[], list[tuple[Mock, str]]],
        check: Callable[[Mock, Call, Answer], None],
    ) -> None:
        self._notes = notes
        self._places = places
        self._check = check
        self._answers: dict[str, Mapping[str, Any]] = {}
        self._given: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="pytest-kestra-mocks")

    def start(self) -> None:
        """Begin, where it has not begun."""
        if not self._thread.ident:
            self._thread.start()

    def stop(self) -> None:
        """End, when the function that runs has returned."""
        self._stopped.set()
        if self._thread.ident:
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stopped.wait(POLL_S):
            with contextlib.suppress(KestraError):  # where the server is gone, the test tells that waits for it
                for mock, namespace in self._places():
                    self._answer(mock, namespace)

    def _answer(self, mock: Mock, namespace: str) -> None:
        assert mock.asked is not None
        for name, call in self._notes.waiting(namespace, mock.id):
            if name in self._given:
                continue
            # Asked once, also where the server does not take the answer at once.
            if name not in self._answers:
                self._answers[name] = answer(mock.asked, call, partial(self._check, mock, call))
            self._notes.answer(namespace, name, self._answers[name])
            self._given.add(name)


def answer(asked: Callable[[Call], Any], call: Call, check: Callable[[Answer], None]) -> Mapping[str, Any]:
    """Ask a function, and return the data of its answer; what it or the check raises is what the task fails with."""
    try:
        given = answer_of(asked(call))
        check(given)
        return given.data(literal=True)
    except BaseException as error:  # noqa: BLE001 - the test's own function may raise anything, as pytest.fail does
        return Answer(error=f"{type(error).__name__}: {error}{_place(error)}").data(literal=True)


def _place(error: BaseException) -> str:
    """Say where in the test's function an error came from."""
    if isinstance(error, MockError):
        return ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
