"""What `validate` says of loops, and what comes of it when a flow runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra import FlowError, Kestra
from pytest_kestra.checks.checker import Checker
from pytest_kestra.flows.source import FlowSource

RETURN = "io.kestra.plugin.core.debug.Return"
FLOW = f"""\
id: rounds
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.Loop
    values: ["1", "2"]
    outputs: [{{id: last, type: STRING, value: "{{{{ outputs.inner.value }}}}"}}]
    tasks:
      - {{id: inner, type: {RETURN}, format: "INNER"}}
      - id: deep
        type: io.kestra.plugin.core.flow.Loop
        values: ["3"]
        tasks: [{{id: deepest, type: {RETURN}, format: "DEEPEST"}}]
  - {{id: after, type: {RETURN}, format: "AFTER"}}
"""


@pytest.mark.parametrize(
    ("where", "expression", "found"),
    [
        ("INNER", "item.value ~ item.index", ""),
        ("INNER", "item.vale", "item has no 'vale'"),
        ("INNER", "taskrun.value", "a Loop sets `item.value` instead"),
        ("DEEPEST", "item.parent.value ~ item.parents[0].value ~ outputs.inner.value", ""),
        ("DEEPEST", "item.parent.vale", "item.parent has no 'vale'"),
        ("AFTER", "outputs.each", ""),
        ("AFTER", "outputs.inner.value", "'inner' is in the Loop 'each'"),
        ("AFTER", "item.value", "only the tasks in a Loop have an item"),
    ],
)
def test_what_it_finds_fails_and_nothing_else(
    kestra: Kestra, tmp_path: Path, where: str, expression: str, found: str
) -> None:
    text = FLOW.replace(f'"{where}"', f'"{{{{ {expression} }}}}"')
    file = tmp_path / "rounds.yaml"
    file.write_text(text, encoding="utf-8")
    flow = FlowSource(text, file.name)
    told = [finding.message for finding in Checker(kestra.client, [flow]).check(flow)]

    execution = kestra.deploy(file).run()

    assert len(told) == bool(found)
    assert found in "".join(told)
    assert execution.state == ("FAILED" if found else "SUCCESS")


def test_what_2_0_has_removed_is_refused_with_what_to_write(kestra: Kestra, tmp_path: Path) -> None:
    file = tmp_path / "rounds.yaml"
    file.write_text(FLOW.replace("flow.Loop", "flow.ForEach"), encoding="utf-8")

    with pytest.raises(FlowError, match=r"rounds\.yaml:\d+: .*; since Kestra 2\.0: use .*\.Loop: `values`"):
        kestra.deploy(file)


def test_property_that_2_0_has_removed_is_refused_with_what_to_write(kestra: Kestra, tmp_path: Path) -> None:
    file = tmp_path / "late.yaml"
    file.write_text(
        "id: late\nnamespace: company.team\ntasks:\n"
        "  - {id: wait, type: io.kestra.plugin.core.flow.Pause, delay: PT1S}\n",
        encoding="utf-8",
    )

    with pytest.raises(
        FlowError, match=r"late\.yaml:4: .*no property 'delay'; since Kestra 2\.0: use `pauseDuration`\.$"
    ):
        kestra.deploy(file)
