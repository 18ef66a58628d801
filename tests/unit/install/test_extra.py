from __future__ import annotations

import pytest

from pytest_kestra.engine import extra
from pytest_kestra.engine.errors import InstallError


def test_all_packages_can_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda module: module)

    extra.require_packages()

    assert extra.missing_packages() == []


def test_missing_packages_are_named_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda module: None if module in ("jpype", "uvicorn") else module)

    with pytest.raises(InstallError) as caught:
        extra.require_packages()

    assert str(caught.value) == (
        'The embedded engine needs the extra: pip install "pytest-kestra[embedded]" (missing: JPype1, uvicorn)'
    )
