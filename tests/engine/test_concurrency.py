"""Concurrency limits on a real engine: filled, exceeded, emptied."""

from __future__ import annotations

import httpx
import pytest

from pytest_kestra import (
    ConcurrencyLimitError,
    Execution,
    Flow,
    Kestra,
    KestraError,
    WaitTimeout,
)
from pytest_kestra.run.saturation import Saturation
from pytest_kestra.run.waiting import poll
from tests.engine.lines import is_two

RETURN = "{id: task, type: io.kestra.plugin.core.debug.Return, format: x}"
OTHER = RETURN.replace("task", "other")
LONG = "{id: task, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}"
PAUSE = "{id: task, type: io.kestra.plugin.core.flow.Pause}"
# What may come first in a flow, each of another kind to Kestra's executor.
FIRST = {
    "return": RETURN,
    "sleep": "{id: task, type: io.kestra.plugin.core.flow.Sleep, duration: PT0.2S}",
    "script": "{id: task, type: io.kestra.plugin.scripts.shell.Commands, commands: [echo x]}",
    "fail": "{id: task, type: io.kestra.plugin.core.execution.Fail}",
    "pause": "{id: task, type: io.kestra.plugin.core.flow.Pause, pauseDuration: PT0.1S}",
    "subflow": "{id: task, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: child}",
    "loop": f"{{id: loop, type: io.kestra.plugin.core.flow.ForEach, values: [a, b], tasks: [{RETURN}]}}",
    "condition": f"{{id: choice, type: io.kestra.plugin.core.flow.If, condition: 'true', then: [{RETURN}]}}",
    "parallel": f"{{id: both, type: io.kestra.plugin.core.flow.Parallel, tasks: [{RETURN}, {OTHER}]}}",
    "folder": f"{{id: folder, type: io.kestra.plugin.core.flow.WorkingDirectory, tasks: [{RETURN}]}}",
    "labels": "{id: task, type: io.kestra.plugin.core.execution.Labels, labels: {a: b}}",
    "skipped": RETURN.replace("format", "runIf: 'false', format"),
    "disabled": f"{{id: off, type: io.kestra.plugin.core.flow.Sequential, disabled: true, tasks: [{PAUSE}]}}\n"
    f"  - {OTHER}",
}
CHILD = f"id: child\nnamespace: company.team\ntasks:\n  - {RETURN}\n"


def limited(behavior: str = "FAIL", limit: int = 2, task: str = RETURN) -> str:
    return f"""\
id: limited
namespace: company.team
concurrency: {{limit: {limit}, behavior: {behavior}}}
tasks:
  - {task}
"""


def counted(flow: Flow) -> int:
    return flow.session.client.executions.counted(flow.namespace, flow.id)


def count(flow: Flow, running: int) -> None:
    """Make Kestra count other than it does."""
    number = {"tenantId": "main", "namespace": flow.namespace, "flowId": flow.id, "running": running}
    flow.session.client.request("PUT", "concurrency-limit", flow.namespace, flow.id, json=number)


# What a test of a limit looks like.


def test_run_over_the_limit_fails(kestra: Kestra) -> None:
    flow = kestra.deploy(limited("FAIL"))
    with flow.saturated() as running:
        refused = flow.run()

    assert refused.state == "FAILED"
    assert refused.rejected_by_concurrency_limit
    assert [run.wait().state for run in running] == ["SUCCESS", "SUCCESS"]
    assert not any(run.wait().rejected_by_concurrency_limit for run in running)


def test_run_over_the_limit_is_cancelled(kestra: Kestra) -> None:
    flow = kestra.deploy(limited("CANCEL", task=LONG))
    with flow.saturated() as running:
        refused = flow.run()
        killed = [run.kill().state for run in running]

    assert refused.state == "CANCELLED"
    assert refused.rejected_by_concurrency_limit
    assert killed == ["KILLED", "KILLED"]


def test_runs_over_the_limit_run_later_in_the_order_they_came(kestra: Kestra) -> None:
    flow = kestra.deploy(limited("QUEUE"))
    with flow.saturated() as running:
        queued = [flow.run_until("QUEUED") for _ in range(3)]
        assert {run.refresh().state for run in queued} == {"QUEUED"}

    ran = [run.wait() for run in queued]
    assert sorted(ran, key=lambda run: run.when("RUNNING") or run.start) == ran
    assert {run.wait().state for run in [*running, *ran]} == {"SUCCESS"}


@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED")])
def test_refusing_frees_no_slot(kestra: Kestra, behavior: str, state: str) -> None:
    flow = kestra.deploy(limited(behavior))
    with flow.saturated() as running:
        assert [flow.run().state for _ in range(4)] == [state] * 4
        assert counted(flow) == 2
        assert {run.refresh().state for run in running} == {"BREAKPOINT"}


def test_killed_run_makes_place_for_a_queued_one(kestra: Kestra) -> None:
    flow = kestra.deploy(limited("QUEUE", task=LONG))
    with flow.saturated() as running:
        queued = flow.run_until("QUEUED")
        assert running[0].kill().state == "KILLED"
        assert queued.wait(until="RUNNING").state == "RUNNING"
        assert running[1].refresh().state == "BREAKPOINT"


