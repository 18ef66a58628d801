"""Namespaces and names of secrets are answered as a recorded Kestra 1.3.19 server did, and as its controllers say."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.engine.replay import Replay, shape

FLOW = """\
id: any
namespace: {}
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: hello
"""
SECRETS = ["KESTRA_API_PASSWORD", "KESTRA_API_USER"]


@pytest.fixture
def spaces(api: httpx.Client, namespace: str) -> list[str]:
    """Return namespaces in each other; only the innermost has a flow."""
    inner = f"{namespace}.team.sub"
    yaml = {"content-type": "application/x-yaml"}
    api.post("flows", content=FLOW.format(inner), headers=yaml).raise_for_status()
    return [namespace, f"{namespace}.team", inner]


def test_namespaces_are_searched(api: httpx.Client, namespace: str, spaces: list[str]) -> None:
    def search(**params: Any) -> tuple[list[str], int]:
        body = api.get("namespaces/search", params={"q": namespace} | params).json()
        return [entry["id"] for entry in body["results"]], body["total"]

    assert search() == (spaces, 3)
    assert search(q=namespace.upper(), existing="true") == (spaces, 3)
    assert search(sort="id:desc", size=2) == (spaces[:0:-1], 3)
    assert search(page=2, size=2) == (spaces[2:], 3)
    assert search(page=3, size=2) == ([], 0)
    assert search(q="system") == (["system"], 1)
    assert search(q="nothing of this kind") == ([], 0)
    assert api.get("namespaces/search", params={"size": 0}).status_code == 422


def test_namespaces_are_suggested(api: httpx.Client, namespace: str, spaces: list[str]) -> None:
    def suggest(body: Any) -> Any:
        return api.post("namespaces/autocomplete", json=body).raise_for_status().json()

    assert suggest({"q": namespace}) == spaces
    assert suggest({"q": "system", "ids": [spaces[1], "unknown"]}) == [spaces[1], "system"]
    assert "system" in suggest({"q": None, "ids": None, "existingOnly": True})
    wrong: tuple[object, ...] = ([], {"ids": [{}]})
    for body in wrong:
        assert api.post("namespaces/autocomplete", json=body).status_code == 422
    assert api.post("namespaces/autocomplete", content=b"q").status_code == 422


def test_every_name_is_a_namespace(api: httpx.Client) -> None:
    assert api.get("namespaces/never.seen").json() == {"id": "never.seen"}


def test_secrets_are_listed_by_name(replay: Replay) -> None:
    expected, answer = replay.send("149")
    assert answer.status_code == expected["status"]
    body = answer.json()

    # Those with which flows call the engine's own API are always there; the recorded server had none.
    assert shape(body | {"results": []}) == shape(expected["body"])
    assert [entry["key"] for entry in body["results"] if entry["key"].startswith("KESTRA_API_")] == SECRETS
    assert body["readOnly"] is True
    assert body["total"] == len(body["results"])


@pytest.mark.parametrize("path", ["namespaces/company/secrets", "secrets"])
def test_secrets_are_searched(api: httpx.Client, path: str) -> None:
    def names(**params: Any) -> list[str]:
        return [entry["key"] for entry in api.get(path, params=params).raise_for_status().json()["results"]]

    assert sorted(names(**{"filters[q][EQUALS]": "kestra_api"})) == SECRETS
    assert names(**{"filters[q][EQUALS]": "_USER"}) == SECRETS[1:]
    assert len(names(**{"filters[q][EQUALS]": "kestra_api", "size": 1, "page": 2})) == 1
    assert names(**{"filters[q][EQUALS]": "kestra_api", "page": 2}) == []
    assert api.get(path, params={"size": 0}).status_code == 422


def test_secrets_are_sorted(api: httpx.Client) -> None:
    params = {"filters[q][EQUALS]": "kestra_api", "sort": "key:desc"}
    assert [entry["key"] for entry in api.get("namespaces/company/secrets", params=params).json()["results"]] == [
        "KESTRA_API_USER",
        "KESTRA_API_PASSWORD",
    ]


def test_secrets_that_are_not_there(api: httpx.Client) -> None:
    assert api.get("secrets", params={"filters[q][REGEX]": "x"}).status_code == 422
    without = api.get("secrets", params={"filters[q][NOT_EQUALS]": "kestra_api", "size": 100}).json()["results"]
    assert not {entry["key"] for entry in without} & set(SECRETS)


def test_inherited_secrets(api: httpx.Client) -> None:
    body = api.get("namespaces/company.team/inherited-secrets").json()

    assert list(body) == ["company.team"]
    assert set(SECRETS) <= set(body["company.team"])
