"""The Python flow: the values, the metric and the file that its script makes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pytest_kestra import Kestra


def test_script_gives_values_to_later_tasks(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "02_python.yaml").run()

    assert execution.state == "SUCCESS"
    assert execution.task("compute").outputs["vars"] == {"total": 16, "largest": 8}
    assert execution.task("summary").outputs["value"] == "16 in total, 8 at most"
    assert execution.outputs["summary"] == "16 in total, 8 at most"


def test_script_counts(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "02_python.yaml").run(inputs={"numbers": [1, 2, 3, 4]})

    (metric,) = (metric for metric in execution.metrics() if metric.name == "numbers")
    assert (metric.task_id, metric.type, metric.value) == ("compute", "counter", 4)


def test_script_writes_a_report(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "02_python.yaml").run(inputs={"numbers": [1, 3]})

    report = execution.file(execution.outputs["report"]).text()
    assert list(csv.reader(io.StringIO(report))) == [["number", "share"], ["1", "0.25"], ["3", "0.75"]]
    assert "3,0.75" in execution.logs(task="read_report").text


def test_failing_script_shows_its_traceback(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "02_python.yaml").run(inputs={"numbers": [0, 0]})

    assert execution.state == "FAILED"
    assert execution.task("compute").state == "FAILED"
    assert "ZeroDivisionError: division by zero" in execution.logs(task="compute", min_level="ERROR").text
