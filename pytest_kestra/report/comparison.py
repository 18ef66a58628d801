"""The explanation of an assertion about an execution."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_kestra.errors import KestraError
from pytest_kestra.run.diagnosis.passages import short
from pytest_kestra.run.diagnosis.text import brief, diagnosis
from pytest_kestra.run.path import Path, difference
from pytest_kestra.states import State

WORDS = {"==": "not", "in": "not one of", "!=": "and should not be", "not in": "and should not be one of"}
# pytest cuts explanations of more than 8 lines or 640 characters, unless it is asked not to.
LINES, WIDTH = 7, 80


def comparison(left: object, operator: str, right: object, *, whole: bool = True) -> list[str] | None:
    """Return the lines that explain `left operator right`; None where pytest's own say as much.

    Without `whole` it has as much as pytest shows.
    """
    try:
        if isinstance(left, State):
            return _of_state(left, operator, right, whole=whole)
        for path, expected in ((left, right), (right, left)):
            if operator == "==" and isinstance(path, Path) and isinstance(expected, (list, tuple)):
                return _of_path(path, expected, whole=whole)
    except Exception:  # noqa: BLE001 - whatever it is, it must not hide the failure
        return None
    return None


def _of_state(state: State, operator: str, right: object, *, whole: bool) -> list[str] | None:
    execution = state.execution
    if execution is None or operator not in WORDS:
        return None
    what = f"is {state}, {WORDS[operator]} {right}"
    run = next((run for run in execution.task_runs if run.state is state), None)
    if run is not None:
        what = f"is {execution.state}: its task {run.name} {what}"
    elif state is not execution.state:
        return None
    return (diagnosis if whole else brief)(execution, execution.session, what, run).splitlines()


def _of_path(path: Path, expected: Sequence[object], *, whole: bool) -> list[str] | None:
    execution = path.execution
    if execution is None:
        return None
    try:
        known = list(execution.session.flow(execution).tasks)
    except KestraError:
        known = [run.task_id for run in execution.task_runs]
    lines = [execution.session.masked(line) for line in difference(path, expected, known)]
    if whole:
        return lines
    changed = [line for line in lines[1:] if line.strip()[0] in "+-"]
    return [short(line, WIDTH + 20 * (line is lines[0])) for line in [lines[0], *changed[: LINES - 1]]]
