"""Kestra's own Python SDK uses the key-value store."""

from __future__ import annotations

from typing import Any

import pytest

T = "main"


def test_sdk_sets_reads_and_deletes_keys(sdk: Any, namespace: str) -> None:
    sdk.kv.set_key_value(namespace, "settings", T, '{"retries": 3}')
    detail = sdk.kv.key_value(namespace, "settings", T)
    assert (detail.type.value, detail.value, detail.revision) == ("JSON", {"retries": 3}, 1)

    sdk.kv.set_key_value(namespace, "colour", T, "blue")
    assert sdk.kv.key_value(namespace, "colour", T).value == "blue"
    assert sdk.kv.delete_key_value(namespace, "colour", T) is True
    assert sdk.kv.delete_key_value(namespace, "colour", T) is False
    with pytest.raises(Exception, match="404"):
        sdk.kv.key_value(namespace, "colour", T)


def test_sdk_lists_keys(sdk: Any, namespace: str) -> None:
    kestrapy = pytest.importorskip("kestrapy")
    for key in ("b", "a"):
        sdk.kv.set_key_value(namespace, key, T, "1")
    within = {"field": "NAMESPACE", "operation": "EQUALS", "value": namespace}
    page = sdk.kv.list_all_keys(T, page=1, size=1, sort=["key:asc"], filters=[within])
    assert (page.total, [entry.key for entry in page.results]) == (2, ["a"])
    inherited = sdk.kv.list_keys_with_inheritance(f"{namespace}.team", T)
    assert {entry.key for entry in inherited if entry.namespace == namespace} == {"a", "b"}

    request = kestrapy.KVControllerApiDeleteBulkRequest(keys=["a", "unknown"])
    assert sdk.kv.delete_key_values(namespace, T, request).keys == ["a"]
    assert sdk.kv.list_all_keys(T, filters=[within]).total == 1
