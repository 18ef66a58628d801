"""Inputs that stand in a form."""

from __future__ import annotations

import pytest

from pytest_kestra import InputError, Kestra

FORM = """\
id: form
namespace: company.team
inputs:
  - id: environment
    type: FORM
    inputs:
      - {id: region, type: STRING}
      - {id: size, type: INT}
tasks:
  - id: told
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.environment.region }} {{ inputs.environment.size }}"
"""


def test_inputs_of_a_form(kestra: Kestra) -> None:
    flow = kestra.deploy(FORM)

    inside = flow.run({"environment": {"region": "eu", "size": 2}})
    assert inside.task("told").outputs["value"] == "eu 2"
    assert flow.run({"environment.region": "us", "environment.size": 3}).task("told").outputs["value"] == "us 3"
    with pytest.raises(
        InputError, match=r"^<text>:8: the input 'environment\.size' \(INT\) of the flow form takes a who"
    ):
        flow.run({"environment": {"region": "eu", "size": "big"}})
    with pytest.raises(
        InputError, match=r"^<text>:7: the input 'environment\.region' \(STRING\) of the flow form is req"
    ):
        flow.run({"environment": {"size": 2}})
