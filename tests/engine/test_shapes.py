"""The path of an execution, and finding task runs in loops of loops."""

from __future__ import annotations

import pytest

from pytest_kestra import Kestra, KestraError, UnknownNameError

FLOW = """\
id: shapes
namespace: company.team
inputs:
  - {id: fail, type: BOOL, defaults: false}
tasks:
  - {id: first, type: io.kestra.plugin.core.log.Log, message: hello}
  - id: never
    type: io.kestra.plugin.core.log.Log
    message: no
    runIf: "{{ false }}"
  - {id: unused, type: io.kestra.plugin.core.log.Log, message: no, disabled: true}
  - id: outer
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - id: inner
        type: io.kestra.plugin.core.flow.ForEach
        values: [1, 2]
        tasks:
          - id: leaf
            type: io.kestra.plugin.core.debug.Return
            format: "{{ parent.taskrun.value }}{{ taskrun.value }}"
  - id: both
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: left, type: io.kestra.plugin.core.log.Log, message: l}
      - {id: right, type: io.kestra.plugin.core.log.Log, message: r}
  - id: choice
    type: io.kestra.plugin.core.flow.If
    condition: "{{ inputs.fail }}"
    then:
      - {id: fail, type: io.kestra.plugin.core.execution.Fail}
    else:
      - {id: fine, type: io.kestra.plugin.core.log.Log, message: fine}
errors:
  - {id: alarm, type: io.kestra.plugin.core.log.Log, message: alarm}
"""
LOOPS = [
    *("outer", "inner[a]", "leaf[a][1]", "leaf[a][2]"),
    *("inner[b]", "leaf[b][1]", "leaf[b][2]"),
]


