"""What tests do with flows, on Kestra 2.0: the same calls as on 1.3, whatever its API has made of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pytest_kestra import FlowError, InputError, Kestra, UnknownNameError

GREETING = """\
id: greeting
namespace: company.team
inputs:
  - {id: name, type: STRING, defaults: World}
  - {id: count, type: INT, required: false}
tasks:
  - id: greet
    type: io.kestra.plugin.core.debug.Return
    format: "Bonjour {{ inputs.name }}"
  - id: tell
    type: io.kestra.plugin.core.log.Log
    level: WARN
    message: "{{ outputs.greet.value }}"
outputs:
  - {id: greeting, type: STRING, value: "{{ outputs.greet.value }}"}
"""
LOOP = """\
id: loop
namespace: company.team
tasks:
  - id: outer
    type: io.kestra.plugin.core.flow.Loop
    values: [a, b]
    tasks:
      - id: inner
        type: io.kestra.plugin.core.flow.Loop
        values: ["1", "2"]
        tasks:
          - {id: pair, type: io.kestra.plugin.core.debug.Return, format: "{{ item.parent.value }}{{ item.value }}"}
          - {id: tell, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.pair.value }}"}
"""
PAUSED = """\
id: paused
namespace: company.team
tasks:
  - id: approve
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: reason, type: STRING}
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.approve.onResume.reason }}"}
"""
GATED = """\
id: gated
namespace: company.team
tasks:
  - {id: before, type: io.kestra.plugin.core.debug.Return, format: x}
  - {id: gate, type: io.kestra.plugin.core.debug.Return, format: "{{ kv('gate') }}"}
