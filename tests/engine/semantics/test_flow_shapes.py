"""What Kestra's flowable tasks, handlers, retries, limits and subflows do, on the engine that does it."""

from __future__ import annotations

import itertools
from typing import Any

import polling2
import pytest

from pytest_kestra import Execution, Flow, Kestra
from pytest_kestra.run.waiting import poll
from tests.engine.lines import is_two

CORE = "io.kestra.plugin.core"


def deploy(kestra: Kestra, body: str, name: str = "shape") -> Flow:
    # `core.log.Log` stands for a type of Kestra's own plugin.
    return kestra.deploy(f"id: {name}\nnamespace: company.team\n" + body.replace("type: core.", f"type: {CORE}."))


def run(kestra: Kestra, body: str, inputs: dict[str, Any] | None = None, **labels: str) -> Execution:
    return deploy(kestra, body).run(inputs, labels=labels or None)


def ran(execution: Execution) -> list[str]:
    return [task.task_id for task in execution.task_runs]


def states(execution: Execution) -> dict[str, str]:
    return {task.task_id: str(task.state) for task in execution.task_runs}


def value(execution: Execution, task_id: str) -> Any:
    return execution.task(task_id).outputs["value"]


# Loops


def test_for_each_runs_its_tasks_for_every_value(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: each
    type: core.flow.ForEach
    values: [a, b]
    tasks:
      - {id: first, type: core.debug.Return, format: "{{ taskrun.value }}{{ taskrun.iteration }}"}
      - {id: second, type: core.debug.Return, format: "{{ outputs.first[taskrun.value].value }}!"}
  - {id: after, type: core.debug.Return, format: "{{ outputs.second.b.value ?? 'apart' }}"}
""",
    )
    assert [execution.task("second", each).outputs["value"] for each in "ab"] == ["a0!", "b1!"]
    # On Kestra 2.0 the rounds are executions of their own.
    assert value(execution, "after") == ("apart" if is_two(kestra.client) else "b1!")


def test_for_each_takes_its_values_from_an_expression(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
inputs:
  - {id: names, type: ARRAY, itemType: STRING}
tasks:
  - id: each
    type: core.flow.ForEach
    values: "{{ inputs.names }}"
    tasks:
      - {id: name, type: core.debug.Return, format: "{{ taskrun.value }}"}
""",
        {"names": ["Ada", "Bob"]},
    )
    assert [task.value for task in execution.tasks("name")] == ["Ada", "Bob"]


@pytest.mark.parametrize(("limit", "nap", "together"), [(1, "PT0.5S", False), (0, "PT3S", True)])
def test_for_each_runs_as_many_values_at_once_as_it_may(kestra: Kestra, limit: int, nap: str, together: bool) -> None:
    execution = run(
        kestra,
        f"""
tasks:
  - id: each
    type: core.flow.ForEach
    values: [1, 2, 3]
    concurrencyLimit: {limit}
    tasks:
      - {{id: nap, type: core.flow.Sleep, duration: {nap}}}
""",
    )
    naps = [task.history for task in execution.tasks("nap")]
    first_end = min(history[-1].date for history in naps)
    last_start = max(history[0].date for history in naps)
    assert (last_start < first_end) is together


ITEMS = """
tasks:
  - id: items
    type: core.storage.Write
    content: "1\\n2\\n3\\n"
    extension: .txt
  - id: each
    type: core.flow.ForEachItem
    items: "{{ outputs.items.uri }}"
    batch: {rows: 2}
    namespace: company.team
    flowId: child
    wait: true
    transmitFailed: true
    inputs: {lines: "{{ read(taskrun.items) }}"}
"""


@pytest.mark.kestra_requires(version="<2")
def test_for_each_item_runs_a_subflow_for_every_batch(kestra: Kestra) -> None:
    child = deploy(
        kestra,
        """
inputs:
  - {id: lines, type: STRING}
tasks:
  - {id: say, type: core.debug.Return, format: "{{ inputs.lines }}"}
""",
        "child",
    )
    execution = run(kestra, ITEMS)

    assert execution.state == "SUCCESS"
    assert sorted(value(each, "say") for each in child.executions()) == ["1\n2\n", "3\n"]
    assert execution.task("each_items").outputs["numberOfBatches"] == 2


