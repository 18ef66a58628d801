"""Waiting for an execution to come to a state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import polling2

from pytest_kestra.records import ExecutionRecord, TaskRun

# What is left of a time that is over, in seconds.
SHORTEST_S = 0.001
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.25
# After how long an execution is killed again whose task goes on, in seconds.
KILL_AGAIN_S = 1.0

Read = TypeVar("Read")


def poll(read: Callable[[], Read], done: Callable[[Read], bool], timeout: float) -> Read:
    """Read something until it is as wished or `timeout` seconds have gone by; return it as it was last read."""
    # polling2's own deadline is one of the wall clock, which may jump.
    deadline = time.monotonic() + max(timeout, FIRST_PAUSE_S)
    found: Read = polling2.poll(
        read,
        step=FIRST_PAUSE_S,
        step_function=lambda pause: min(pause * 1.3, LONGEST_PAUSE_S),
        poll_forever=True,
        check_success=lambda found: done(found) or time.monotonic() >= deadline,
    )
    return found


def killing(read: Callable[[], ExecutionRecord], kill: Callable[[], None]) -> Callable[[], ExecutionRecord]:
    """Return what reads an execution that was killed, and kills it again where a task of it goes on.

    A worker misses a kill that comes just when it begins a task (io.kestra.worker.DefaultWorker).
    """
    killed = time.monotonic()

    def look() -> ExecutionRecord:
        nonlocal killed
        found = read()
        if found.state == "KILLED" and not has_reached(found, None) and time.monotonic() - killed >= KILL_AGAIN_S:
            kill()
            killed = time.monotonic()
        return found

    return look


def has_reached(execution: ExecutionRecord, until: str | None, since: int = 0) -> bool:
    """Tell whether an execution is, or was, in a state; without one, whether it and its task runs have ended.

    So many of its states as `since` says do not count: a server may tell an old one for a while.
    """
    states = execution.states[since:]
    if until is None:
        return (
            bool(states)
            and execution.state.is_final
            and all(
                run.state.is_final or (execution.state == "KILLED" and _is_left(run, execution))
                for run in execution.task_runs
            )
        )
    return until in states


def is_out_of_reach(execution: ExecutionRecord, until: str | None, since: int = 0) -> bool:
    """Tell whether a state can no longer come, by itself: after the end, or after the only place where it comes."""
    if until is None or has_reached(execution, until, since):
        return False
    if has_reached(execution, None, since):
        return True
    # An execution is queued before it runs, or never (io.kestra.executor.ExecutorService.processExecutionRunning).
    return until == "QUEUED" and "RUNNING" in execution.states


def _is_left(run: TaskRun, execution: ExecutionRecord) -> bool:
    """Tell whether Kestra leaves a task run as it is where it kills: around a Pause, and at a breakpoint."""
    return run.state in ("CREATED", "BREAKPOINT") or any(other.parent_id == run.id for other in execution.task_runs)
