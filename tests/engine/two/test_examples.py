"""The example flows on Kestra 2.0, which needs another text of four of them; their tests run on both lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra.checks.checker import Checker
from pytest_kestra.checks.files import find
from pytest_kestra.client.client import Client
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.files import one
from pytest_kestra.run.kestra import Kestra

ROOT = Path(__file__).resolve().parents[3]
FLOWS = ROOT / "example_flows"
OTHERS = sorted(FLOWS.rglob("kestra-2.0/*.yaml"))


def test_there_is_nothing_to_say_of_them(kestra_client: Client) -> None:
    flows = find([FLOWS]).on(kestra_client.address.line).flows
    checker = Checker(kestra_client, flows)

    assert [str(finding) for flow in flows for finding in checker.check(flow)] == []
    assert len(flows) == 8


@pytest.mark.parametrize("other", OTHERS, ids=lambda file: file.stem)
def test_each_other_text_is_needed(kestra: Kestra, other: Path, tmp_path: Path) -> None:
    alone = tmp_path / other.name
    alone.write_bytes((other.parent.parent / other.name).read_bytes())

    with pytest.raises(FlowError):
        kestra.deploy(alone)


def test_a_file_is_that_of_the_line(kestra: Kestra) -> None:
    assert len(OTHERS) == 4
    for other in OTHERS:
        first = other.parent.parent / other.name
        assert kestra.deploy(first).name == one(other).name
        assert one(first).key == one(other).key