@pytest.mark.kestra_requires(version="<2")
def test_for_each_item_fails_with_a_subflow(kestra: Kestra) -> None:
    deploy(
        kestra,
        """
inputs:
  - {id: lines, type: STRING}
tasks:
  - {id: odd, type: core.execution.Fail, condition: "{{ inputs.lines contains '3' }}"}
""",
        "child",
    )
    assert run(kestra, ITEMS).state == "FAILED"


LOOP = """
tasks:
  - id: loop
    type: core.flow.LoopUntil
    condition: "{{ outputs.count.value == '3' }}"
    checkFrequency: {interval: PT0.05S, maxIterations: %d}
    failOnMaxReached: true
    tasks:
      - {id: count, type: core.debug.Return, format: "{{ outputs.loop.iterationCount }}"}
"""


def test_loop_until_its_condition_is_true(kestra: Kestra) -> None:
    execution = run(kestra, LOOP % 10)
    assert execution.state == "SUCCESS"
    assert execution.task("loop").outputs["iterationCount"] == 3


def test_loop_that_takes_too_many_rounds(kestra: Kestra) -> None:
    assert run(kestra, LOOP % 2).state == "FAILED"


# Branches


def test_parallel_runs_its_tasks_together(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: both
    type: core.flow.Parallel
    tasks:
      - {id: left, type: core.flow.Sleep, duration: PT0.5S}
      - {id: right, type: core.flow.Sleep, duration: PT0.5S}
""",
    )
    left, right = execution.task("left").history, execution.task("right").history
    assert max(left[0].date, right[0].date) < min(left[-1].date, right[-1].date)


def test_dag_runs_tasks_after_those_they_depend_on(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: dag
    type: core.flow.Dag
    tasks:
      - task: {id: last, type: core.debug.Return, format: "{{ outputs.first.value }}+{{ outputs.other.value }}"}
        dependsOn: [first, other]
      - task: {id: first, type: core.debug.Return, format: one}
      - task: {id: other, type: core.debug.Return, format: two}
""",
    )
    assert value(execution, "last") == "one+two"


@pytest.mark.parametrize(("big", "branch"), [(True, "yes"), (False, "no")])
def test_if_takes_one_branch(kestra: Kestra, big: bool, branch: str) -> None:
    execution = run(
        kestra,
        """
inputs:
  - {id: big, type: BOOL}
tasks:
  - id: if
    type: core.flow.If
    condition: "{{ inputs.big }}"
    then:
      - {id: 'yes', type: core.debug.Return}
    else:
      - {id: 'no', type: core.debug.Return}
""",
        {"big": big},
    )
    assert ran(execution) == ["if", branch]
    assert execution.task("if").outputs["evaluationResult"] is big


@pytest.mark.parametrize(("colour", "branch"), [("red", "stop"), ("green", "go"), ("blue", "wait")])
def test_switch_takes_the_branch_of_a_value(kestra: Kestra, colour: str, branch: str) -> None:
    execution = run(
        kestra,
        """
inputs:
  - {id: colour, type: STRING}
tasks:
  - id: switch
    type: core.flow.Switch
    value: "{{ inputs.colour }}"
    cases:
      red:
        - {id: stop, type: core.debug.Return}
      green:
        - {id: go, type: core.debug.Return}
    defaults:
      - {id: wait, type: core.debug.Return}
""",
        {"colour": colour},
    )
    assert ran(execution) == ["switch", branch]


def test_sequential_ends_at_its_first_failure(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: group
    type: core.flow.Sequential
    tasks:
      - {id: one, type: core.debug.Return}
      - {id: two, type: core.execution.Fail}
      - {id: three, type: core.debug.Return}
""",
    )
    assert states(execution) == {"group": "FAILED", "one": "SUCCESS", "two": "FAILED"}


def test_task_runs_only_if_its_condition_is_true(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - {id: never, type: core.debug.Return, runIf: "{{ 1 == 2 }}"}
  - {id: always, type: core.debug.Return, runIf: "{{ 1 == 1 }}"}
  - {id: off, type: core.debug.Return, disabled: true}
""",
    )
    assert states(execution) == {"never": "SKIPPED", "always": "SUCCESS"}


# Failures and what follows them


def test_allow_failure_ends_its_own_tasks_only(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: group
    type: core.flow.AllowFailure
    tasks:
      - {id: fails, type: core.execution.Fail}
      - {id: not_reached, type: core.debug.Return}
    errors:
      - {id: handled, type: core.debug.Return}
  - {id: after, type: core.debug.Return}
""",
    )
    assert execution.state == "WARNING"
    assert states(execution) == {"group": "WARNING", "fails": "FAILED", "handled": "SUCCESS", "after": "SUCCESS"}


def test_failure_of_a_task_may_be_allowed(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - {id: fails, type: core.execution.Fail, allowFailure: true}
  - {id: after, type: core.debug.Return}
""",
    )
    assert (execution.state, states(execution)["after"]) == ("WARNING", "SUCCESS")