def test_path_is_what_ran_in_its_order(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()

    assert execution.path == ["first", *LOOPS, "both", {"left", "right"}, "choice", "fine"]
    counts = execution.path.counts
    assert (counts["first"], counts["outer"], counts["inner"], counts["leaf"]) == (1, 1, 2, 4)
    assert set(counts) == {"first", "outer", "inner", "leaf", "both", "left", "right", "choice", "fine"}
    assert execution.path.only("first", "fine") == ["first", "fine"]
    assert execution.skipped == ["never", "unused", "fail", "alarm"]
    assert execution.task("never").state == "SKIPPED"


def test_path_of_a_failure_has_its_handler(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run({"fail": True})

    assert execution.path.only("choice", "fail", "fine", "alarm") == ["choice", "fail", "alarm"]
    assert execution.path[-1] == "alarm"
    assert "fine" in execution.skipped


def test_run_in_a_loop_of_loops_is_chosen_by_all_its_values(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()
    leaf = execution.task("leaf", ("b", 1))

    assert (leaf.outputs["value"], leaf.values, leaf.value, leaf.iteration) == ("b1", ("b", "1"), "1", 0)
    assert leaf.name == "leaf[b][1]"
    assert execution.logs(value=("b", 1), matching="b1").messages == ["b1"]
    assert execution.logs("leaf", value=2).messages == ["a2", "b2"]
    with pytest.raises(KestraError, match=r"'leaf' ran 2 times .* one of \('a', '2'\), \('b', '2'\), or take all"):
        execution.task("leaf", 2)
    with pytest.raises(UnknownNameError, match=r"no run of the task 'leaf' for the value \"\('c', '1'\)\" "):
        execution.task("leaf", ("c", 1))


def test_task_that_did_not_run_is_none_of_the_runs(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()

    assert execution.tasks("alarm") == []
    assert execution.logs("alarm") == ()
    with pytest.raises(
        UnknownNameError,
        match=r"^The task 'alarm' did not run: it handles errors, and no task failed\. It is at <text>:\d+ in the "
        r"flow; these did: first, never, outer,",
    ):
        execution.task("alarm")


ABSENT = """\
id: absent
namespace: company.team
inputs:
  - {id: fail, type: BOOL, defaults: false}
tasks:
  - id: decide
    type: io.kestra.plugin.core.flow.If
    condition: "{{ inputs.fail }}"
    then:
      - {id: fail, type: io.kestra.plugin.core.execution.Fail}
    else:
      - id: kind
        type: io.kestra.plugin.core.flow.Switch
        value: big
        cases:
          small: [{id: small, type: io.kestra.plugin.core.log.Log, message: small}]
          big: [{id: big, type: io.kestra.plugin.core.log.Log, message: big}]
  - {id: idle, type: io.kestra.plugin.core.log.Log, message: idle, disabled: true}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: []
    tasks: [{id: round, type: io.kestra.plugin.core.log.Log, message: round}]
  - id: skipped
    type: io.kestra.plugin.core.flow.Sequential
    runIf: "{{ false }}"
    tasks: [{id: inner, type: io.kestra.plugin.core.log.Log, message: inner}]
  - {id: end, type: io.kestra.plugin.core.execution.Exit}
  - {id: late, type: io.kestra.plugin.core.log.Log, message: late}
"""


@pytest.mark.parametrize(
    ("fail", "task", "why"),
    [
        (False, "fail", "`then` of 'decide' was not taken, since its condition was false"),
        (False, "small", "`cases.small` of 'kind' was not taken, since its value was 'big'"),
        (True, "small", "'kind', which it is in, did not run: `else` of 'decide' was not taken, since its condition "),
        (False, "idle", "it is disabled"),
        (False, "round", "the loop 'each' had no round"),
        (False, "inner", "'skipped', which it is in, was skipped by its `runIf`"),
        (False, "late", "the task 'end' ended the execution"),
        (True, "late", "the task 'decide' failed before it"),
    ],
)
def test_why_a_task_did_not_run(kestra: Kestra, fail: bool, task: str, why: str) -> None:
    execution = kestra.deploy(ABSENT).run({"fail": fail})

    with pytest.raises(UnknownNameError) as raised:
        execution.task(task)
    assert str(raised.value).startswith(f"The task {task!r} did not run: {why}")


def test_task_that_has_not_run_yet(kestra: Kestra) -> None:
    tasks = "  - {id: pause, type: io.kestra.plugin.core.flow.Pause}\n"
    tasks += "  - {id: then, type: io.kestra.plugin.core.log.Log, message: then}\n"
    paused = kestra.deploy(ABSENT.split("  - id: decide")[0] + tasks).run_until("PAUSED")

    with pytest.raises(UnknownNameError, match=r"'then' did not run: the execution was PAUSED when this was read"):
        paused.task("then")


def test_states_and_dates_of_a_course(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()
    run = execution.task("first")

    assert execution.states == ["CREATED", "RUNNING", "SUCCESS"]
    assert execution.duration is not None
    assert execution.end == execution.start + execution.duration
    assert (run.states[0], run.states[-1]) == ("CREATED", "SUCCESS")
    assert execution.start <= run.start <= run.attempts[0].start
    assert execution.when("RUNNING") == execution.history[1].date
    assert execution.when("PAUSED") is None


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda e: e.task("leaf", ("a", 1)).outputs["valu"], "no output 'valu' in the task leaf; did you mean 'value'"),
        (lambda e: e.outputs["total"], "no output 'total' in the execution of shapes: it has none"),
        (lambda e: e.inputs["fial"], "no input 'fial' in the execution of shapes; did you mean 'fail'"),
        (lambda e: e.labels["team"], "no label 'team' in the execution of shapes: it has none"),
    ],
)
def test_names_that_are_not_there_are_told_with_the_nearest(kestra: Kestra, ask: object, told: str) -> None:
    execution = kestra.deploy(FLOW).run()

    assert callable(ask)
    with pytest.raises(UnknownNameError, match=told):
        ask(execution)
    with pytest.raises(KeyError):
        ask(execution)


POLLING = """\
id: polling
namespace: company.team
tasks:
  - id: until
    type: io.kestra.plugin.core.flow.LoopUntil
    condition: "{{ outputs.until.iterationCount >= 4 }}"
    checkFrequency: {interval: PT0.05S, maxIterations: 10}
    tasks:
      - {id: ask, type: io.kestra.plugin.core.log.Log, message: "round {{ outputs.until.iterationCount }}"}
"""


def test_logs_of_a_task_are_those_of_all_rounds(kestra: Kestra) -> None:
    execution = kestra.deploy(POLLING).run()

    messages = execution.logs(task="ask").messages
    assert len(messages) >= 3
    assert messages == [message for message in execution.logs().messages if message.startswith("round")]
