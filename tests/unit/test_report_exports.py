"""Which executions of a test are exported where it has very many."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pytest_kestra.report.exports import MOST, chosen, told_kept


def made(*states: str) -> list[Any]:
    return [SimpleNamespace(number=number, state=state) for number, state in enumerate(states)]


def numbers(executions: list[Any]) -> list[int]:
    kept: list[Any] = list(chosen(executions))
    return [one.number for one in kept]


def test_those_that_did_not_end_well_are_kept_first_in_their_order() -> None:
    every = made(*["FAILED"] * 3, *["SUCCESS"] * 200, "KILLED", *["SUCCESS"] * 96)

    assert numbers(every) == [0, 1, 2, *range(300 - MOST + 3, 300)]
    assert told_kept(len(chosen(every)), len(every)) == "100 of 300 executions kept, failing first"


def test_of_too_many_that_failed_the_last_are_kept() -> None:
    assert numbers(made(*["FAILED"] * 150)) == list(range(50, 150))


def test_all_of_a_few_are_kept() -> None:
    every = made("SUCCESS", "FAILED", "SUCCESS")

    assert chosen(every) == every
    assert told_kept(3, 3) == ""