def test_errors_of_a_flow_run_after_a_failure(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - {id: fails, type: core.execution.Fail, errorMessage: no more}
  - {id: not_reached, type: core.debug.Return}
errors:
  - {id: handled, type: core.debug.Return, format: "{{ errorLogs()[0].message }} {{ execution.state }}"}
""",
    )
    assert (execution.state, ran(execution)) == ("FAILED", ["fails", "handled"])
    assert value(execution, "handled").endswith("RUNNING")


def test_errors_of_a_task_run_before_those_of_the_flow(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: group
    type: core.flow.Sequential
    tasks:
      - {id: fails, type: core.execution.Fail}
    errors:
      - {id: inner, type: core.debug.Return}
errors:
  - {id: outer, type: core.debug.Return}
""",
    )
    assert ran(execution) == ["group", "fails", "inner", "outer"]


@pytest.mark.parametrize("kind", ["debug.Return", "execution.Fail"])
def test_finally_runs_in_any_case(kestra: Kestra, kind: str) -> None:
    execution = run(
        kestra,
        f"""
tasks:
  - {{id: work, type: core.{kind}}}
finally:
  - {{id: cleanup, type: core.debug.Return, format: "{{{{ execution.state }}}}"}}
""",
    )
    assert execution.state == ("SUCCESS" if kind == "debug.Return" else "FAILED")
    assert value(execution, "cleanup") == "RUNNING"


@pytest.mark.parametrize(("kind", "state"), [("debug.Return", "SUCCESS"), ("execution.Fail", "FAILED")])
def test_after_execution_sees_the_final_state(kestra: Kestra, kind: str, state: str) -> None:
    execution = run(
        kestra,
        f"""
tasks:
  - {{id: work, type: core.{kind}}}
afterExecution:
  - {{id: report, type: core.debug.Return, format: "{{{{ execution.state }}}}"}}
""",
    )
    assert (execution.state, value(execution, "report")) == (state, state)


def test_fail_task_says_why(kestra: Kestra) -> None:
    execution = run(kestra, "\ntasks:\n  - {id: fails, type: core.execution.Fail, errorMessage: too late}\n")
    assert execution.state == "FAILED"
    assert "too late" in execution.logs(task="fails", level="ERROR").text


@pytest.mark.parametrize("state", ["SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED"])
def test_exit_ends_the_execution_in_a_state(kestra: Kestra, state: str) -> None:
    execution = run(
        kestra,
        f"""
tasks:
  - {{id: leave, type: core.execution.Exit, state: {state}}}
  - {{id: not_reached, type: core.debug.Return}}
""",
    )
    assert execution.state == state
    assert "not_reached" not in ran(execution)


# Retries and limits of time


def test_retried_task_has_one_run_with_several_attempts(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: third_time
    type: core.execution.Fail
    condition: "{{ taskrun.attemptsCount < 2 }}"
    retry: {type: constant, interval: PT0.05S, maxAttempts: 3}
""",
    )
    (task,) = execution.tasks("third_time")
    assert execution.state == "SUCCESS"
    assert [str(attempt.state) for attempt in task.attempts] == ["FAILED", "FAILED", "SUCCESS"]


# Elsewhere Kestra looks once a second for what is delayed.
@pytest.mark.kestra_requires(capability="embedded")
def test_what_is_delayed_goes_on_in_time(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: retried
    type: core.execution.Fail
    condition: "{{ taskrun.attemptsCount < 9 }}"
    retry: {type: constant, interval: PT0.01S, maxAttempts: 10}
  - id: paused
    type: core.flow.Pause
    pauseDuration: PT0.01S
""",
    )
    assert execution.state == "SUCCESS"
    starts = [attempt.start for attempt in execution.task("retried").attempts]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(starts)]
    # Kestra's own looks are a second apart, and each lets one attempt begin.
    assert min(gaps) < 0.9


