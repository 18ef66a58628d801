from __future__ import annotations

import pytest

from pytest_kestra.report.summary import shortened

LONG = "orders_of_the_whole_company_in_the_last_year"


@pytest.mark.parametrize(
    ("line", "room", "told"),
    [
        ("orders is FAILED, not SUCCESS: task check failed: no", 60, None),
        ("orders is FAILED, not SUCCESS: task check failed: no", 45, "orders is FAILED: task check failed: no"),
        ("orders is FAILED, not SUCCESS: task check failed: no", 30, "orders is FAILED: check: no"),
        ("orders is FAILED, not one of ('A', 'B'): task check failed: no", 30, "orders is FAILED: check: no"),
        ("orders is FAILED: its task check is FAILED, not OK: no", 30, "orders is FAILED: check: no"),
        (f"{LONG} is FAILED: task check failed: no", 30, "orders_of_t…he_last_year is FAILED: check: no"),
        ("orders logged WARN, which this test does not expect: check: no", 30, "orders logged WARN: check: no"),
        ("There is no task 'a' in the flow b; did you mean 'c'?", 40, "No task 'a'; did you mean 'c'?"),
        ("The task 'a' did not run: it is disabled..", 40, "'a' did not run: it is disabled.."),
        ("Something else that is long enough to be cut", 30, None),
    ],
)  # fmt: skip
def test_reason_stays_where_the_line_is_too_long(line: str, room: int, told: str | None) -> None:
    assert shortened(line, room) == (told or line)
