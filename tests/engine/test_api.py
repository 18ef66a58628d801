"""The engine's REST API answers as a recorded Kestra 1.3.19 server did, as far as it is served."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import yaml

from pytest_kestra import Server
from tests.conftest import CONTRACTS
from tests.engine.replay import Replay


@pytest.fixture
def http(kestra_server: Server) -> Iterator[httpx.Client]:
    address = kestra_server.address
    with httpx.Client(base_url=address.url, auth=(address.user or "", address.password or ""), timeout=60) as http:
        yield http


@pytest.fixture
def replay(http: httpx.Client, recorded: Callable[[str], Any]) -> Iterator[Replay]:
    replay = Replay(http, recorded, f"contracts-{secrets.token_hex(4)}")
    yield replay
    for flow in http.get("/api/v1/main/flows/" + replay.namespace).json():
        http.delete(f"/api/v1/main/flows/{replay.namespace}/{flow['id']}").raise_for_status()


def deploy(replay: Replay, *ids: str) -> None:
    for text in (CONTRACTS / "flows.yml").read_text(encoding="utf-8").split("\n---\n"):
        if yaml.safe_load(text)["id"] in ids:
            content = text.replace("namespace: contracts", f"namespace: {replay.namespace}")
            headers = {"content-type": "application/x-yaml"}
            replay.http.post("/api/v1/main/flows", content=content, headers=headers).raise_for_status()


def test_life_of_a_flow(replay: Replay) -> None:
    for number in ("001", "002", "008", "009", "010", "011", "012", "013", "014", "015"):
        replay.same(number)


@pytest.mark.parametrize("number", ["003", "004", "005", "006", "007"])
def test_flow_that_is_refused(replay: Replay, number: str) -> None:
    replay.same(number)


def test_flows_are_searched_and_validated(replay: Replay) -> None:
    deploy(replay, "hello_world", "one_return", "logs_only", "disabled")
    for number in ("018", "019", "020", "029"):
        replay.same(number)


def test_executions_are_created(replay: Replay) -> None:
    deploy(replay, "hello_world", "one_return", "disabled", "mandatory")
    for number in ("030", "034", "035", "036", "039", "040", "041", "042", "043", "044", "046", "047"):
        replay.same(number)


def test_inputs_of_every_type(replay: Replay) -> None:
    deploy(replay, "all_inputs", "one_return", "inputs", "every_input", "input_types")
    body = replay.same("031")
    assert body["state"]["current"] == "SUCCESS"
    replay.same("032")


def test_executions_are_read_and_deleted(replay: Replay) -> None:
    deploy(replay, "hello_world", "one_return")
    for number in ("043", "039", "048", "049", "050", "051", "052", "054", "055", "056", "057", "058", "066", "067"):
        replay.same(number)


@pytest.mark.parametrize("number", ["062", "063", "064", "065"])
def test_expressions_are_rendered(replay: Replay, number: str) -> None:
    deploy(replay, "hello_world")
    replay.same("039")
    replay.same(number)


@pytest.mark.parametrize("number", ["095", "097", "098", "099", "100", "101", "102", "103", "104"])
def test_shapes_of_executions(replay: Replay, number: str) -> None:
    flow = replay.recorded(number)["request"]["path"].rpartition("/")[2]
    deploy(replay, flow, "child", "one_return")
    replay.same(number)


@pytest.mark.parametrize("number", ["156", "157"])
def test_wrong_paths(replay: Replay, number: str) -> None:
    replay.same(number)


def test_nothing_is_answered_without_the_right_credentials(http: httpx.Client) -> None:
    for auth in (None, ("ada", "wrong")):
        answer = httpx.get(f"{http.base_url}/api/v1/main/flows/search", auth=auth)
        assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (401, b"", None)


def test_health_and_configuration(http: httpx.Client) -> None:
    health = httpx.get(f"{http.base_url}/health")
    configs = http.get("/api/v1/configs").json()

    assert (health.status_code, health.json()["status"]) == (200, "UP")
    assert configs["version"].startswith("1.3.")
    assert (configs["edition"], configs["isBasicAuthInitialized"]) == ("OSS", True)


def test_what_is_not_served_names_the_way_out(http: httpx.Client) -> None:
    answer = http.get("/api/v1/main/blueprints/community")

    assert answer.status_code == 501
    assert "does not serve GET /api/v1/main/blueprints/community" in answer.json()["message"]
