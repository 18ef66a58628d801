from __future__ import annotations

import json
import re

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.flows.source import FlowSource
from tests.unit.conftest import Asked, Stub

API = "/api/v1/main/flows"


def source(flow_id: str, namespace: str = "a.b", more: str = "") -> FlowSource:
    return FlowSource(f"id: {flow_id}\nnamespace: {namespace}\ntasks: []\n{more}", f"{flow_id}.yaml")


def flow_of(text: str) -> dict[str, object]:
    found = dict(re.findall(r"^(id|namespace): (\S+)$", text, re.MULTILINE))
    return {"id": found["id"], "namespace": found["namespace"], "revision": 1, "source": text}


@pytest.fixture
def server(stub: Stub) -> Stub:
    """A server that takes every flow but those whose text says `broken`, and those that it has."""
    stored: set[str] = set()

    def validate(asked: Asked) -> tuple[int, str]:
        wrong = {"constraints": "tasks: must not be empty"} if "broken" in asked.body else {}
        return 200, json.dumps([{"index": 0, **wrong}])

    def create(asked: Asked) -> tuple[int, str]:
        flow = flow_of(asked.body)
        key = f"{API}/{flow['namespace']}/{flow['id']}"
        if key in stored:
            return 422, json.dumps({"message": "Invalid entity: flow.id: Flow id already exists"})
        stored.add(key)
        stub.on("GET", key, json.dumps(flow))
        stub.answers["PUT", key] = lambda asked: (200, json.dumps(flow_of(asked.body)))
        return 200, json.dumps(flow)

    stub.answers["POST", f"{API}/validate"] = validate
    stub.answers["POST", API] = create
    return stub


@pytest.fixture
def deployer(client: Client, server: Stub) -> Deployer:
    del server
    return Deployer(client, Namespaces("t1"))


def stored(stub: Stub) -> list[tuple[str, str]]:
    return [
        (asked.method, asked.body)
        for asked in stub.asked
        if asked.method in ("POST", "PUT") and "validate" not in asked.path
    ]


def test_flow_is_checked_then_stored_in_its_own_namespace(deployer: Deployer, server: Stub) -> None:
    (record,) = deployer.deploy([source("f")])

    assert record.namespace == "a.b.t1"
    assert deployer.created == {("a.b.t1", "f"): 1}
    assert [asked.path for asked in server.asked] == [f"{API}/validate", API]


def test_nothing_is_stored_where_one_of_many_is_wrong(deployer: Deployer, server: Stub) -> None:
    with pytest.raises(FlowError, match=r"^bad.yaml:3: tasks: must not be empty$"):
        deployer.deploy([source("good"), source("bad", more="# broken\n")])

    assert stored(server) == []
    assert deployer.created == {}


def test_all_that_is_wrong_is_told_at_once(deployer: Deployer) -> None:
    with pytest.raises(FlowError) as raised:
        deployer.deploy([source("x", more="# broken\n"), source("y", more="# broken\n")])

    assert str(raised.value).splitlines() == [
        "2 flows are wrong:",
        "  x.yaml:3: tasks: must not be empty",
        "  y.yaml:3: tasks: must not be empty",
    ]


def test_key_that_kestras_validator_lets_pass_twice(deployer: Deployer, server: Stub) -> None:
    with pytest.raises(FlowError, match=r"^bad.yaml:5: the key 'description' is in line 4 too, and Kestra"):
        deployer.deploy([source("good"), source("bad", more="description: a\ndescription: b\n")])

    assert stored(server) == []


def test_same_flow_twice_in_a_folder(deployer: Deployer) -> None:
    with pytest.raises(FlowError, match=r"^copy.yaml:1: the flow a.b.f is in f.yaml too\.$"):
        deployer.deploy([source("f"), FlowSource(source("f").text, "copy.yaml")])


def test_flow_that_is_there_is_updated_and_not_taken_for_ours(deployer: Deployer, client: Client) -> None:
    deployer.deploy([source("f")])
    other = Deployer(client, Namespaces("t1"))

    assert other.deploy([source("f", more="# new\n")])[0].source.endswith("# new\n")
    assert other.created == {}


def test_flow_that_names_a_later_one_is_deployed_anew(deployer: Deployer, server: Stub) -> None:
    deployer.deploy([source("parent", more="variables: {where: c.d}\n")])
    deployer.deploy([source("child", "c.d")])

    method, body = stored(server)[-1]
    assert method == "PUT"
    assert "namespace: a.b.t1" in body
    assert "where: c.d.t1" in body


def test_forgotten_flow_is_not_deployed_anew(deployer: Deployer, server: Stub) -> None:
    (parent,) = deployer.deploy([source("parent", more="variables: {where: c.d}\n")])
    deployer.forget(parent)
    deployer.deploy([source("child", "c.d")])

    assert [method for method, _ in stored(server)] == ["POST", "POST"]


def test_update_names_the_line_that_kestra_refuses(deployer: Deployer, server: Stub) -> None:
    (record,) = deployer.deploy([source("f")])
    server.on("PUT", f"{API}/a.b.t1/f", json.dumps({"message": "Invalid entity: Illegal flow id update"}), 422)

    with pytest.raises(FlowError, match=r"^g.yaml:1: Illegal flow id update$"):
        deployer.update(record, source("g"))


def test_refusal_while_storing_has_file_and_line(deployer: Deployer, server: Stub) -> None:
    server.on("POST", API, json.dumps({"message": "Invalid type: tasks"}), 422)
    with pytest.raises(FlowError, match=r"^f.yaml:3: Kestra does not know the type tasks\."):
        deployer.deploy([source("f")])


def test_refusal_of_a_flow_that_is_there(deployer: Deployer, server: Stub) -> None:
    deployer.deploy([source("f")])
    server.on("PUT", f"{API}/a.b.t1/f", json.dumps({"message": "tasks: no"}), 422)
    with pytest.raises(FlowError, match=r"^f.yaml:3: tasks: no$"):
        deployer.deploy([source("f", more="# new\n")])
