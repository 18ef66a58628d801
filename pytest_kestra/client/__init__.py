"""Kestra's REST API, as methods."""

from __future__ import annotations

from pytest_kestra.client.client import Client

__all__ = ["Client"]