def test_killed_run_makes_place_for_another(kestra: Kestra) -> None:
    flow = kestra.deploy(limited("FAIL", limit=1))
    with flow.saturated() as (only,):
        only.kill()
        # Kestra frees the slot a moment after the end.
        assert poll(lambda: counted(flow), lambda count: count == 0, 60) == 0
        assert flow.run().state == "SUCCESS"


# How a limit is filled.


@pytest.mark.parametrize("first", FIRST)
def test_any_task_is_held(kestra: Kestra, first: str) -> None:
    kestra.deploy(CHILD)
    flow = kestra.deploy(limited(task=FIRST[first]))
    with flow.saturated() as running:
        assert [run.state for run in running] == ["BREAKPOINT", "BREAKPOINT"]
        assert counted(flow) == 2
        assert flow.run().rejected_by_concurrency_limit

    states = {"FAILED"} if first == "fail" else {"SUCCESS"}
    assert {run.wait().state for run in running} == states
    # Kestra 2.0 lets them run after the breakpoint only.
    before = [] if is_two(kestra.client) else ["RUNNING"]
    assert [str(state) for state in running[0].states] == ["CREATED", *before, "BREAKPOINT"]


def test_inputs_reach_all_that_run(kestra: Kestra) -> None:
    flow = kestra.deploy(
        limited(task=RETURN.replace("x}", "'{{ inputs.word }}'}")) + "inputs: [{id: word, type: STRING}]\n"
    )
    with flow.saturated({"word": "hi"}) as running:
        pass

    assert [run.wait().task("task").outputs["value"] for run in running] == ["hi", "hi"]
    assert flow.assert_concurrency_limit({"word": "hi"}).further.inputs == {"word": "hi"}


def test_without_hold_they_are_running(kestra: Kestra) -> None:
    flow = kestra.deploy(limited(task=LONG))
    with flow.saturated(hold=False) as running:
        assert [run.state for run in running] == ["RUNNING", "RUNNING"]
        assert flow.run().rejected_by_concurrency_limit

    assert [run.refresh().state for run in running] == ["RUNNING", "RUNNING"]


