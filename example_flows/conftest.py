"""What the tests of the example flows share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def flows() -> Path:
    """Return the folder of the example flows."""
    return Path(__file__).parent
