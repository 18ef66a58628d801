"""Which folder the files of a test are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra.report.artifacts import folder_of

ROOT = Path("kept")


@pytest.mark.parametrize("test_id", ["test_a.py::test_b", "test_a.py::TestB::test_c[1-x.y]"])
def test_plain_names_are_told_as_they_are(test_id: str) -> None:
    assert folder_of(ROOT, test_id) == ROOT / test_id.replace("::", "-")


@pytest.mark.parametrize(
    "test_ids",
    [
        ("a.py::t[x>1]", "a.py::t[x<1]", "a.py::t[x_1]"),
        ("a.py::t[x::y]", "a.py::t[x-y]"),
        ("b/a.py::t", "b_a.py::t"),
        ("_a.py::t", "a.py::t"),
        (f"a.py::t[{'x' * 200}]", f"b.py::t[{'x' * 200}]", f"a.py::t[{'x' * 201}]"),
    ],
)
def test_no_two_tests_have_the_same(test_ids: tuple[str, ...]) -> None:
    names = {folder_of(ROOT, test_id).name for test_id in test_ids}

    assert len(names) == len(test_ids)
    assert max(map(len, names)) < 140


def test_name_is_the_same_in_each_run() -> None:
    assert folder_of(ROOT, "tests/a.py::t[x>1]") == ROOT / "tests_a.py-t[x_1]-c0ed9834"
