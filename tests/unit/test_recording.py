"""Suites that are made of executions."""

from __future__ import annotations

from typing import Any

import yaml

from pytest_kestra import NotFoundError
from pytest_kestra.records import ExecutionRecord, FlowRecord
from pytest_kestra.suites.recording import PAUSE, Recording

RETURN, HTTP = "io.kestra.plugin.core.debug.Return", "io.kestra.plugin.core.http.Request"
ENDED = {"current": "SUCCESS", "histories": [{"state": "SUCCESS", "date": "2026-01-01T00:00:00Z"}]}


def run(name: str, task: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "taskId": task, "parentTaskRunId": parent, "state": ENDED, **more}


def recorded(loop: str = "io.kestra.plugin.core.flow.ForEach") -> tuple[dict[str, Any], str]:
    """Return the case of an execution whose loop has two rounds, in which a sequence has two tasks; and the text."""
    inner = [{"id": "told", "type": RETURN}, {"id": "fetch", "type": HTTP}]
    sequence = {"id": "both", "type": "io.kestra.plugin.core.flow.Sequential", "tasks": inner}
    flow = {"id": "f", "namespace": "a.b", "revision": 1, "tasks": [{"id": "each", "type": loop, "tasks": [sequence]}]}
    runs = [run("each", "each")]
    for value in ("A", "B"):
        runs += [
            run(f"both-{value}", "both", "each", value=value),
            run(f"told-{value}", "told", f"both-{value}", outputs={"value": value}),
            run(f"fetch-{value}", "fetch", f"both-{value}", outputs={"body": value}),
        ]
    return made(flow, runs)


def made(
    flow: dict[str, Any], runs: list[dict[str, Any]], *others: dict[str, Any], **more: Any
) -> tuple[dict[str, Any], str]:
    """Return the case of an execution with these task runs, and the text; `others` are flows that it may run."""
    execution = {
        "id": "e9x",
        "namespace": flow["namespace"],
        "flowId": "f",
        "state": ENDED,
        "taskRunList": runs,
        **more,
    }
    known = {(other["namespace"], other["id"]): FlowRecord.of(other) for other in others}
    types = ["io.kestra.plugin.core.http.*"]

    def find(*key: str) -> FlowRecord:
        if key not in known:
            raise NotFoundError(404, "Flow not found", "GET")
        return known[key]

    text = Recording(ExecutionRecord.of(execution), FlowRecord.of(flow), types, find).text()
    return yaml.safe_load(text)["testCases"][0], text


def test_outputs_below_a_loop_are_named_with_the_values_around_them() -> None:
    case, _ = recorded()

    assert case["assertions"] == [
        {"value": "{{ outputs.told.A.value }}", "equalTo": "A", "taskId": "told"},
        {"value": "{{ outputs.told.B.value }}", "equalTo": "B", "taskId": "told"},
    ]
    assert case["x-pytest"]["expect"]["tasks"] == {"each": "SUCCESS"}


def test_texts_with_expressions_are_rendered_to_what_they_were() -> None:
    body = "a {{ b }} {% c %} {# d #} ${e}"
    flow = {
        "id": "f",
        "namespace": "a.b",
        "revision": 1,
        "tasks": [{"id": "get", "type": HTTP}, {"id": "t", "type": RETURN}],
    }
    runs = [run("1", "get", outputs={"body": [body]}), run("2", "t", outputs={"value": body})]
    case, _ = made(flow, runs)

    written = "a {{ '{{' }} b }} {{ '{%' }} c %} {{ '{#' }} d #} ${e}"
    assert case["fixtures"]["tasks"] == [{"id": "get", "outputs": {"body": [written]}}]
    assert [one["equalTo"] for one in case["assertions"]] == [written]


def test_fixture_that_another_one_hides_is_told() -> None:
    case, text = recorded()

    assert case["fixtures"]["tasks"] == [{"id": "fetch", "outputs": {"body": "A"}}]
    assert "# Left out, as a fixture for it would be one for fetch[A], too: fetch[B]." in text


def test_outputs_of_rounds_that_only_these_see_are_left_out() -> None:
    case, _ = recorded("io.kestra.plugin.core.flow.Loop")

    assert case["assertions"] == []
    assert case["fixtures"]["tasks"] == [{"id": "fetch", "outputs": {"body": "A"}}]


