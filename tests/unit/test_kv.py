from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError, UnknownNameError
from pytest_kestra.run.kv import KeyValues
from tests.unit.conftest import Stub

PATH = "/api/v1/main/namespaces/a.b/kv"


@pytest.fixture
def kv(client: Client) -> KeyValues:
    return KeyValues("a.b", client)


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        ("STRING", "blue", "blue"),
        ("NUMBER", 3, 3),
        ("BOOLEAN", True, True),
        ("JSON", {"a": [1]}, {"a": [1]}),
        ("DATETIME", "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
        ("DATE", "2026-01-02", date(2026, 1, 2)),
        ("DURATION", "PT1M", timedelta(minutes=1)),
    ],
)
def test_values_come_back_as_they_were_meant(stub: Stub, kv: KeyValues, kind: str, sent: Any, value: Any) -> None:
    stub.on("GET", f"{PATH}/k", json.dumps({"type": kind, "value": sent}))

    assert kv["k"] == value


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("a b", '"a b"'),
        ("2026-01-02", '"2026-01-02"'),
        (None, "null"),
        ({"a": [1]}, '{"a": [1]}'),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00Z"),  # noqa: DTZ001 - that UTC is meant is what is tested
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00Z"),
        (timedelta(hours=1), '"PT1H"'),
    ],
)
def test_values_are_sent_as_ion(stub: Stub, kv: KeyValues, value: Any, body: str) -> None:
    stub.on("PUT", f"{PATH}/k", "")
    kv["k"] = value

    assert (stub.asked[0].body, stub.asked[0].headers["Content-Type"]) == (body, "text/plain")


def test_time_to_live_and_description_are_headers(stub: Stub, kv: KeyValues) -> None:
    stub.on("PUT", f"{PATH}/k", "")
    kv.set("k", 1, ttl=timedelta(minutes=5), description="a gate")

    assert (stub.asked[0].headers["ttl"], stub.asked[0].headers["description"]) == ("PT5M", "a gate")


def test_keys_that_are_not_there(stub: Stub, kv: KeyValues) -> None:
    stub.on("DELETE", f"{PATH}/k", "false")
    stub.on("GET", PATH, '[{"key": "kk"}]')

    with pytest.raises(KeyError, match=r"^There is no key 'k' in the namespace a.b; did you mean 'kk'\? It has: kk\.$"):
        kv["k"]
    with pytest.raises(UnknownNameError, match="There is no key 'k'"):
        del kv["k"]
    assert kv.get("k", "default") == "default"


def test_time_to_live_that_is_no_time_span(kv: KeyValues) -> None:
    with pytest.raises(KestraError, match=r"^ttl: 60 is no time span, such as timedelta\(minutes=5\)\.$"):
        kv.set("k", 1, ttl=60)  # type: ignore[arg-type]


def test_key_that_has_expired(stub: Stub, kv: KeyValues) -> None:
    stub.on("GET", f"{PATH}/k", '{"message": "Resource has expired: The requested value has expired"}', 410)
    stub.on("GET", PATH, "[]")

    with pytest.raises(KeyError, match=r"^There is no key 'k' in the namespace a.b: it has none\.$"):
        kv["k"]
    assert "k" not in kv
    assert kv.get("k", "default") == "default"


def test_keys_are_listed_and_deleted(stub: Stub, kv: KeyValues) -> None:
    stub.on("GET", PATH, '[{"key": "b"}, {"key": "a"}]')
    stub.on("DELETE", f"{PATH}/a", "true")
    del kv["a"]

    assert (list(kv), len(kv)) == (["a", "b"], 2)


def test_nothing_is_a_value(stub: Stub, kv: KeyValues) -> None:
    stub.on("GET", f"{PATH}/k", '{"type": "STRING"}')

    assert kv["k"] is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {1},
            r"^The value of the key 'k' is of the type set, which Kestra cannot keep: \{1\}: Object of type",
        ),
        (float("nan"), r"is of the type float, which Kestra cannot keep: nan: Out of range"),
        (
            [date(2026, 1, 2)],
            r"is of the type list, .* It takes what JSON has, or a date, a datetime or a timedelta that is not in",
        ),
    ],
)
def test_values_that_kestra_cannot_keep(kv: KeyValues, value: Any, message: str) -> None:
    with pytest.raises(KestraError, match=message):
        kv["k"] = value


def test_description_is_sent_as_http_has_it(stub: Stub, kv: KeyValues) -> None:
    stub.on("PUT", f"{PATH}/k", "")

    kv.set("k", 1, description="für Tests")

    assert stub.asked[-1].headers["description"] == "für Tests"
    with pytest.raises(KestraError, match=r"^The description of the key 'k' has letters beyond Latin-1"):
        kv.set("k", 1, description="→ Tests")


def test_notes_of_mocks_are_not_counted(stub: Stub, kv: KeyValues) -> None:
    stub.on("GET", PATH, json.dumps([{"key": "a"}, {"key": "pytest-kestra.mock.12.call"}]))

    assert list(kv) == ["a"]
    assert len(kv) == 1
