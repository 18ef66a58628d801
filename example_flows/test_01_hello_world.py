"""The hello-world flow: outputs, logs and their levels, its trigger, its limit, its revisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra import FlowError, Kestra


def test_greets_the_world_by_default(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "01_hello_world.yaml").run()

    assert execution.state == "SUCCESS"
    assert execution.inputs == {"name": "World"}
    assert execution.logs(task="hello_message").messages == ["Hello, World!"]
    assert execution.outputs["greeting"] == "The flow hello_world greeted World."


def test_greets_whom_it_is_given(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "01_hello_world.yaml").run(inputs={"name": "Ada"})

    assert execution.state == "SUCCESS"
    assert execution.task("generate_output").outputs["value"] == "The flow hello_world greeted Ada."
    assert execution.task("generate_output").outputs["value"] in execution.logs(task="log_output").text
    assert execution.logs(task="goodbye_message").messages == ["Goodbye, Ada."]


def test_all_log_tasks_log_errors(kestra: Kestra, flows: Path) -> None:
    execution = kestra.deploy(flows / "01_hello_world.yaml").run()

    for task in ("hello_message", "log_output", "goodbye_message"):
        assert execution.logs(task=task).levels == {"ERROR"}
    assert [entry.task_id for entry in execution.logs(level="ERROR")] == [
        "hello_message",
        "log_output",
        "goodbye_message",
    ]


def test_runs_its_five_tasks_in_order(kestra: Kestra, flows: Path) -> None:
    flow = kestra.deploy(flows / "01_hello_world.yaml")
    execution = flow.run()

    assert list(flow.tasks) == ["hello_message", "generate_output", "sleep", "log_output", "goodbye_message"]
    assert [run.task_id for run in execution.task_runs] == list(flow.tasks)
    assert {run.state for run in execution.task_runs} == {"SUCCESS"}


def test_labels_reach_the_execution(kestra: Kestra, flows: Path) -> None:
    flow = kestra.deploy(flows / "01_hello_world.yaml")

    assert flow.labels == {"team": "platform", "purpose": "example"}
    assert flow.run(labels={"ticket": "12"}).labels.items() >= {"team": "platform", "ticket": "12"}.items()


def test_runs_every_day_at_ten(kestra: Kestra, flows: Path) -> None:
    trigger = kestra.deploy(flows / "01_hello_world.yaml").trigger("daily")

    assert trigger.type == "io.kestra.plugin.core.trigger.Schedule"
    assert trigger.definition["cron"] == "0 10 * * *"
    first, second = trigger.next_dates(2, after="2026-01-01T00:00:00Z")
    assert (first.hour, first.minute) == (10, 0)
    assert (second - first).days == 1


def test_runs_for_days_that_have_passed(kestra: Kestra, flows: Path) -> None:
    trigger = kestra.deploy(flows / "01_hello_world.yaml").trigger("daily")

    assert trigger.status().enabled
    runs = trigger.backfill("2026-01-01", "2026-01-02")
    assert [run.state for run in runs] == ["SUCCESS", "SUCCESS"]
    dates = [run.trigger["variables"]["date"] for run in runs if run.trigger is not None]
    assert [date[:16] for date in dates] == ["2026-01-01T10:00", "2026-01-02T10:00"]


def test_third_run_is_refused(kestra: Kestra, flows: Path) -> None:
    flow = kestra.deploy(flows / "01_hello_world.yaml")
    with flow.saturated() as running:
        refused = flow.run()

    assert refused.state == "FAILED"
    assert refused.rejected_by_concurrency_limit
    assert [run.wait().state for run in running] == ["SUCCESS", "SUCCESS"]


def test_keeps_its_limit(kestra: Kestra, flows: Path) -> None:
    proof = kestra.deploy(flows / "01_hello_world.yaml").assert_concurrency_limit()

    assert (proof.limit, proof.behavior) == (2, "FAIL")


def test_task_ids_may_change(kestra: Kestra, flows: Path) -> None:
    flow = kestra.deploy(flows / "01_hello_world.yaml")
    renamed = flow.update(flow.source.replace("id: goodbye_message", "id: farewell"))

    assert (flow.revision, renamed.revision) == (1, 2)
    assert renamed.run().task("farewell").state == "SUCCESS"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("id: hello_world", "id: hello_moon", "id"),
        ("namespace: examples.basics", "namespace: examples.advanced", "namespace"),
    ],
)
def test_id_and_namespace_may_not_change(kestra: Kestra, flows: Path, old: str, new: str, what: str) -> None:
    flow = kestra.deploy(flows / "01_hello_world.yaml")

    with pytest.raises(FlowError, match=f"Illegal .*{what} update"):
        flow.update(flow.source.replace(old, new))
    assert flow.refresh().revision == 1
