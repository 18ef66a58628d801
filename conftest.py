"""What a project's own `conftest.py` gives to the server that its tests start."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def kestra_secrets() -> dict[str, str]:
    """Return what `{{ secret('NAME') }}` renders in the example flows."""
    return {"INVOICE_HOOK_KEY": "a-key-only-for-tests"}
