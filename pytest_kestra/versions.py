"""Tests on several versions of Kestra: each is a test for every one of them, named in its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

FIXTURE = "kestra_version"


def parametrize(metafunc: pytest.Metafunc, versions: Sequence[str]) -> None:
    """Make of a test function that uses Kestra one for each version, where there are several."""
    if len(versions) > 1 and FIXTURE in metafunc.fixturenames:
        metafunc.parametrize(FIXTURE, versions, indirect=True, scope="session")


def items(name: str, versions: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Return the arguments that make of an item, which is of no function, one for each version."""
    if len(versions) < 2:
        yield {"name": name}
        return
    # pytest plans parameters for functions only; its class for them has had another name before 9.1.
    from _pytest import python
    from _pytest.scope import Scope

    kind: Any = getattr(python, "CallSpec", None) or python.CallSpec2
    for index, version in enumerate(versions):
        plan = kind({FIXTURE: version}, {FIXTURE: index}, {FIXTURE: Scope.Session}, [version])
        yield {"name": f"{name}[{version}]", "originalname": name, "callspec": plan}
