"""What can go wrong with the engine, told in a sentence and with a remedy."""

from __future__ import annotations


class EngineError(Exception):
    """Tell a problem of the embedded engine and what to do about it."""


class InstallError(EngineError):
    """Tell why the engine could not be installed."""
