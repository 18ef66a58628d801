"""What can go wrong with containers, told in a sentence and with a remedy."""

from __future__ import annotations

from pytest_kestra.engine.errors import EngineError


class ContainerError(EngineError):
    """Tell a problem with Docker, an image or a container, and what to do about it."""