def flow(name: str, *tasks: dict[str, Any], namespace: str = "a.b") -> dict[str, Any]:
    return {"id": name, "namespace": namespace, "revision": 1, "tasks": list(tasks)}


def subflow(name: str, to: str) -> dict[str, Any]:
    return {"id": name, "type": "io.kestra.plugin.core.flow.Subflow", "namespace": "a.b", "flowId": to}


def test_subflow_that_reaches_out_is_a_fixture() -> None:
    calls = [subflow("far", "outer"), subflow("near", "pure"), subflow("unknown", "{{ vars.flow }}")]
    runs = [run(name, name, outputs={"executionId": f"{name}-1"}) for name in ("far", "near", "unknown")]
    outer, inner = flow("outer", subflow("deep", "inner")), flow("inner", {"id": "get", "type": f"{HTTP}"})
    pure = flow("pure", {"id": "told", "type": RETURN}, subflow("again", "pure"))
    case, text = made(flow("f", *calls), runs, outer, inner, pure)

    assert [fixture["id"] for fixture in case["fixtures"]["tasks"]] == ["far", "unknown"]
    assert case["assertions"] == []
    assert "# Left out, as it is new at each run: the output of near 'executionId'." in text


def test_pause_is_a_fixture_unless_it_holds_tasks() -> None:
    told = {"id": "told", "type": RETURN}
    pauses: list[dict[str, Any]] = [{"id": "wait", "type": PAUSE}, {"id": "around", "type": PAUSE, "tasks": [told]}]
    case, _ = made(flow("f", *pauses), [run(name, name) for name in ("wait", "around", "told")])

    assert case["fixtures"]["tasks"] == [{"id": "wait"}]


def test_what_holds_the_id_of_the_execution_is_not_asserted() -> None:
    case, text = made(flow("f", {"id": "told", "type": RETURN}), [run("t", "told", outputs={"value": "of e9x"})])

    assert case["assertions"] == []
    assert "# Left out, as it is new at each run: the output of told 'value'." in text


def test_values_in_maps_and_lists_are_asserted_one_by_one() -> None:
    outputs = {
        "vars": {"total": 5, "by shelf": {"north": 2.5}, "nothing": None, "none": {}},
        "rows": [{"id": "A-1"}, True],
        "long": list(range(11)),
    }
    case, _ = made(flow("f", {"id": "sum", "type": RETURN}), [run("s", "sum", outputs=outputs)])

    assert [(one["value"], one["equalTo"]) for one in case["assertions"]] == [
        ("{{ outputs.sum.vars.total }}", 5),
        ("{{ outputs.sum.vars['by shelf'].north }}", 2.5),
        ("{{ outputs.sum.rows[0].id }}", "A-1"),
        ("{{ outputs.sum.rows[1] }}", True),
        ("{{ outputs.sum.long | length }}", 11),
    ]


def test_what_the_flow_gives_is_asserted() -> None:
    case, text = made(flow("f"), [], outputs={"total": 5, "report": "kestra:///a/b/report.csv"})

    assert case["assertions"] == [{"value": "{{ execution.outputs.total }}", "equalTo": 5}]
    assert "# Left out, as it is a secret or a file of that execution: the output of the flow 'report'." in text


def test_secret_and_file_in_a_map_are_left_out_alone() -> None:
    secret = {"type": "io.kestra.datatype:aes_encrypted", "value": "xyz"}
    outputs = {"vars": {"token": secret, "total": 5}, "outputFiles": {"a.csv": "kestra:///a.csv"}}
    case, text = made(flow("f", {"id": "sum", "type": RETURN}), [run("s", "sum", outputs=outputs)])

    assert [one["value"] for one in case["assertions"]] == ["{{ outputs.sum.vars.total }}"]
    assert "the output of sum 'vars.token'.\n" in text
    assert "the output of sum \"outputFiles['a.csv']\".\n" in text


def test_namespace_of_a_test_is_that_of_its_flow() -> None:
    namespace = "a.b.test-it-pytest-0a1b2c-3d4e"
    runs = [run("t", "told", outputs={"value": namespace})]
    case, text = made(flow("f", {"id": "told", "type": RETURN}, namespace=namespace), runs)

    assert "namespace: a.b\n" in text
    assert case["assertions"][0]["equalTo"] == "a.b"
