"""The key-value store answers as a recorded Kestra 1.3.19 server did, and as its controller says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import polling2
import pytest

from tests.engine.replay import Replay, shape

TEXT = {"content-type": "text/plain"}
JSON = {"content-type": "application/json"}
Put = Callable[..., httpx.Response]


@pytest.fixture
def put(api: httpx.Client, namespace: str) -> Put:
    """Return what sets a key; keyword arguments are headers."""

    def put(key: str, value: str, space: str = namespace, **headers: str) -> httpx.Response:
        return api.put(f"namespaces/{space}/kv/{key}", content=value.encode(), headers=TEXT | headers)

    return put


def test_life_of_keys(replay: Replay) -> None:
    replay.same("131")
    # Recorded with headers, which only the answers show.
    url = f"/api/v1/main/namespaces/{replay.namespace}/kv/settings"
    headers = TEXT | {"ttl": "PT1H", "description": "with a time to live"}
    assert replay.http.put(url, content='{"retries": 3}', headers=headers).status_code == 200
    replay.http.put(url.replace("settings", "gate"), content='"open"', headers=TEXT)
    for number in ("133", "134", "135", "136", "137"):
        replay.same(number)
    assert (replay.same("141"), replay.same("142")) == ("true", "false")


def test_flow_reads_keys(replay: Replay) -> None:
    replay.same("131")
    replay.same("132")
    replay.deploy("reads_kv")

    assert replay.same("138")["taskRunList"][0]["outputs"] == {"value": "blue 3"}


@pytest.mark.parametrize(
    ("written", "kind", "read"),
    [
        ("blue", "STRING", "blue"),
        ('"a b c"', "STRING", "a b c"),
        ("a b c", "STRING", "a"),
        ('"é ü 日本"', "STRING", "é ü 日本"),
        ("{{aGVsbG8=}}", "STRING", "hello"),
        ("{not: closed", "STRING", "{not: closed"),
        ("null", "STRING", None),
        ("3", "NUMBER", 3),
        ("3.5", "NUMBER", 3.5),
        ("12345678901234567890", "NUMBER", 12345678901234567890),
        ("true", "BOOLEAN", True),
        ("2026-01-01", "DATE", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "DATE", "2026-01-01"),
        ("2026-01-01T10:20:30Z", "DATETIME", "2026-01-01T10:20:30Z"),
        ('"PT5S"', "DURATION", "PT5S"),
        ('{"retries": 3, "nested": {"list": [1, "b"]}}', "JSON", {"retries": 3, "nested": {"list": [1, "b"]}}),
        ("[1, 2]", "JSON", [1, 2]),
    ],
)
def test_types_of_values(api: httpx.Client, namespace: str, put: Put, written: str, kind: str, read: object) -> None:
    answer = put("key", written)
    assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (200, b"", None)

    found = api.get(f"namespaces/{namespace}/kv/key").json()
    assert (found["type"], found.get("value"), found["revision"]) == (kind, read, 1)


def test_each_value_is_a_revision_and_a_deleted_key_goes_on_counting(
    api: httpx.Client, namespace: str, put: Put
) -> None:
    url = f"namespaces/{namespace}/kv/key"
    put("key", "1")
    put("key", "2", description="the second")
    assert (api.get(url).json()["value"], api.get(url).json()["revision"]) == (2, 2)
    assert [(key["version"], key["description"]) for key in api.get(f"namespaces/{namespace}/kv").json()] == [
        (2, "the second")
    ]

    assert api.delete(url).json() is True
    assert (api.get(url).status_code, api.get(f"namespaces/{namespace}/kv").json()) == (404, [])
    put("key", "3")
    assert api.get(url).json()["revision"] == 3


def test_expired_key_is_gone_then_unknown(api: httpx.Client, namespace: str, put: Put) -> None:
    put("brief", "1", ttl="PT0.01S")
    put("long", "2", ttl="P1D")
    polling2.poll(lambda: len(api.get(f"namespaces/{namespace}/kv").json()) == 1, step=0.01, timeout=600)

    gone = api.get(f"namespaces/{namespace}/kv/brief")
    assert (gone.status_code, gone.json()["message"]) == (410, "Resource has expired: The requested value has expired")
    assert api.get(f"namespaces/{namespace}/kv/brief").status_code == 404
    (left,) = api.get(f"namespaces/{namespace}/kv").json()
    assert (left["key"], left["expirationDate"] > left["updateDate"]) == ("long", True)


def test_keys_are_inherited_from_the_namespaces_above(api: httpx.Client, namespace: str, put: Put) -> None:
    put("near", "1", f"{namespace}.team")
    put("near", "2", namespace)
    put("far", "3", namespace)
    put("own", "4", f"{namespace}.team.sub")

    def inherited(space: str) -> list[tuple[str, str]]:
        found = api.get(f"namespaces/{space}/kv/inheritance").json()
        return sorted((key["key"], key["namespace"]) for key in found if key["namespace"].startswith(namespace))

    assert inherited(f"{namespace}.team.sub") == [("far", namespace), ("near", f"{namespace}.team")]
    assert inherited(f"{namespace}.team") == [("far", namespace), ("near", namespace)]
    assert inherited(namespace) == []
    # A key may have the name of the route.
    assert put("inheritance", "5").status_code == 200


def test_keys_are_deleted_in_bulk(api: httpx.Client, namespace: str, put: Put) -> None:
    put("a", "1")
    put("b", "2")

    def delete(body: str) -> httpx.Response:
        return api.request("DELETE", f"namespaces/{namespace}/kv", content=body, headers=JSON)

    assert delete('{"keys": ["a", "unknown"]}').json() == {"keys": ["a"]}
    assert delete("{}").json() == {"keys": []}
    assert [key["key"] for key in api.get(f"namespaces/{namespace}/kv").json()] == ["b"]
    for body in ("", "{", "[]", '{"keys": [{}]}', '{"keys": ["wrong$"]}'):
        assert delete(body).status_code == 422


def test_keys_of_all_namespaces(api: httpx.Client, recorded: Callable[[str], Any], namespace: str, put: Put) -> None:
    for number, key in enumerate(("b", "a", "c")):
        put(key, str(number), description="one of three", ttl="P1D")
    put("c", "4", f"{namespace}.team")

    def search(**params: Any) -> list[str]:
        page = api.get("kv", params={"filters[namespace][EQUALS]": namespace, "sort": "key:asc"} | params).json()
        assert shape(page["results"]) in (shape([recorded("136")["response"]["body"][2]]), [])
        return [entry["key"] for entry in page["results"]]

    assert search() == ["a", "b", "c"]
    assert search(page=2, size=2) == ["c"]
    assert search(sort="creationDate:desc") == ["c", "a", "b"]
    assert search(sort="expirationDate:asc") == ["b", "a", "c"]
    assert search(**{"filters[q][EQUALS]": "b"}) == ["b"]
    assert search(**{"filters[updated][LESS_THAN]": "2026-01-01T00:00:00Z"}) == []
    assert search(**{"filters[expirationDate][GREATER_THAN]": "2026-01-01T00:00:00Z"}) == ["a", "b", "c"]
    # Parameters that other searches still have do nothing here.
    assert search(namespace="elsewhere") == ["a", "b", "c"]
    spaces = {"filters[namespace][PREFIX]": namespace, "size": "2", "sort": "namespace:desc"}
    found = api.get("kv", params=spaces).json()
    assert (found["total"], found["results"][0]["namespace"]) == (4, f"{namespace}.team")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sort": "last:asc"}, "Illegal argument: Invalid sort parameter 'last:asc'"),
        ({"page": "0"}, "Illegal argument: Page must be positive, 0 given"),
        ({"filters[updated][GREATER_THAN]": "soon"}, "Illegal argument: Text 'soon' could not be parsed"),
        ({"filters[state][EQUALS]": "FAILED"}, "Invalid query filters: "),
        ({"filters[q][REGEX]": "a"}, "Invalid query filters: "),
    ],
)
def test_wrong_searches_are_refused(api: httpx.Client, params: dict[str, str], message: str) -> None:
    answer = api.get("kv", params=params)

    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)


def test_wrong_keys_and_values_are_refused(api: httpx.Client, namespace: str, put: Put) -> None:
    url = f"namespaces/{namespace}/kv/wrong$"
    for answer in (put("wrong$", "1"), api.get(url), api.delete(url)):
        assert answer.status_code == 422
        assert answer.json()["message"].startswith("Illegal argument: Key must start with an alphanumeric character")
    for answer, message in (
        (put("key", ""), "Invalid route params: Required Body [value] not specified"),
        (put("key", "1", ttl="soon"), "Illegal argument: Text cannot be parsed to a Duration"),
        (put("key", "1", ttl="-PT1S"), "Illegal argument: ttl cannot be negative"),
    ):
        assert (answer.status_code, answer.json()["message"]) == (422, message)
    assert api.get(f"namespaces/{namespace}/kv").json() == []
