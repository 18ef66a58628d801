"""What errors open with."""

from __future__ import annotations

import pytest

from pytest_kestra.errors import opening


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
