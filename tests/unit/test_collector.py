"""What the controller makes of the reports of a run; tests/plugin/test_exports.py runs some."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from pytest_kestra.report.collector import Collector
from pytest_kestra.settings import Settings

TEST = "test_a.py::test_a"


@pytest.fixture
def collector() -> Collector:
    params = SimpleNamespace(args=("tests",), dir=Path())
    config: Any = SimpleNamespace(invocation_params=params, rootpath=Path(), getoption=lambda _: None)
    return Collector(None, config, Settings.read({}, {}, {}))


def report(
    outcome: Literal["passed", "failed", "skipped"], duration: float, *executions: dict[str, str], **more: Any
) -> pytest.TestReport:
    where = ("test_a.py", 1, "test_a")
    why = ("test_a.py", 1, "Skipped: not today") if outcome == "skipped" else None
    exported = {"executions": list(executions)}
    return pytest.TestReport(TEST, where, {}, outcome, why, "call", (), duration, kestra=exported, **more)


def execution(name: str, state: str = "SUCCESS") -> dict[str, str]:
    return {"id": name, "state": state}


def test_executions_of_subtests_are_told_once_as_they_were_last(collector: Collector) -> None:
    first = [execution("a"), execution("b", "RUNNING")]
    collector.pytest_runtest_logreport(report("failed", 2, *first, context="first"))
    collector.pytest_runtest_logreport(report("skipped", 3, *first, execution("c"), context="second"))
    collector.pytest_runtest_logreport(report("failed", 6, execution("a"), execution("b"), execution("c")))

    test = collector.tests[TEST]
    assert test["executions"] == [execution("a"), execution("b"), execution("c")]
    assert (test["duration"], test["outcome"]) == (6, "failed")


def test_subtest_that_is_skipped_leaves_the_test_what_it_is(collector: Collector) -> None:
    collector.pytest_runtest_logreport(report("skipped", 1, context="first"))
    collector.pytest_runtest_logreport(report("passed", 2))

    assert (collector.tests[TEST]["outcome"], collector.tests[TEST]["reason"]) == ("passed", None)
