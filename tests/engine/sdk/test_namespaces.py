"""Kestra's own Python SDK finds namespaces and names of secrets.

Its other methods of namespaces are of the Enterprise edition.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kestra import Server

T = "main"
FLOW = """\
id: any
namespace: {}
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: hello
"""


def test_sdk_finds_namespaces(sdk: Any, kestra_server: Server, namespace: str) -> None:
    kestrapy = pytest.importorskip("kestrapy")
    sdk.flows.create_flow(T, FLOW.format(namespace))

    assert sdk.namespaces.namespace(namespace, T).id == namespace
    search = sdk.namespaces.search_namespaces
    if not kestra_server.address.is_two:
        page = search(T, q=namespace, page=1, size=5, sort=["id:desc"], existing=True)
        assert (page.total, [found.id for found in page.results]) == (1, [namespace])
    # The SDK for 2.0 has no `q`, and an open-source server does not know its filters.
    page = search(T, page=1, size=1000, sort=["id:desc"], existing=True)
    found = [item.id for item in page.results]
    assert namespace in found
    assert found == sorted(found, reverse=True)
    assert page.total == len(found)
    request = kestrapy.ApiAutocomplete(q="system", ids=[namespace])
    assert sdk.namespaces.autocomplete_namespaces(T, request) == [namespace, "system"]


def test_sdk_lists_names_of_secrets(sdk: Any, namespace: str) -> None:
    assert "KESTRA_API_USER" in sdk.namespaces.inherited_secrets(namespace, T)[namespace]
    with_name = {"field": "QUERY", "operation": "EQUALS", "value": "api_user"}
    found = sdk.namespaces.list_secrets(T, page=1, size=5, filters=[with_name])
    assert (found.read_only, found.total, [secret.key for secret in found.results]) == (True, 1, ["KESTRA_API_USER"])
