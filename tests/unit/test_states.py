from __future__ import annotations

import pickle

from pytest_kestra.states import FINAL, STATES, State


def test_is_a_string_that_knows_its_execution() -> None:
    state = State("SUCCESS", execution="e")

    assert state == "SUCCESS"
    assert f"{state}" == "SUCCESS"
    assert state.execution == "e"


def test_knows_which_states_are_final() -> None:
    assert State("FAILED").is_final
    assert not State("RUNNING").is_final
    assert STATES > FINAL


def test_travels_between_processes_as_text() -> None:
    state = pickle.loads(pickle.dumps(State("KILLED", execution=lambda: None)))

    assert (state, state.execution) == ("KILLED", None)