def test_retries_of_a_task_end(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: never
    type: core.execution.Fail
    retry: {type: exponential, interval: PT0.05S, maxInterval: PT0.1S, maxAttempts: 2, warningOnRetry: true}
""",
    )
    assert (execution.state, len(execution.task("never").attempts)) == ("FAILED", 2)


def test_flow_retries_its_failed_task(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
retry: {type: constant, behavior: RETRY_FAILED_TASK, interval: PT0.05S, maxAttempts: 2}
tasks:
  - {id: fine, type: core.debug.Return}
  - {id: never, type: core.execution.Fail}
""",
    )
    assert execution.state == "FAILED"
    tries = [len(task.attempts) for task in execution.tasks("never")]
    # Kestra 2.0.0 runs the task beside its retry, too, where its executor hears of anything before that.
    assert tries == [2] or (is_two(kestra.client) and set(tries) == {2})
    assert len(execution.task("fine").attempts) == 1


def test_flow_retries_with_a_new_execution(kestra: Kestra) -> None:
    flow = deploy(
        kestra,
        """
retry: {type: constant, behavior: CREATE_NEW_EXECUTION, interval: PT0.05S, maxAttempts: 2}
tasks:
  - {id: never, type: core.execution.Fail}
""",
    )
    assert str(flow.run().state) in {"FAILED", "RETRIED"}
    polling2.poll(
        lambda: [str(execution.state) for execution in flow.executions()],
        check_success=lambda found: found == ["RETRIED", "FAILED"],
        step=0.05,
        timeout=600,
    )


def test_task_that_takes_too_long_fails(kestra: Kestra) -> None:
    execution = run(kestra, "\ntasks:\n  - {id: nap, type: core.flow.Sleep, duration: PT1M, timeout: PT0.2S}\n")
    assert (execution.state, states(execution)["nap"]) == ("FAILED", "FAILED")
    assert "Timeout" in execution.logs(task="nap", level="ERROR").text


SLA = """
sla:
  - {{id: limit, type: {kind}, behavior: {behavior}, labels: {{sla: missed}}}}
tasks:
  - {{id: nap, type: core.flow.Sleep, duration: {nap}}}
  - {{id: end, type: core.debug.Return, format: x}}
"""


@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED")])
def test_execution_that_takes_too_long_ends(kestra: Kestra, behavior: str, state: str) -> None:
    execution = run(kestra, SLA.format(kind="MAX_DURATION, duration: PT0.3S", behavior=behavior, nap="PT1M"))

    assert execution.state == state
    assert execution.labels["sla"] == "missed"


def test_execution_that_takes_too_long_may_go_on(kestra: Kestra) -> None:
    execution = run(kestra, SLA.format(kind="MAX_DURATION, duration: PT0.1S", behavior="NONE", nap="PT10S"))

    assert execution.state == "SUCCESS"
    assert execution.labels["sla"] == "missed"


def test_execution_in_time_misses_nothing(kestra: Kestra) -> None:
    execution = run(kestra, SLA.format(kind="MAX_DURATION, duration: PT1M", behavior="FAIL", nap="PT0.01S"))
    assert (execution.state, "sla" in execution.labels) == ("SUCCESS", False)


@pytest.mark.parametrize(
    ("expected", "state"),
    [("{{ (outputs.end.value ?? 'x') == 'x' }}", "SUCCESS"), ("{{ false }}", "FAILED")],
)
def test_assertion_about_the_execution(kestra: Kestra, expected: str, state: str) -> None:
    assertion = f'EXECUTION_ASSERTION, assert: "{expected}"'
    execution = run(kestra, SLA.format(kind=assertion, behavior="FAIL", nap="PT0.01S"))

    assert execution.state == state
    assert ("sla" in execution.labels) is (state == "FAILED")


# Outputs, subflows and the rest


