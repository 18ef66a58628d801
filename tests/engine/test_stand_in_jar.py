"""The plugin that is shipped compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.plugins import STAND_IN, STAND_IN_TYPE, provides
from tools.make_stand_in import make


@pytest.mark.usefixtures("installation")
def test_jar_is_what_its_sources_make(tmp_path: Path) -> None:
    made = tmp_path / STAND_IN.name
    make(made)

    assert made.read_bytes() == STAND_IN.read_bytes(), "run `python -m tools.make_stand_in`"


def test_jar_offers_the_stand_in(installation: Installation) -> None:
    assert provides(STAND_IN) == {STAND_IN_TYPE}
    assert not provides(installation.engine_jar)
