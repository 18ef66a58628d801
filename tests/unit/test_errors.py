"""What errors open with."""

from __future__ import annotations

import pytest

from pytest_kestra.errors import UnknownNameError, opening


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("a is FAILED\nits logs", "a is FAILED"),
        ("2 flows are wrong:\n  a.yaml:1: no type x\n  b.yaml:2: no type y", "2 flows are wrong: a.yaml:1: no type x"),
        ("\nnothing more:\n", "nothing more:"),
        ("", ""),
    ],
)
def test_first_line_and_what_it_announces(text: str, opens: str) -> None:
    assert opening(text) == opens


def test_of_very_many_names_the_first_are_listed() -> None:
    names = [f"order-{number}" for number in range(1000)]

    told = str(UnknownNameError("value", "order-77x", names, "it"))

    assert told.startswith("There is no value 'order-77x' in it; did you mean 'order-77'? It has: order-0, order-1,")
    assert told.endswith("order-29 and 970 more.")
