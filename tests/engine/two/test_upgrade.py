"""The check of an upgrade, with both engines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kestra import cli

OLD = """\
id: old
namespace: company.team
pluginDefaults:
  - {type: io.kestra.plugin.core.log.Log, values: {level: WARN}}
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a]
    tasks:
      - {id: log, type: io.kestra.plugin.core.log.Log, message: x}
  - id: again
    type: io.kestra.core.tasks.debugs.Return
    format: x
triggers:
  - id: follows
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - {type: io.kestra.plugin.core.condition.ExecutionStatus, in: [FAILED]}
"""
GOOD = """\
id: good
namespace: company.team
tasks:
  - {id: log, type: io.kestra.plugin.core.log.Log, message: x}
"""
TESTS = """\
def test_old(kestra):
    assert kestra.deploy("old.yaml").run().state == "SUCCESS"

def test_good(kestra):
    assert kestra.deploy("good.yaml").run().state == "SUCCESS"
"""


def test_what_breaks_on_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("old.yaml", OLD), ("good.yaml", GOOD), ("test_flows.py", TESTS)):
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert cli.main(["upgrade-check", ".", "--tests", "test_flows.py", "--format", "json"]) == 1

    told = json.loads(capsys.readouterr().out)
    good, old = told["flows"]
    assert (good["file"], good["state"]) == ("good.yaml", "ready")
    assert (old["file"], old["state"]) == ("old.yaml", "breaks")
    assert [(one["line"], one["remedy"].split(" ")[0]) for one in old["obstacles"]] == [
        (3, "write"),
        (7, "use"),
        (12, "the"),
        (17, "list"),
    ]
    changed, kept = told["tests"]
    reason = changed.pop("reason")
    assert changed == {"test": "test_flows.py::test_old", "before": "passed", "after": "failed"}
    assert reason.startswith("old.yaml:3: A flow has no property 'pluginDefaults'; since Kestra 2.0: ")
    assert kept == {"test": "test_flows.py::test_good", "before": "passed", "after": "passed", "reason": None}


def test_validate_asks_the_line_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")

    assert cli.main(["validate", str(tmp_path), "--version", "2.0"]) == 1
    told = capsys.readouterr().out
    assert (
        "old.yaml:7: error: Kestra does not know the type io.kestra.plugin.core.flow.ForEach; since Kestra 2.0: "
        in told
    )
