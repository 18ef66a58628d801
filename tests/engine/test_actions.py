"""What a test can do to an execution: pause, resume, restart, replay; and finding executions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pytest_kestra import (
    ExpressionError,
    InputError,
    Kestra,
    KestraError,
    NotFoundError,
    UnexpectedStateError,
    UnknownNameError,
    WaitTimeout,
)
from tests.engine.lines import is_two
from tests.waits import WAIT_S

# Fails until the key `gate` is set.
GATED = """\
id: gated
namespace: company.team
inputs:
  - {id: name, type: STRING, defaults: Ada}
  - {id: count, type: INT, defaults: 1}
tasks:
  - id: before
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.name }} {{ inputs.count }}"
  - id: gate
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('gate') }}"
"""
SLEEP = """\
id: sleepy
namespace: company.team
tasks:
  - {id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT10S}
  - {id: after, type: io.kestra.plugin.core.log.Log, message: done}
"""


def test_restart_runs_the_failed_tasks_again(kestra: Kestra) -> None:
    failed = kestra.deploy(GATED).run()
    assert failed.state == "FAILED"
    kestra.kv["gate"] = "open"

    ended = failed.restart().wait()

    assert (ended.id, ended.state) == (failed.id, "SUCCESS")
    assert ended.task("gate").outputs["value"] == "open"
    assert [attempt.state for attempt in ended.task("gate").attempts] == ["FAILED", "SUCCESS"]
    assert len(ended.task("before").attempts) == 1
    assert "RESTARTED" in ended.states
    with pytest.raises(UnexpectedStateError, match=r"^gated is SUCCESS, so nothing is restarted: "):
        ended.restart()


def test_replay_makes_a_new_execution(kestra: Kestra) -> None:
    flow = kestra.deploy(GATED)
    first = flow.run({"name": "Grace"})
    kestra.kv["gate"] = "open"

    again = first.replay().wait()
    later = first.replay(from_task="gate").wait()
    other = first.replay(inputs={"name": "Alan", "count": 3}).wait()

    assert (again.state, later.state, other.state) == ("SUCCESS",) * 3
    assert first.refresh().state == "FAILED"
    assert len({first.id, again.id, later.id, other.id}) == 4
    assert again.original_id == first.id
    assert again.task("before").outputs["value"] == "Grace 1"
    assert other.task("before").outputs["value"] == "Alan 3"
    assert later.task("before").attempts == first.task("before").attempts
    assert {execution.id for execution in flow.executions()} == {first.id, again.id, later.id, other.id}


def test_replay_on_another_revision(kestra: Kestra) -> None:
    flow = kestra.deploy(GATED)
    first = flow.run()
    newer = flow.update(GATED.replace("{{ kv('gate') }}", "new"))

    ended = first.replay(revision=newer.revision).wait()

    assert (ended.state, ended.revision) == ("SUCCESS", newer.revision)


def test_replay_from_a_task_that_did_not_run_or_with_wrong_inputs(kestra: Kestra) -> None:
    first = kestra.deploy(GATED).run()

    with pytest.raises(UnknownNameError, match=r"no task 'gtae' in the flow gated; did you mean 'gate'\?"):
        first.replay(from_task="gtae")
    with pytest.raises(InputError, match="has no input 'nam'; did you mean 'name'"):
        first.replay(inputs={"nam": "x"})
    with pytest.raises(InputError, match="'count'"):
        first.replay(inputs={"count": "many"})


def test_paused_execution_goes_on_when_it_is_resumed(kestra: Kestra) -> None:
    running = kestra.deploy(SLEEP).run_until("RUNNING")

    paused = running.pause().wait(until="PAUSED")
    assert paused.state == "PAUSED"
    ended = paused.resume().wait()

    assert ended.state == "SUCCESS"
    assert ended.path == ["sleep", "after"]
    with pytest.raises(UnexpectedStateError, match=r"^sleepy is SUCCESS, so it cannot be paused: "):
        ended.pause()
    with pytest.raises(UnexpectedStateError, match=r"^sleepy is SUCCESS, not PAUSED, so nothing resumes"):
        ended.resume()


def test_wait_for_a_state_that_can_no_longer_come_ends_at_once(kestra: Kestra) -> None:
    running = kestra.deploy(SLEEP.replace("PT10S", "PT5M")).run_until("RUNNING")

    with pytest.raises(UnexpectedStateError, match=r"^sleepy is RUNNING and never was QUEUED"):
        running.wait(until="QUEUED", timeout=WAIT_S)


def test_expressions_are_kestras_own(kestra: Kestra) -> None:
    execution = kestra.deploy(GATED).run()

    assert execution.evaluate("{{ outputs.before.value | upper }}") == "ADA 1"
    assert execution.evaluate("{{ taskrun.id }}", execution.task("before")) == execution.task("before").id
    with pytest.raises(ExpressionError, match=r"^\{\{ 1 \| uper \}\} in the execution of gated: .*uper"):
        execution.evaluate("{{ 1 | uper }}")


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("{{ outputs.befor.value }}", "there is no outputs.befor; did you mean 'before'? It has: before."),
        ("{{ outputs.before.valu }}", "there is no outputs.before.valu; did you mean 'value'? It has: value."),
        ("{{ inputs.nmae }}", "there is no inputs.nmae; did you mean 'name'? It has: "),
        ("{{ outputs.before.value }}\n{{ inptus.name }}", "there is no variable 'inptus'; did you mean 'inputs'?"),
        ("{{ vars.region }}", "there is no variable 'vars'. It has: flow, execution, inputs, outputs, labels."),
    ],
)
def test_name_that_an_expression_lacks_is_told_with_the_nearest(kestra: Kestra, expression: str, told: str) -> None:
    execution = kestra.deploy(GATED).run()

    with pytest.raises(ExpressionError) as raised:
        execution.evaluate(expression)

    assert str(raised.value).startswith(f"{expression} in the execution of gated: {told}")


def test_name_that_an_expression_of_a_task_run_lacks(kestra: Kestra) -> None:
    execution = kestra.deploy(GATED).run()

    with pytest.raises(ExpressionError, match=r"there is no taskrun\.valeu; did you mean 'value'\?"):
        execution.evaluate("{{ taskrun.valeu }}", execution.task("before"))


def test_executions_are_found_by_what_they_are(kestra: Kestra) -> None:
    flow = kestra.deploy(GATED)
    failed = flow.run(labels={"team": "a"})
    kestra.kv["gate"] = "open"
    between = datetime.now(timezone.utc)
    fine = flow.run(labels={"team": "b", "kind": "x"})

    def found(**conditions: object) -> list[str]:
        return [execution.id for execution in flow.executions(**conditions)]  # type: ignore[arg-type]

    assert found() == [failed.id, fine.id]
    assert found(state="FAILED") == [failed.id]
    assert found(state={"SUCCESS", "WARNING"}) == [fine.id]
    assert found(labels={"team": "a"}) == [failed.id]
    assert found(labels={"team": "b", "kind": "x"}) == [fine.id]
    assert found(labels={"team": "b", "kind": "y"}) == []
    assert found(since=between) == [fine.id]
    assert found(since=(between + timedelta(days=1)).date()) == []
    with pytest.raises(UnknownNameError, match="no state 'FALED' in Kestra; did you mean 'FAILED'"):
        found(state="FALED")
    with pytest.raises(UnknownNameError, match="no trigger 'daily' in the flow gated: it has none"):
        found(trigger="daily")
    with pytest.raises(KestraError, match="`since`: 'yesterday' is not a date such as"):
        found(since="yesterday")


CHAIN = """\
id: {flow}
namespace: company.team
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hello}}
"""
AFTER = (
    CHAIN.format(flow="after")
    + """\
