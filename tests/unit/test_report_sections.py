"""Which executions of a failed test its report tells of."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kestra.report.sections import worth_a_look


class Known:
    """Stand for a test whose executions were read, by the letters of their states."""

    def __init__(self, states: str) -> None:
        names = {"f": "FAILED", "s": "SUCCESS"}
        self.states = {str(number): names[state] for number, state in enumerate(states)}

    def known_state(self, execution_id: str) -> str:
        return self.states[execution_id]


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ("s", "0"),
        ("ss", "01"),
        ("sss", "012"),
        ("sssss", "234"),
        ("fs", "01"),
        ("sfs", "012"),
        ("ssfss", "234"),
        ("sffs", "123"),
        ("fsffs", "023"),
        ("ffff", "012"),
    ],
)
def test_those_that_failed_are_told_and_the_last_of_the_others(states: str, told: str) -> None:
    known: Any = Known(states)

    assert "".join(worth_a_look(list(known.states), known)) == told