def test_flow_has_outputs(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - {id: say, type: core.debug.Return, format: "41"}
outputs:
  - {id: text, type: STRING, value: "{{ outputs.say.value }}"}
  - {id: number, type: INT, value: "{{ outputs.say.value }}"}
""",
    )
    assert execution.outputs == {"text": "41", "number": 41}


CHILD = """
inputs:
  - {id: who, type: STRING, defaults: nobody}
tasks:
  - {id: greet, type: core.debug.Return, format: "hello {{ inputs.who }}"}
  - {id: maybe, type: core.execution.Fail, condition: "{{ inputs.who == 'nobody' }}"}
outputs:
  - {id: greeting, type: STRING, value: "{{ outputs.greet.value }}"}
"""
PARENT = """
labels: {team: blue}
tasks:
  - id: call
    type: core.flow.Subflow
    namespace: company.team
    flowId: child
    %s
  - {id: after, type: core.debug.Return, format: "{{ outputs.call.outputs.greeting ?? 'none' }}"}
"""


def call(kestra: Kestra, properties: str) -> tuple[Execution, Flow]:
    child = deploy(kestra, CHILD, "child")
    return run(kestra, PARENT % properties), child


def test_subflow_gives_its_outputs(kestra: Kestra) -> None:
    parent, child = call(kestra, "inputs: {who: Ada}")
    (execution,) = child.executions()

    assert value(parent, "after") == "hello Ada"
    assert [one.id for one in parent.children()] == [execution.id]
    assert execution.inputs == {"who": "Ada"}


@pytest.mark.parametrize("inherit", ["true", "false"])
def test_subflow_may_inherit_labels(kestra: Kestra, inherit: str) -> None:
    _, child = call(kestra, f"inheritLabels: {inherit}")
    (execution,) = child.executions()

    assert ("team" in execution.labels) is (inherit == "true")


@pytest.mark.parametrize(("transmit", "state"), [("true", "FAILED"), ("false", "SUCCESS")])
def test_failure_of_a_subflow_may_be_transmitted(kestra: Kestra, transmit: str, state: str) -> None:
    parent, child = call(kestra, f"transmitFailed: {transmit}")

    assert [str(execution.state) for execution in child.executions()] == ["FAILED"]
    assert parent.state == state


def test_subflow_is_not_waited_for(kestra: Kestra) -> None:
    deploy(kestra, "\ntasks:\n  - {id: nap, type: core.flow.Sleep, duration: PT1M}\n", "child")
    parent = run(kestra, PARENT % "wait: false")

    assert (parent.state, value(parent, "after")) == ("SUCCESS", "none")
    (child,) = poll(parent.children, bool, 60)
    assert str(child.state) in {"CREATED", "RUNNING"}
    assert child.kill().state == "KILLED"


def test_tasks_of_a_working_directory_share_files(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
tasks:
  - id: folder
    type: core.flow.WorkingDirectory
    inputFiles: {given.txt: "one"}
    tasks:
      - {id: copy, type: io.kestra.plugin.scripts.shell.Script, script: "cat given.txt > made.txt"}
      - {id: show, type: io.kestra.plugin.scripts.shell.Script, script: "cat made.txt; echo"}
""",
    )
    assert execution.state == "SUCCESS"
    assert "one" in execution.logs(task="show", level="INFO").messages


def test_output_files_of_a_working_directory_are_never_lost(kestra: Kestra) -> None:
    flow = kestra.deploy(
        """\
id: directory
namespace: company.shapes
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*.txt"]
    tasks:
      - {id: one, type: io.kestra.plugin.scripts.shell.Script, script: "echo 1 > one.txt"}
      - id: many
        type: io.kestra.plugin.scripts.shell.Script
        script: for number in $(seq 200); do echo $number > $number.txt; done
"""
    )
    for execution in [execution.wait() for execution in [flow.start() for _ in range(4)]]:
        files = execution.task("folder").outputs["outputFiles"]
        assert files.keys() == {"one.txt", *(f"{number}.txt" for number in range(1, 201))}
        assert execution.file(files["200.txt"]).text() == "200\n"


@pytest.mark.kestra_requires(version="<2")
def test_defaults_of_plugins(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
pluginDefaults:
  - {type: io.kestra.plugin.core.debug.Return, values: {format: usual}}
  - {type: io.kestra.plugin.core.log, values: {level: ERROR}, forced: true}
tasks:
  - {id: usual, type: core.debug.Return}
  - {id: own, type: core.debug.Return, format: own}
  - {id: loud, type: core.log.Log, message: help, level: DEBUG}
""",
    )
    assert (value(execution, "usual"), value(execution, "own")) == ("usual", "own")
    assert execution.logs(task="loud", level="ERROR").messages == ["help"]


def test_task_adds_labels(kestra: Kestra) -> None:
    execution = run(
        kestra,
        """
labels: {team: blue}
tasks:
  - {id: say, type: core.debug.Return, format: "7"}
  - {id: label, type: core.execution.Labels, labels: {order: "{{ outputs.say.value }}", team: red}}
""",
        None,
        given="yes",
    )
    labels = {key: label for key, label in execution.labels.items() if not key.startswith("system.")}
    assert labels == {"team": "red", "order": "7", "given": "yes"}
