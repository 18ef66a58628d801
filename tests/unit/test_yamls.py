"""What executions give, as YAML and JSON write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from pytest_kestra.names import Named
from pytest_kestra.run import yamls
from pytest_kestra.run.path import Path
from pytest_kestra.states import State

yamls.teach()


class Dumper(yaml.SafeDumper):
    """As that of pytest-regressions, which is a class below PyYAML's."""


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (State("SUCCESS"), "SUCCESS"),
        (Path(["check", "charge[A-1]"]), ["check", "charge[A-1]"]),
        (
            Named.of({"vars": {"total": 5, "rows": [{"id": "A-1"}]}}, "output", "it"),
            {"vars": {"total": 5, "rows": [{"id": "A-1"}]}},
        ),
        ({"state": State("FAILED"), "path": Path()}, {"state": "FAILED", "path": []}),
    ],
)
def test_they_are_written_as_what_they_are(value: Any, plain: Any) -> None:
    assert yaml.safe_dump(value) == yaml.safe_dump(plain)
    assert yaml.dump(value, Dumper=Dumper) == yaml.dump(plain, Dumper=Dumper)
    assert json.loads(json.dumps(value)) == plain
