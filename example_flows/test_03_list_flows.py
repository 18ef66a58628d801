"""The flow that asks its own server for flows finds itself and its neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra import Kestra

# The flow's credentials for the API are secrets that the servers which a run starts have.
pytestmark = pytest.mark.kestra_requires(capability="secrets")

NEIGHBOUR = """\
id: neighbour
namespace: examples.api
tasks:
  - id: nothing
    type: io.kestra.plugin.core.debug.Return
    format: nothing
"""


@pytest.mark.parametrize("output", ["from_python", "from_http"])
def test_finds_itself_and_its_neighbour(kestra: Kestra, flows: Path, output: str) -> None:
    flow = kestra.deploy(flows / "03_list_flows.yaml")
    kestra.deploy(NEIGHBOUR)

    execution = flow.run(inputs={"namespace": flow.namespace})

    assert execution.state == "SUCCESS"
    assert execution.outputs[output] == ["list_flows", "neighbour"]


def test_finds_nothing_where_nothing_is(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "03_list_flows.yaml").run(inputs={"namespace": "examples.nowhere"})

    assert execution.state == "SUCCESS"
    assert execution.outputs["from_python"] == execution.outputs["from_http"] == []


def test_credentials_stay_out_of_the_logs(kestra: Kestra, flows: Path) -> None:
    flow = kestra.deploy(flows / "03_list_flows.yaml")
    execution = flow.run(inputs={"namespace": flow.namespace})

    assert kestra.client.address.password
    assert kestra.client.address.password not in execution.logs().text