"""
SLOW = """\
id: slow
namespace: company.team
tasks:
  - {id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""
LIMITED = """\
id: limited
namespace: company.team
concurrency: {limit: 2, behavior: %s}
tasks:
  - {id: task, type: io.kestra.plugin.core.debug.Return, format: x}
"""
DAILY = """\
id: daily
namespace: company.team
tasks:
  - {id: task, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.date }}"}
triggers:
  - id: morning
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "30 2 * * *"
    timezone: Europe/Paris
"""
HOOKED = """\
id: hooked
namespace: company.team
tasks:
  - {id: task, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.body.name }}"}
triggers:
  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: open-sesame}
"""
SCRIPT = """\
id: script
namespace: company.team
tasks:
  - id: compute
    type: io.kestra.plugin.scripts.shell.Script
    script: |
      echo '::{"outputs": {"total": 42}}::'
"""
PARENT = """\
id: parent
namespace: company.team
tasks:
  - {id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: greeting, inputs: {name: Ada}}
"""
AFTER = """\
id: after
namespace: company.team
tasks:
  - {id: task, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.flowId }}"}
triggers:
  - id: follows
    type: io.kestra.plugin.core.trigger.Flow
    dependsOn:
      - {flowId: greeting, namespace: company.team, states: [SUCCESS]}
"""


def test_flow_runs_with_inputs_and_tells_what_it_made(kestra: Kestra) -> None:
    execution = kestra.deploy(GREETING).run(inputs={"name": "Ada"})

    assert execution.state == "SUCCESS"
    assert execution.path == ["greet", "tell"]
    assert execution.task("greet").outputs == {"value": "Bonjour Ada"}
    assert execution.outputs == {"greeting": "Bonjour Ada"}
    assert execution.task("tell").outputs == {}
    assert execution.logs(task="tell").messages == ["Bonjour Ada"]
    assert execution.logs(min_level="WARN").levels == {"WARN"}
    assert execution.inputs["name"] == "Ada"
    with pytest.raises(UnknownNameError, match="did you mean 'value'"):
        execution.task("greet").outputs["vale"]


def test_executions_of_a_search_know_their_task_runs(kestra: Kestra) -> None:
    flow = kestra.deploy(GREETING)
    ran = [flow.run(labels={"team": "a"}).id, flow.run().id]

    assert [execution.id for execution in flow.executions()] == ran
    assert [execution.path for execution in flow.executions(labels={"team": "a"})] == [["greet", "tell"]]
    assert flow.executions()[1].task("greet").outputs["value"] == "Bonjour World"


@pytest.mark.parametrize("many", [False, True])
def test_rounds_of_loops_are_task_runs_as_before(kestra: Kestra, many: bool) -> None:
    flow = kestra.deploy(LOOP)
    execution = flow.run()
    if many:
        (execution,) = flow.executions()

    assert execution.state == "SUCCESS"
    assert [run.task_id for run in execution.task_runs[:5]] == ["outer", "inner", "pair", "tell", "pair"]
    assert execution.task("pair", value=("b", "1")).outputs["value"] == "b1"
    assert [run.values for run in execution.tasks("pair")] == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    assert sorted(execution.logs(task="tell").messages) == ["a1", "a2", "b1", "b2"]
    assert execution.logs(task="tell", value=("a", "2")).messages == ["a2"]


def test_expression_is_rendered_in_a_round_of_a_loop(kestra: Kestra) -> None:
    execution = kestra.deploy(LOOP).run()
    pair = execution.task("pair", value=("b", "1"))

    assert execution.evaluate("{{ item.parent.value }} {{ item.value }}", pair) == "b 1"
    assert pair.execution_id not in (None, execution.id)
    assert execution.task("outer").execution_id == execution.id


def test_wrong_flow_and_wrong_input_are_told_with_their_line(kestra: Kestra) -> None:
    with pytest.raises(FlowError, match=r"^<text>:5: A flow has no property 'pluginDefaults'"):
        kestra.deploy(SLOW.replace("tasks:", "description: x\n\npluginDefaults: []\ntasks:"))
    with pytest.raises(FlowError, match=r"^<text>:4: .*message: must not be null"):
        kestra.deploy("id: a\nnamespace: company.team\ntasks:\n  - {id: log, type: io.kestra.plugin.core.log.Log}\n")
    with pytest.raises(
        InputError, match=r"^<text>:5: the input 'count' \(INT\) .* takes a whole number .*, not 'many'"
    ):
        kestra.deploy(GREETING).run(inputs={"count": "many"})


def test_flow_is_updated_and_deleted(kestra: Kestra) -> None:
    flow = kestra.deploy(GREETING)

    assert flow.update(GREETING.replace("Bonjour", "x").replace("WARN", "INFO")).revision == 2
    assert flow.run().logs(task="tell").levels == {"INFO"}
    flow.delete()
    with pytest.raises(FlowError, match="is no longer on the server"):
        flow.run()


def test_paused_execution_is_resumed_with_inputs(kestra: Kestra) -> None:
    paused = kestra.deploy(PAUSED).run_until("PAUSED")

    assert paused.resume(inputs={"reason": "fine"}).wait().task("after").outputs["value"] == "fine"


def test_restart_and_replay(kestra: Kestra) -> None:
    failed = kestra.deploy(GATED).run()
    assert failed.state == "FAILED"
    kestra.kv["gate"] = "open"

    restarted = failed.restart().wait()
    assert (restarted.id, restarted.state) == (failed.id, "SUCCESS")
    replayed = restarted.replay(from_task="gate").wait()
    assert replayed.original_id == failed.id
    assert replayed.task("gate").outputs["value"] == "open"
    assert replayed.state == "SUCCESS"


def test_kill(kestra: Kestra) -> None:
    assert kestra.deploy(SLOW).run_until("RUNNING").kill().wait().state == "KILLED"


@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED")])
def test_run_over_a_limit_is_refused(kestra: Kestra, behavior: str, state: str) -> None:
    flow = kestra.deploy(LIMITED % behavior)
    with flow.saturated() as running:
        refused = flow.run()

    assert refused.state == state
    assert refused.rejected_by_concurrency_limit
    assert [one.wait().state for one in running] == ["SUCCESS"] * 2


def test_run_over_a_limit_is_queued(kestra: Kestra) -> None:
    flow = kestra.deploy(LIMITED % "QUEUE")
    with flow.saturated():
        queued = flow.run_until("QUEUED")

    assert queued.wait().state == "SUCCESS"


def test_execution_at_a_breakpoint_is_killed(kestra: Kestra) -> None:
    flow = kestra.deploy(LIMITED % "FAIL")
    with flow.saturated() as running:
        for one in running:
            one.kill()

        assert {one.wait().state.is_final for one in running} == {True}


def test_dates_of_a_schedule_go_through_a_change_of_the_clocks(kestra: Kestra) -> None:
    dates = kestra.deploy(DAILY).trigger("morning").next_dates(3, after="2026-03-27T12:00:00Z")

    # 2:30 does not exist on the 29th in Paris.
    assert dates[0].isoformat() == "2026-03-28T02:30:00+01:00"
    assert dates[-1].isoformat().endswith("+02:00")


def test_condition_of_a_schedule_refuses_dates(kestra: Kestra) -> None:
    when = "    when: \"{{ (trigger.date | date('d')) == '1' }}\"\n"
    dates = kestra.deploy(DAILY + when).trigger("morning").next_dates(2, after="2026-05-15T00:00:00Z")

    assert [(date.month, date.day) for date in dates] == [(6, 1), (7, 1)]


def test_backfill_makes_an_execution_for_each_date(kestra: Kestra) -> None:
    start = datetime(2026, 1, 10, tzinfo=timezone.utc)
    made = kestra.deploy(DAILY).trigger("morning").backfill(start, start + timedelta(days=2))

    assert [execution.state for execution in made] == ["SUCCESS"] * 2
    assert [execution.task("task").outputs["value"][:10] for execution in made] == ["2026-01-10", "2026-01-11"]


def test_trigger_is_disabled_and_enabled(kestra: Kestra) -> None:
    trigger = kestra.deploy(DAILY).trigger("morning")

    assert trigger.status().enabled
    assert trigger.disable().disabled_by == "the server's switch"
    assert trigger.enable().next_date is not None


def test_webhook_starts_an_execution(kestra: Kestra) -> None:
    execution = kestra.deploy(HOOKED).trigger("hook").webhook(body={"name": "Ada"}).wait()

    assert execution.state == "SUCCESS"
    assert execution.task("task").outputs["value"] == "Ada"


def test_webhook_waits_for_the_end(kestra: Kestra) -> None:
    waiting = HOOKED.replace("key: open-sesame}", "key: open-sesame, wait: true, returnOutputs: true}")
    flow = kestra.deploy(waiting + 'outputs:\n  - {id: name, type: STRING, value: "{{ trigger.body.name }}"}\n')
    execution = flow.trigger("hook").webhook(body={"name": "Ada"})

    assert execution.outputs == {"name": "Ada"}


def test_script_runs_as_a_process(kestra: Kestra) -> None:
    execution = kestra.deploy(SCRIPT).run()

    assert execution.state == "SUCCESS"
    assert execution.task("compute").outputs["vars"] == {"total": 42}


def test_subflow_and_flow_trigger_are_found(kestra: Kestra) -> None:
    kestra.deploy(GREETING)
    follower = kestra.deploy(AFTER)
    parent = kestra.deploy(PARENT).run()

    (child,) = parent.children()
    assert child.outputs["greeting"] == "Bonjour Ada"
    followed = kestra.wait_for_execution(flow=follower, triggered_by=child)
    assert followed.task("task").outputs["value"] == "greeting"


def test_pairs_and_files(kestra: Kestra) -> None:
    kestra.deploy(GREETING)
    kestra.kv["day"] = {"a": [1, 2]}
    kestra.files["rules/a.txt"] = "content"

    assert kestra.kv["day"] == {"a": [1, 2]}
    assert list(kestra.kv) == ["day"]
    assert kestra.files["rules/a.txt"].text() == "content"
    del kestra.kv["day"]
    assert list(kestra.kv) == []


def test_task_is_mocked(kestra: Kestra) -> None:
    mock = kestra.mock("greet", outputs={"value": "mocked"})
    execution = kestra.deploy(GREETING).run()

    assert execution.outputs["greeting"] == "mocked"
    mock.assert_called_once()
