"""The states of executions and task runs."""

from __future__ import annotations

from typing import Any

# io.kestra.core.models.flows.State.Type of Kestra 1.3 and 2.0.
FINAL = frozenset({"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED", "SKIPPED"})
# Final states worth a look when something is not as wished.
BAD = ("FAILED", "WARNING", "KILLED", "CANCELLED")
STATES = FINAL | {
    "CREATED",
    "SUBMITTED",
    "RESUBMITTED",
    "QUEUED",
    "RUNNING",
    "PAUSED",
    "RETRYING",
    "RESTARTED",
    "KILLING",
    "BREAKPOINT",
}
# What Kestra makes of an execution over a limit: io.kestra.core.models.flows.Concurrency.Behavior.
QUEUE = "QUEUE"
TREATED = {QUEUE: "QUEUED", "CANCEL": "CANCELLED", "FAIL": "FAILED"}


class State(str):
    """A state such as `SUCCESS`: a string that knows the execution it was read from.

    So a failed `assert execution.state == "SUCCESS"` can tell the whole story.
    """

    __slots__ = ("execution",)

    execution: Any

    def __new__(cls, value: str, execution: Any = None) -> State:
        """Return the state `value` of `execution`."""
        state = super().__new__(cls, value)
        state.execution = execution
        return state

    @property
    def is_final(self) -> bool:
        """Tell whether nothing happens any more in this state."""
        return self in FINAL

    def __reduce__(self) -> tuple[type[State], tuple[str]]:
        # Between the processes of pytest-xdist a state travels as the text it is.
        return State, (str(self),)