triggers:
  - id: chained
    type: io.kestra.plugin.core.trigger.Flow
"""
)
OF_FIRST = "[{namespace: company.team, flowId: first, states: [SUCCESS]}]\n"


def test_executions_that_nobody_called_are_awaited(kestra: Kestra) -> None:
    first = kestra.deploy(CHAIN.format(flow="first"))
    waits = "    dependsOn: " if is_two(kestra.client) else "    preconditions:\n      id: first\n      flows: "
    after = kestra.deploy(AFTER + waits + OF_FIRST)

    one = first.run()
    chained = kestra.wait_for_execution(flow=after, triggered_by=one)
    two = first.run()
    unnamed = kestra.wait_for_execution(after)

    assert (chained.triggered_by, unnamed.triggered_by) == (one.id, two.id)
    assert chained.trigger is not None
    assert chained.trigger["variables"]["flowId"] == "first"
    assert [execution.id for execution in after.executions(trigger="chained")] == [chained.id, unnamed.id]
    assert [execution.id for execution in after.executions(triggered_by=two)] == [unnamed.id]
    assert [execution.id for execution in one.children()] == [chained.id]
    with pytest.raises(WaitTimeout, match=r"^Nothing started the flow after within 0.1 s\. Its triggers: chained \(io"):
        kestra.wait_for_execution(after, timeout=0.1)
    with pytest.raises(
        WaitTimeout, match=r"(?s)^No execution of first was started by first within 0\.1 s; .* started after\."
    ):
        kestra.wait_for_execution(first, triggered_by=one, timeout=0.1)


def test_flows_are_found_by_their_id(kestra: Kestra) -> None:
    with pytest.raises(UnknownNameError, match="no flow 'first' in this test, which has deployed none"):
        kestra.flow("first")
    deployed = kestra.deploy(CHAIN.format(flow="first"))

    assert kestra.flow("first") == deployed
    assert kestra.flow("first", deployed.namespace).run().state == "SUCCESS"
    with pytest.raises(UnknownNameError, match=r"no flow 'fist' in company.team.*; did you mean 'first'\?"):
        kestra.flow("fist")
    with pytest.raises(UnknownNameError, match=r"no flow 'first' in nowhere\.at\.all: it has none"):
        kestra.flow("first", "nowhere.at.all")
    deployed.delete()
    with pytest.raises(NotFoundError):
        kestra.client.flows.get(deployed.namespace, "first")


def test_metrics_of_a_task_and_of_a_name(kestra: Kestra) -> None:
    execution = kestra.deploy("""\
id: metrics
namespace: company.team
tasks:
  - id: one
    type: io.kestra.plugin.core.metric.Publish
    metrics:
      - {type: counter, name: rows, value: 3}
      - {type: counter, name: bytes, value: 9}
  - id: two
    type: io.kestra.plugin.core.metric.Publish
    metrics: [{type: counter, name: rows, value: 4}]
""").run()

    assert sorted(metric.value for metric in execution.metrics(name="rows")) == [3, 4]
    assert {metric.name for metric in execution.metrics("one")} >= {"rows", "bytes"}
    assert [metric.value for metric in execution.metrics("two", name="rows")] == [4]
    with pytest.raises(UnknownNameError, match="no task 'three' in the flow metrics"):
        execution.metrics("three")


def test_execution_that_was_caused_otherwise_goes_with_the_test(kestra: Kestra) -> None:
    flow = kestra.deploy(GATED)
    created = kestra.client.executions.create(flow.namespace, flow.id, (), wait=True)

    assert kestra.own(created.id).id == created.id
    kestra.own(created.id)
    assert kestra.started == [created.id]
