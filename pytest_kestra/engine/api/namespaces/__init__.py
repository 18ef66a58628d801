"""The endpoints of namespaces, of their key-value pairs and files."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.namespaces import files, kv, names

ROUTES: list[Route] = [
    *names.ROUTES,
    *kv.ROUTES,
    *files.ROUTES,
]
