"""The explanation of an assertion about a state."""

from __future__ import annotations

from pytest_kestra.run.diagnosis import brief, diagnosis
from pytest_kestra.states import State

WORDS = {"==": "not", "in": "not one of", "!=": "and should not be", "not in": "and should not be one of"}


def comparison(left: State, operator: str, right: object, *, whole: bool = True) -> list[str] | None:
    """Return the lines that explain `left operator right`; None where pytest's own say as much.

    pytest cuts explanations of more than 8 lines or 640 characters: without `whole` this one has less.
    """
    execution = left.execution
    if execution is None or operator not in WORDS:
        return None
    what = f"is {left}, {WORDS[operator]} {right}"
    run = next((run for run in execution.task_runs if run.state is left), None)
    if run is not None:
        what = f"is {execution.state}: its task {run.task_id} {what}"
    elif left is not execution.state:
        return None
    try:
        return (diagnosis if whole else brief)(execution, execution.session, what, run).splitlines()
    except Exception:  # noqa: BLE001 - whatever it is, it must not hide the failure
        return None
