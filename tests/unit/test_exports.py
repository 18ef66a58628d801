from __future__ import annotations

import pytest

import pytest_kestra


def test_every_public_name_can_be_had() -> None:
    for name in pytest_kestra.__all__:
        assert getattr(pytest_kestra, name).__name__ == name


def test_public_names_are_sorted_and_listed() -> None:
    assert pytest_kestra.__all__ == sorted(pytest_kestra.__all__)
    assert set(pytest_kestra.__all__) <= set(dir(pytest_kestra))


def test_other_names_are_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="module 'pytest_kestra' has no attribute 'Kestro'"):
        _ = pytest_kestra.Kestro
