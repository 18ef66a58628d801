"""The paths of a Kestra server, those that are not served here as well."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.routing import Route

from pytest_kestra.engine.api.calls import API
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.api.unserved import Unserved
from pytest_kestra.engine.kestra import TENANT


class Paths:
    """Know which paths there are, with which methods."""

    def __init__(self, served: Sequence[Route], others: Sequence[Unserved]) -> None:
        self._all: list[tuple[re.Pattern[str], set[str]]] = [
            *((route.path_regex, set(route.methods or ())) for route in served),
            *((item.pattern, item.methods) for item in others),
        ]
        known = [*(route.path for route in served), *(item.path for item in others)]
        # What comes first after the API's prefix, or after the tenant.
        self._whole = {_first(path, API) for path in known} - {TENANT}
        self._below_tenant = {_first(path, f"{API}/{TENANT}") for path in known}

    def complete(self, path: str) -> str:
        """Return a path with its tenant, which may be left out; 400 where it names another than `main`."""
        first = _first(path, API)
        if not first or first == TENANT or first in self._whole:
            return path
        if first in self._below_tenant:
            return path.replace(API, f"{API}/{TENANT}", 1)
        if self.methods(path.replace(f"{API}/{first}", f"{API}/{TENANT}", 1)):
            raise Problem(400, f"Bad Request: Tenant must be '{TENANT}' for OSS version")
        return path

    def methods(self, path: str) -> set[str]:
        """Return the methods of all routes that a path matches, none where there is no such path."""
        return {method for pattern, methods in self._all if pattern.match(path) for method in methods}


def _first(path: str, prefix: str) -> str:
    return path.removeprefix(f"{prefix}/").partition("/")[0] if path.startswith(f"{prefix}/") else ""
