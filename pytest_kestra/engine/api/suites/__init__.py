"""The endpoints of unit-test suites, which an open-source server does not have; as the Enterprise Edition's."""

from __future__ import annotations

from starlette.routing import Route

from pytest_kestra.engine.api.suites import editing, results, running

ROUTES: list[Route] = [*editing.ROUTES, *results.ROUTES, *running.ROUTES]
