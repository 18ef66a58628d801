from __future__ import annotations

import pytest

from pytest_kestra.checks.pebble import read
from tests.pebble import READABLE, UNREADABLE


@pytest.mark.parametrize(("text", "expected"), READABLE.items(), ids=list(READABLE))
def test_finds_the_references(text: str, expected: list[str]) -> None:
    template = read(text)

    found = [".".join(reference.names) + "?" * reference.excused for reference in template.references]
    assert template.problem is None
    assert [name for name in found if not name.startswith(("execution", "flow"))] == expected


@pytest.mark.parametrize(("text", "expected"), UNREADABLE.items(), ids=list(UNREADABLE))
def test_finds_what_cannot_be_read(text: str, expected: tuple[str, str]) -> None:
    problem = read(text).problem

    assert problem is not None
    message, at = problem
    assert message.startswith(expected[0])
    assert text[at:].startswith(expected[1])


def test_references_before_a_problem_are_found() -> None:
    assert [reference.names for reference in read("{{ inputs.a }} {{ inputs.b }").references] == [
        ("inputs", "a"),
        ("inputs", "b"),
    ]


def test_what_is_nested_too_deeply_is_no_crash() -> None:
    assert read("x {{ " + "(" * 5000 + "1" + ")" * 5000 + " }}").problem == ("it is nested too deeply", 2)


def test_reference_has_its_place() -> None:
    text = "line\n{{ outputs['load'].rows }}"
    (reference,) = read(text).references

    assert text[reference.start : reference.end] == "outputs['load']"


@pytest.mark.parametrize("text", ["{{ ['a'][0] }}", "{{ [1, 2,] }}", "{{ {'a': 1,} }}", "{{ f(a=1, b) }}"])
def test_lets_pass_what_a_later_pebble_may_take(text: str) -> None:
    assert read(text).problem is None
