"""Which of Kestra's exceptions has which status."""

from __future__ import annotations

from pytest_kestra.engine.api.problems import STATUSES


def test_each_exception_has_one_status() -> None:
    names = [name for name, *_ in STATUSES]

    assert sorted(set(names)) == sorted(names)