def test_without_hold_a_flow_may_be_too_fast(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> None:
    def come(_: Saturation, execution: Execution, *states: str) -> Execution:
        # On a slow machine even this flow could still run: wait for its end.
        return execution.wait()

    monkeypatch.setattr(Saturation, "come", come)
    flow = kestra.deploy(limited())

    with (
        pytest.raises(
            KestraError, match=r"the flow limited is too fast to be saturated.*: 2 of 2 executions had ended"
        ),
        flow.saturated(hold=False),
    ):
        pass


def test_limit_is_that_of_the_latest_revision(kestra: Kestra) -> None:
    flow = kestra.deploy(limited(limit=2))
    flow.update(flow.source.replace("limit: 2", "limit: 3"))
    with flow.saturated() as running:
        assert len(running) == 3
        assert flow.run().rejected_by_concurrency_limit


def test_flow_without_a_limit_cannot_be_saturated(kestra: Kestra) -> None:
    flow = kestra.deploy(CHILD)
    for fill in (lambda: flow.saturated().__enter__(), flow.assert_concurrency_limit):
        with pytest.raises(KestraError, match="<text>: the flow child has no `concurrency`"):
            fill()


def test_flow_whose_tasks_are_all_disabled_cannot_be_held(kestra: Kestra) -> None:
    flow = kestra.deploy(limited(task=RETURN.replace("format", "disabled: true, format")))

    with pytest.raises(KestraError, match="all tasks of limited are disabled"), flow.saturated():
        pass


@pytest.mark.parametrize(("task", "state"), [(PAUSE, "PAUSED"), (LONG, "RUNNING")])
def test_what_takes_slots_already_is_told(kestra: Kestra, task: str, state: str) -> None:
    flow = kestra.deploy(limited(task=task))
    other = flow.run_until(state)

    with (
        pytest.raises(KestraError, match=rf"take 1 of the 2 slots of its limit, .*: {other.id} is {state} since \d\d:"),
        flow.saturated(timeout=0.2),
    ):
        pass
    assert [run.id for run in flow.executions()] == [other.id]


def test_lost_slots_are_told(kestra: Kestra) -> None:
    flow = kestra.deploy(limited())
    flow.run()
    count(flow, 1)

    with pytest.raises(ConcurrencyLimitError, match=r"^limited has lost 1 of the 2 slots of its limit"):
        flow.assert_concurrency_limit(timeout=0.2)


# How it is emptied.


def test_failure_in_the_block_lets_them_go(kestra: Kestra) -> None:
    flow = kestra.deploy(limited())
    with pytest.raises(AssertionError, match="no reason"), flow.saturated() as running:
        raise AssertionError("no reason")

    assert [run.wait().state for run in running] == ["SUCCESS", "SUCCESS"]


def test_what_was_ended_in_the_block_is_no_failure(kestra: Kestra) -> None:
    flow = kestra.deploy(limited(limit=3))
    with flow.saturated() as (killed, deleted, resumed):
        killed.kill()
        deleted.kill()
        kestra.client.executions.delete(deleted.id)
        kestra.client.executions.resume_from_breakpoint(resumed.id)
        assert resumed.wait().state == "SUCCESS"

    # One that waits at a breakpoint can only be ended on Kestra 2.0 once it goes on, and this one is fast.
    assert killed.wait().state in ({"KILLED", "SUCCESS"} if is_two(kestra.client) else {"KILLED"})


# The whole proof.


@pytest.mark.parametrize("limit", [1, 5])
@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED"), ("QUEUE", "SUCCESS")])
def test_limit_is_proven(kestra: Kestra, behavior: str, state: str, limit: int) -> None:
    flow = kestra.deploy(limited(behavior, limit))
    proof = flow.assert_concurrency_limit()

    assert (proof.flow_id, proof.limit, proof.behavior, proof.most) == ("limited", limit, behavior, limit)
    assert [run.state for run in proof.held] == ["SUCCESS"] * limit
    assert [run.state for run in proof.over] == [state] * 2
    assert proof.further.state == "SUCCESS"
    assert len(flow.executions()) == limit + 3
    assert poll(lambda: counted(flow), lambda count: count == 0, 60) == 0


def test_proof_says_what_it_saw(kestra: Kestra) -> None:
    proof = kestra.deploy(limited("QUEUE")).assert_concurrency_limit()
    (a, b), (c, d), e = (run.id for run in proof.held), (run.id for run in proof.over), proof.further.id

    assert str(proof).splitlines() == [
        "limited keeps its concurrency limit of 2, QUEUE:",
        f"  held before their first task: {a}, {b}; Kestra counts 2 running",
        f"  1 over the limit: {c} is QUEUED; Kestra still counts 2 running",
        f"  2 over the limit: {d} is QUEUED; Kestra still counts 2 running",
        "  let go, they ended: 2 SUCCESS",
        "  the queued ones ran in the order they came, and ended: 2 SUCCESS",
        "  at most 2 ran at a time",
        f"  all slots were free then: one more ran, {e}, and is SUCCESS",
    ]


@pytest.mark.parametrize("first", ["sleep", "script", "fail", "pause", "subflow", "loop"])
def test_limit_of_any_flow_is_proven(kestra: Kestra, first: str) -> None:
    kestra.deploy(CHILD)
    flow = kestra.deploy(limited("QUEUE", 1, FIRST[first]))
    if first == "loop" and is_two(kestra.client):
        # Each round is an execution of the flow, and Kestra 2.0.0 takes the end of one for the end of the flow's own.
        with pytest.raises(ConcurrencyLimitError, match=r"let \d executions run at a time, over its limit of 1"):
            flow.assert_concurrency_limit()
        return

    assert flow.assert_concurrency_limit().most == 1


def test_slot_that_a_refusal_frees_is_found(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = kestra.deploy(limited("FAIL"))

    # As Kestra 1.0.x did, behind our back: https://github.com/kestra-io/kestra/issues/13141
    def freed(saturation: Saturation) -> int:
        taken = counted(flow)
        if len(flow.executions()) > saturation.limit:
            count(flow, taken - 1)
        return taken

    monkeypatch.setattr(Saturation, "counted", freed)

    with pytest.raises(ConcurrencyLimitError) as caught:
        flow.assert_concurrency_limit()

    lines = str(caught.value).splitlines()
    assert lines[0] == "limited let one run over its limit of 2: refusing the one before has freed a slot"
    assert lines[1].startswith("  held before their first task: ")
    assert lines[2].endswith("is FAILED; Kestra still counts 2 running")
    assert lines[3].startswith("limited is ")


def test_limit_of_a_flow_that_does_not_end_is_not_proven(kestra: Kestra) -> None:
    flow = kestra.deploy(limited("QUEUE", 1, PAUSE))
    flow.run_until("PAUSED").kill()  # the first run is the slowest

    with pytest.raises(WaitTimeout, match=r"^limited was still PAUSED in task task after 10 s\n"):
        flow.assert_concurrency_limit(timeout=10)


# How a refusal is known.


def test_failure_is_not_taken_for_a_refusal(kestra: Kestra) -> None:
    assert not kestra.deploy(limited(task=FIRST["fail"])).run().rejected_by_concurrency_limit


def test_reason_of_a_refusal_is_in_the_logs_at_once(kestra: Kestra) -> None:
    flow = kestra.deploy(limited("FAIL"))
    with flow.saturated():
        assert "concurrency limit" in flow.run().logs(level="ERROR").text


def test_what_was_queued_and_cancelled_was_not_refused(kestra: Kestra, api: httpx.Client) -> None:
    flow = kestra.deploy(limited("QUEUE"))
    with flow.saturated():
        queued = flow.run_until("QUEUED")
        api.post(f"executions/{queued.id}/unqueue", params={"state": "CANCELLED"}).raise_for_status()
        cancelled = queued.wait()

    assert cancelled.state == "CANCELLED"
    assert not cancelled.rejected_by_concurrency_limit
