"""Metrics of flows and tasks, and the deletion of a flow's logs, as Kestra's controllers answer them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import yaml

YAML = {"content-type": "application/x-yaml"}
PUBLISH = "io.kestra.plugin.core.metric.Publish"


@pytest.fixture
def flow(api: httpx.Client, namespace: str) -> str:
    """Return the path of a flow that has run twice, and published metrics in two of its tasks."""

    def task(task_id: str, name: str, value: int) -> dict[str, Any]:
        return {"id": task_id, "type": PUBLISH, "metrics": [{"type": "counter", "name": name, "value": value}]}

    log = {"id": "say", "type": "io.kestra.plugin.core.log.Log", "message": "hello"}
    tasks = [task("load", "rows", 3), task("save", "rows", 5), task("check", "errors", 1), log]
    content = yaml.safe_dump({"id": "metrics", "namespace": namespace, "tasks": tasks})
    api.post("flows", content=content, headers=YAML).raise_for_status()
    for _ in range(2):
        ended = api.post(f"executions/{namespace}/metrics", params={"wait": "true"}).raise_for_status().json()
        assert ended["state"]["current"] == "SUCCESS"
    return f"{namespace}/metrics"


def test_names_of_metrics_and_of_tasks_that_have_some(api: httpx.Client, flow: str) -> None:
    assert sorted(api.get(f"metrics/names/{flow}").json()) == ["errors", "rows"]
    assert api.get(f"metrics/names/{flow}/check").json() == ["errors"]
    assert api.get(f"metrics/names/{flow}/say").json() == []
    assert sorted(api.get(f"metrics/tasks/{flow}").json()) == ["check", "load", "save"]
    for path in ("names/nowhere/nothing", "names/nowhere/nothing/task", "tasks/nowhere/nothing"):
        assert api.get(f"metrics/{path}").json() == []


def test_metrics_are_summed_up(api: httpx.Client, flow: str) -> None:
    def summed(path: str, **params: str) -> float:
        body = api.get(f"metrics/aggregates/{flow}/{path}", params=params).raise_for_status().json()
        assert body["groupBy"] == "day"
        days = [entry["value"] for entry in body["aggregations"]]
        # Midnight may come between the two executions.
        return float(sum(days) if params.get("aggregation", "sum") == "sum" else max(days))

    assert summed("rows") == summed("rows", aggregation="sum") == 16
    assert [summed("rows", aggregation=kind) for kind in ("avg", "min", "max")] == [4, 3, 5]
    assert summed("save/rows") == 10
    assert summed("nothing") == 0


def test_metrics_are_summed_up_between_dates(api: httpx.Client, flow: str) -> None:
    def grouped(start: str, end: str) -> tuple[str, float]:
        body = api.get(f"metrics/aggregates/{flow}/rows", params={"startDate": start, "endDate": end}).json()
        return body["groupBy"], sum(entry["value"] for entry in body["aggregations"])

    assert grouped("2020-01-01T00:00:00Z", "2020-01-01T00:30Z") == ("minute", 0)
    assert grouped("2020-01-01T00:00:00.000+01:00", "2020-01-01T20:00:00Z") == ("hour", 0)
    assert grouped("2020-01-01T00:00:00Z", "2020-09-01T00:00:00Z") == ("week", 0)
    assert grouped("2020-01-01T00:00:00Z", "2022-01-01T00:00:00Z") == ("month", 0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"aggregation": "median"}, "Illegal argument: Invalid aggregation: median"),
        ({"startDate": "soon"}, "Internal server error: Failed to convert argument [startDate] for value [soon]"),
        (
            {"startDate": "2026-01-02T00:00:00Z", "endDate": "2026-01-01T00:00:00Z"},
            "Illegal argument: Start date must be before End Date",
        ),
        ({"startDate": "0001-01-01T00:00:00Z"}, "Illegal argument: The period from 0001-01-01T00:00Z to "),
    ],
)
def test_wrong_parameters_are_refused(api: httpx.Client, params: dict[str, str], message: str) -> None:
    answer = api.get("metrics/aggregates/company/any/rows", params=params)

    assert answer.status_code == 422
    assert answer.json()["message"].startswith(message)


def test_logs_of_a_flow_are_deleted(api: httpx.Client, namespace: str, flow: str) -> None:
    def total() -> int:
        params = {"filters[namespace][EQUALS]": namespace, "filters[flowId][EQUALS]": "metrics"}
        return int(api.get("logs/search", params=params).json()["total"])

    assert total() >= 2
    # Triggers have logs of their own.
    assert api.delete(f"logs/{flow}", params={"triggerId": "unknown"}).status_code == 200
    assert total() >= 2
    deleted = api.delete(f"logs/{flow}")
    assert (deleted.status_code, deleted.content, total()) == (200, b"", 0)
