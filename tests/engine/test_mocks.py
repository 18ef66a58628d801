"""Mocks of tasks: what stands in a flow where something would reach out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from pytest_kestra import (
    Answer,
    Call,
    Client,
    Kestra,
    Mock,
    MockError,
    UnexpectedCallsError,
    UnknownNameError,
)
from pytest_kestra.settings import SIDE_EFFECTS
from tests.engine.lines import is_two

pytestmark = pytest.mark.kestra_requires(capability="mocks")

FETCH = """
id: shop
namespace: company.shop
inputs:
  - {id: host, type: STRING, defaults: nowhere.invalid}
tasks:
  - id: fetch
    type: io.kestra.plugin.core.http.Request
    method: PUT
    timeout: PT50S
    uri: "http://{{ inputs.host }}/prices"
    retry: {type: constant, interval: PT0.01S, maxAttempts: 3}
    headers: {x-page: "{{ 1 + 1 }}"}
  - id: told
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.fetch.body ?? 'nothing' }}"
"""
LOOP = """
id: loop
namespace: company.shop
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - id: send
        type: io.kestra.plugin.core.debug.Return
        format: "real {{ taskrun.value }}"
  - id: last
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.send ?? 'skipped' }}"
"""
PARENT = """
id: parent
namespace: company.shop
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.shop
    flowId: shop
    wait: true
    transmitFailed: true
"""


def test_outputs_are_rendered_and_the_call_is_told(kestra: Kestra) -> None:
    fetch = kestra.mock("fetch", {"body": "of {{ flow.id }}", "code": 200})
    execution = kestra.deploy(FETCH).run()

    assert execution.state == "SUCCESS"
    assert execution.task("told").outputs["value"] == "of shop"
    (call,) = fetch.calls
    assert call.properties == {
        "uri": "http://nowhere.invalid/prices",
        "method": "PUT",
        "headers": {"x-page": "2"},
    }
    assert (call.task_id, call.flow_id, call.execution_id) == ("fetch", "shop", execution.id)
    assert (call.value, call.attempt) == (None, 1)
    assert execution.history[0].date <= call.time <= execution.history[-1].date
    fetch.assert_called_once_with(uri="http://nowhere.invalid/prices", method="PUT")


@pytest.mark.kestra_requires(version="<2")
def test_defaults_of_plugins_are_told(kestra: Kestra) -> None:
    fetch = kestra.mock("fetch", {"body": "x"})
    defaults = "pluginDefaults: [{type: io.kestra.plugin.core.http.Request, values: {method: PUT, timeout: PT50S}}]\n"
    kestra.deploy(FETCH.replace("    method: PUT\n    timeout: PT50S\n", "") + defaults).run()

    fetch.assert_called_once_with(method="PUT", timeout="PT50S")


def test_deployed_flow_is_mocked_too_and_a_block_ends_it(kestra: Kestra) -> None:
    flow = kestra.deploy(LOOP)
    with kestra.mock("send", {"value": "mocked"}) as send:
        assert flow.run().tasks("send")[0].outputs["value"] == "mocked"
    after = flow.run()

    assert [run.outputs["value"] for run in after.tasks("send")] == ["real a", "real b"]
    assert send.call_count == 2
    assert {call.value for call in send.calls} == {"a", "b"}
    assert flow.tasks["send"]["type"] == "io.kestra.plugin.core.debug.Return"


def test_one_iteration_only(kestra: Kestra) -> None:
    send = kestra.mock("send", {"value": "mocked"}, value="b")
    execution = kestra.deploy(LOOP).run()

    assert execution.task("send", "a").outputs["value"] == "real a"
    assert execution.task("send", "b").outputs["value"] == "mocked"
    assert [call.value for call in send.calls] == ["b"]


def test_one_iteration_of_a_task_deeper_in_a_loop(kestra: Kestra) -> None:
    inner = """      - id: only
        type: io.kestra.plugin.core.flow.If
        condition: "{{ true }}"
        then:
          - id: both
            type: io.kestra.plugin.core.flow.Sequential
            tasks:
              - {id: send, type: io.kestra.plugin.core.debug.Return, format: real}
"""
    start, end = LOOP.index("      - id: send"), LOOP.index("  - id: last")
    send = kestra.mock("send", {"value": "mocked"}, value="b")
    execution = kestra.deploy(LOOP[:start] + inner + LOOP[end:]).run()

    assert [execution.task("send", value).outputs["value"] for value in "ab"] == ["real", "mocked"]
    assert [call.value for call in send.calls] == ["b"]


@pytest.mark.parametrize("kind", ["Subflow", "Pause", "Sequential"])
def test_one_iteration_of_what_kestra_does_itself(kestra: Kestra, kind: str) -> None:
    more = {"Subflow": "namespace: a.b, flowId: c", "Pause": "pauseDuration: PT1H", "Sequential": ""}[kind]
    tasks = more or "tasks: [{id: x, type: io.kestra.plugin.core.debug.Return, format: x}]"
    start, end = LOOP.index("      - id: send"), LOOP.index("  - id: last")
    inner = f"      - {{id: send, type: io.kestra.plugin.core.flow.{kind}, {tasks}}}\n"
    flow = kestra.deploy(LOOP[:start] + inner + LOOP[end:])

    with pytest.raises(
        MockError, match=r"^<text>:9: send cannot be mocked for one iteration only, since Kestra itself "
    ):
        kestra.mock("send", value="b")
    send = kestra.mock("send", side_effect=lambda call: "WARNING" if call.value == "b" else None)
    execution = flow.run()
    assert [execution.task("send", value).state for value in "ab"] == ["SUCCESS", "WARNING"]
    assert sorted(str(call.value) for call in send.calls) == ["a", "b"]


def test_each_iteration_by_a_mock_of_its_own(kestra: Kestra) -> None:
    kestra.mock("send", {"value": "all"})
    kestra.mock("send", {"value": "only b"}, value="b")
    execution = kestra.deploy(LOOP).run()

    assert [execution.task("send", value).outputs["value"] for value in ("a", "b")] == ["all", "only b"]


@pytest.mark.parametrize(
    ("state", "task", "execution"),
    [
        ("SUCCESS", "SUCCESS", "SUCCESS"),
        ("WARNING", "WARNING", "WARNING"),
        ("FAILED", "FAILED", "FAILED"),
        ("SKIPPED", "SKIPPED", "SUCCESS"),
    ],
)
def test_states(kestra: Kestra, state: str, task: str, execution: str) -> None:
    kestra.mock("send", state=state)
    kestra.deploy(LOOP)
    ended = kestra.deploy(LOOP).run()

    assert ended.task("send", "a").state == task
    # A loop of Kestra 2.0 forgets the warnings of its rounds.
    assert ended.state == ("SUCCESS" if state == "WARNING" and is_two(kestra.client) else execution)


def test_error_is_logged_and_fails_the_task(kestra: Kestra) -> None:
    kestra.mock("send", error="no letter today")
    execution = kestra.deploy(LOOP).run()

    assert execution.state == "FAILED"
    assert execution.logs(task="send", level="ERROR").messages[0] == "no letter today"


def test_retries_get_one_answer_after_the_other(kestra: Kestra) -> None:
    fetch = kestra.mock("fetch", side_effect=["FAILED", ConnectionError("no host"), {"body": "at last"}])
    execution = kestra.deploy(FETCH).run()

    assert execution.task("told").outputs["value"] == "at last"
    assert [attempt.state for attempt in execution.task("fetch").attempts] == ["FAILED", "FAILED", "SUCCESS"]
    assert execution.logs(task="fetch").messages == ["The mock of this task fails.", "ConnectionError: no host"]
    assert [call.attempt for call in fetch.calls] == [1, 2, 3]


def test_more_calls_than_answers(kestra: Kestra) -> None:
    kestra.mock("send", side_effect=[{"value": "only"}], value="b")
    kestra.mock("last", side_effect=[{"value": "first"}, {"value": "second"}])
    flow = kestra.deploy(LOOP)
    first, second = flow.run(), flow.run()

    assert (first.state, second.state) == ("SUCCESS", "FAILED")
    assert first.task("send", "b").outputs["value"] == "only"
    assert second.logs(task="send", level="ERROR").messages == ["This is call 2 of a mock that has one answer."]


def test_more_calls_than_several_answers(kestra: Kestra) -> None:
    kestra.mock("last", side_effect=[{"value": "first"}, {"value": "second"}])
    flow = kestra.deploy(LOOP)
    runs = [flow.run() for _ in range(3)]

    assert [run.state for run in runs] == ["SUCCESS", "SUCCESS", "FAILED"]
    assert runs[2].logs(task="last").messages == ["This is call 3 of a mock that has 2 answers."]


def test_one_answer_that_is_no_sequence_is_for_all_calls(kestra: Kestra) -> None:
    send = kestra.mock("send", side_effect={"value": "always"})
    kestra.deploy(LOOP).run()

    assert send.call_count == 2


def test_function_answers(kestra: Kestra) -> None:
    def priced(call: Call) -> dict[str, object]:
        if call.attempt == 1:
            raise LookupError("not yet")
        return {"body": f"{{{{ not rendered }}}} {call.properties['uri']}"}

    fetch = kestra.mock("fetch", side_effect=priced)
    execution = kestra.deploy(FETCH).run(inputs={"host": "here"})

    assert execution.task("told").outputs["value"] == "{{ not rendered }} http://here/prices"
    (message,) = execution.logs(task="fetch").messages
    assert message.startswith("LookupError: not yet (test_mocks.py:")
    assert fetch.call_count == 2


def test_function_may_answer_with_all_that_a_mock_can(kestra: Kestra) -> None:
    kestra.mock("send", side_effect=lambda call: Answer({"value": "w"}, state="WARNING") if call.value == "a" else None)
    execution = kestra.deploy(LOOP).run()

    assert (execution.task("send", "a").state, execution.task("send", "a").outputs) == ("WARNING", {"value": "w"})
    assert execution.task("send", "b").state == "SUCCESS"


def test_timeout_of_the_task_ends_a_delay(kestra: Kestra) -> None:
    slow = LOOP.replace('format: "real', 'timeout: PT2S\n        format: "real')
    kestra.mock("send", {"value": "late"}, delay=timedelta(minutes=5))
    execution = kestra.deploy(slow).run()

    assert execution.task("send", "a").state == "FAILED"


def test_delay_takes_its_time(kestra: Kestra) -> None:
    kestra.mock("last", {"value": "late"}, delay=0.3)

    duration = kestra.deploy(LOOP).run().task("last").duration

    assert duration is not None
    assert duration >= timedelta(seconds=0.3)


def test_tasks_of_a_type_by_a_pattern(kestra: Kestra) -> None:
    requests = kestra.mock(type="io.kestra.plugin.core.http.*", outputs={"body": "any"})
    kestra.mock(type="io.kestra.plugin.core.debug.Return", flow="loop", outputs={"value": "here only"})
    shop, loop = kestra.deploy(FETCH).run(), kestra.deploy(LOOP).run()

    assert (shop.task("told").outputs["value"], loop.task("last").outputs["value"]) == ("any", "here only")
    assert [call.task_id for call in requests.calls] == ["fetch"]


def test_plugin_that_is_not_installed(kestra: Kestra) -> None:
    flow = FETCH.replace("io.kestra.plugin.core.http.Request", "io.kestra.plugin.jdbc.postgresql.Query")
    kestra.mock("fetch", {"body": "rows", "whatever": 1})

    assert kestra.deploy(flow).run().task("told").outputs["value"] == "rows"


def test_condition_goes_on_working(kestra: Kestra) -> None:
    fetch = kestra.mock("fetch", {"body": "x"}, required=False)
    execution = kestra.deploy(FETCH.replace('uri: "http', 'runIf: "{{ inputs.host == \'up\' }}"\n    uri: "http')).run()

    assert execution.task("fetch").state == "SKIPPED"
    fetch.assert_not_called()


def test_broken_expression_is_seen(kestra: Kestra) -> None:
    broken = FETCH.replace("inputs.host", "inputs.hots")
    fetch = kestra.mock("fetch", {"body": "x"})
    seen = kestra.deploy(broken).run()
    kestra.mock("fetch", {"body": "x"}, render=False)
    hidden = kestra.deploy(broken).run()

    assert seen.state == "FAILED"
    assert "hots" in seen.logs(task="fetch", level="ERROR").text
    assert "{{ inputs.hots }}" in fetch.calls[0].properties["uri"]
    assert hidden.state == "SUCCESS"


def test_loop_as_a_whole(kestra: Kestra) -> None:
    each = kestra.mock("each")
    execution = kestra.deploy(LOOP).run()

    assert execution.task("last").outputs["value"] == "skipped"
    assert execution.path == ["each", "last"]
    each.assert_called_once_with(values=["a", "b"])


def test_what_only_the_task_itself_can_render_stays_as_it_is(kestra: Kestra) -> None:
    condition = "{{ outputs.told.value == '4' }}"
    until = f"""  - id: until
    type: io.kestra.plugin.core.flow.LoopUntil
    condition: "{condition}"
    tasks: [{{id: told, type: io.kestra.plugin.core.debug.Return, format: x}}]
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.shop
    flowId: other
    inputs: {{day: "{{{{ flow.id }}}}"}}
    outputs: {{theirs: "{{{{ outputs.theirs.value }}}}"}}
"""
    if is_two(kestra.client):  # whose subflows have no outputs of the caller's
        until = until.replace('    outputs: {theirs: "{{ outputs.theirs.value }}"}\n', "")
    mocks = [kestra.mock(name) for name in ("until", "call")]
    execution = kestra.deploy(LOOP + until).run()

    assert execution.state == "SUCCESS"
    mocks[0].assert_called_once_with(condition=condition)
    mocks[1].assert_called_once_with(inputs={"day": "loop"})
    if not is_two(kestra.client):
        mocks[1].assert_called_once_with(outputs={"theirs": "{{ outputs.theirs.value }}"})


@pytest.mark.kestra_requires(version=">=2")
def test_outputs_of_a_loop_are_not_those_of_its_mock(kestra: Kestra) -> None:
    outputs = "    outputs: [{id: x, type: STRING, value: '{{ outputs.send.value }}'}]\n"
    each = kestra.mock("each")

    assert (
        kestra.deploy(LOOP.replace("    values: [a, b]\n", f"    values: [a, b]\n{outputs}")).run().state == "SUCCESS"
    )
    assert each.calls[0].properties["outputs"][0]["value"] == "{{ outputs.send.value }}"


def test_folders_of_a_script_are_known(kestra: Kestra) -> None:
    script = """  - id: script
    type: io.kestra.plugin.scripts.shell.Script
    script: "ls {{ workingDir }} > {{ outputDir }}/x && echo {{ flow.id }}"
"""
    mock = kestra.mock("script")

    assert kestra.deploy(LOOP + script).run().state == "SUCCESS"
    assert re.fullmatch(r"ls /\S+ > /\S+/x && echo loop", mock.calls[0].properties["script"])


def test_pause(kestra: Kestra) -> None:
    pause = LOOP.replace("  - id: last", "  - {id: wait, type: io.kestra.plugin.core.flow.Pause}\n  - id: last")
    kestra.mock("wait", {"onResume": {"approved": True}}, check=False)

    assert kestra.deploy(pause).run().state == "SUCCESS"


def test_subflow_call_and_task_in_a_subflow(kestra: Kestra) -> None:
    fetch = kestra.mock("fetch", {"body": "in the subflow"})
    kestra.deploy(FETCH)
    parent = kestra.deploy(PARENT)

    (child,) = parent.run().children()
    assert child.task("told").outputs["value"] == "in the subflow"
    with kestra.mock("call") as call:
        assert parent.run().children() == []
    call.assert_called_once_with(flowId="shop")
    assert fetch.call_count == 1


def test_flow_that_a_trigger_starts(kestra: Kestra) -> None:
    hook = "triggers:\n  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: abc}\n"
    fetch = kestra.mock("fetch", {"body": "x"})
    flow = kestra.deploy(FETCH + hook)

    assert flow.trigger("hook").webhook().wait().state == "SUCCESS"
    fetch.assert_called_once()


def test_calls_of_a_flow_that_is_deleted(kestra: Kestra) -> None:
    fetch = kestra.mock("fetch", {"body": "x"})
    flow = kestra.deploy(FETCH)
    flow.run()
    flow.delete()

    assert fetch.call_count == 1


def test_keys_of_calls_are_not_the_tests(kestra: Kestra) -> None:
    fetch = kestra.mock("fetch", {"body": "x"})
    flow = kestra.deploy(FETCH)
    flow.run()

    assert list(flow.kv) == []
    assert kestra.client.kv.keys(flow.namespace) != []
    fetch.required = False
    kestra.keep()
    # They may hold secrets, and would stay.
    assert kestra.client.kv.keys(flow.namespace) == []


@pytest.mark.kestra_requires(version="<2")
def test_fixtures_know_no_conditions_and_no_iterations(kestra: Kestra) -> None:
    flow = kestra.deploy(LOOP.replace('format: "real', 'runIf: "{{ nothing.at.all }}"\n        format: "real'))
    kestra.fixtures([("send", None, Answer({"value": "none"})), ("send", "b", Answer({"value": "b"}, "WARNING"))])
    execution = flow.run()

    assert (execution.task("send", "b").state, execution.task("send", "b").outputs) == ("WARNING", {"value": "b"})
    assert execution.task("send", "a").outputs == {"value": "real a"}


@pytest.mark.kestra_requires(version=">=2")
def test_fixtures_are_for_all_rounds_of_a_loop(kestra: Kestra) -> None:
    flow = kestra.deploy(LOOP)
    # The task runs in a Loop have no value, and Kestra compares that.
    kestra.fixtures([("send", None, Answer({"value": "all"})), ("send", "b", Answer({"value": "b"}))])
    execution = flow.run()

    assert [run.outputs["value"] for run in execution.tasks("send")] == ["all", "all"]


class TestBadInput:
    def test_task_that_no_flow_has(self, kestra: Kestra) -> None:
        kestra.deploy(FETCH)
        with pytest.raises(UnknownNameError) as raised:
            kestra.mock("ftech")

        assert str(raised.value) == (
            "There is no task 'ftech' in the flow shop, so nothing is mocked; did you mean 'fetch'? "
            "It has: fetch, told."
        )

    def test_flow_and_type_that_there_are_not(self, kestra: Kestra) -> None:
        kestra.deploy(FETCH)
        with pytest.raises(UnknownNameError, match=r"There is no flow 'shp' in this test; did you mean 'shop'"):
            kestra.mock("fetch", flow="shp")
        with pytest.raises(MockError, match=r"No task of the flow shop is of the type 'io.x.\*', so nothing is mocked"):
            kestra.mock(type="io.x.*")

    def test_outputs_that_the_type_has_not(self, kestra: Kestra) -> None:
        kestra.deploy(FETCH)
        with pytest.raises(MockError) as raised:
            kestra.mock("fetch", {"bdy": "x"})

        assert str(raised.value) == (
            "<text>:7: fetch is mocked with the output 'bdy', which io.kestra.plugin.core.http.Request does not have; "
            "did you mean 'body'? It has: body, code, encryptedBody, formData, headers, uri. With check=False a mock "
            "may have others."
        )
        kestra.mock("fetch", {"bdy": "x"}, check=False, required=False)

    def test_outputs_are_checked_also_for_flows_that_come_later(self, kestra: Kestra) -> None:
        kestra.mock("fetch", {"bdy": "x"}, required=False)
        with pytest.raises(MockError, match="<text>:7: fetch is mocked with the output 'bdy'"):
            kestra.deploy(FETCH)

    def test_outputs_of_functions_are_checked_when_they_are_given(self, kestra_client: Client) -> None:
        wrong = "<text>:7: fetch is mocked with the output 'bdy', which io.kestra.plugin.core.http.Request does not"
        kestra = Kestra(kestra_client, namespace="wrong")
        try:
            flow = kestra.deploy(FETCH)
            kestra.mock("fetch", side_effect=lambda _: {"bdy": "x"})
            assert wrong in flow.run().logs("fetch", level="ERROR").text
            with pytest.raises(MockError, match=wrong):
                kestra.check_mocks()
        finally:
            kestra.close()

    def test_outputs_of_functions_may_be_others(self, kestra: Kestra) -> None:
        flow = kestra.deploy(FETCH)
        kestra.mock("fetch", side_effect=lambda _: {"body": "y", "bdy": "x"}, check=False)

        assert flow.run().task("fetch").outputs["bdy"] == "x"

    def test_two_ways_at_once(self, kestra: Kestra) -> None:
        with pytest.raises(MockError, match="side_effect= says all that a mock answers"):
            kestra.mock("fetch", {"body": "x"}, side_effect=["FAILED"])

    def test_mock_that_was_never_called(self, kestra: Kestra) -> None:
        late = kestra.mock("ftech", required=False)
        unknown = kestra.mock("ftech")
        unused = kestra.mock("fetch", flow="shop")
        kestra.deploy(FETCH)

        with pytest.raises(MockError) as raised:
            kestra.check_mocks()

        assert str(raised.value).splitlines() == [
            f"{unknown.place}: the mock of 'ftech' was never called: There is no task 'ftech' in the flow shop, so "
            "nothing is mocked; did you mean 'fetch'? It has: fetch, told.",
            f"{unused.place}: the mock of 'fetch' in shop was never called: the task did not run.",
            "Remove it, or say required=False where it may be unused.",
        ]
        for mock in (late, unknown, unused):
            mock.required = False

    def test_why_a_mock_of_a_task_that_ran_was_not_called(self, kestra: Kestra) -> None:
        covered = kestra.mock("last", {"value": "first"})
        later = kestra.mock("last", {"value": "second"})
        nowhere = kestra.mock("send", {"value": "c"}, value="c")
        rest = kestra.mock("send", {"value": "of others"})
        kestra.mock("send", {"value": "a"}, value="a")
        kestra.mock("send", {"value": "b"}, value="b")
        kestra.deploy(LOOP).run()

        with pytest.raises(MockError) as raised:
            kestra.check_mocks()

        assert str(raised.value).splitlines() == [
            f"{covered.place}: the mock of 'last' was never called: the one of {later.place}, which is later, has "
            "answered instead.",
            f"{nowhere.place}: the mock of 'send' for the iteration 'c' was never called: the task did not run in "
            "that iteration.",
            f"{rest.place}: the mock of 'send' was never called: others have answered for the iterations in which "
            "the task ran.",
            "Remove it, or say required=False where it may be unused.",
        ]
        for mock in (covered, nowhere, rest):
            mock.required = False

    def test_call_that_is_another(self, kestra: Kestra) -> None:
        fetch = kestra.mock("fetch", {"body": "x"})
        kestra.deploy(FETCH).run()

        with pytest.raises(UnexpectedCallsError, match="uri: expected 'x', but it was 'http://nowhere"):
            fetch.assert_called_with(uri="x")


@pytest.fixture
def strict(kestra: Kestra) -> Kestra:
    """Return Kestra as `--kestra-strict-mocks` makes it."""
    kestra._mocks._side_effects = SIDE_EFFECTS
    return kestra


class TestStrict:
    def test_unmocked_task_keeps_the_flow_from_running(self, strict: Kestra) -> None:
        flow = strict.deploy(FETCH)
        with pytest.raises(MockError) as raised:
            flow.run()

        assert str(raised.value).splitlines() == [
            "shop was not run: with strict mocks, each task that reaches out has a mock. These have none:",
            "  <text>:7: fetch (io.kestra.plugin.core.http.Request)",
            'Mock them, as with kestra.mock("fetch", outputs={…}), or leave their type out of kestra_side_effects.',
        ]
        assert flow.executions() == []

    def test_subflows_count(self, strict: Kestra) -> None:
        strict.deploy(FETCH)
        parent = strict.deploy(PARENT)
        with pytest.raises(MockError, match="<text>:7: fetch"):
            parent.run()
        strict.mock("call")
        assert parent.run().state == "SUCCESS"

    def test_with_a_mock_it_runs(self, strict: Kestra) -> None:
        fetch = strict.mock("fetch", {"body": "x"})
        assert strict.deploy(FETCH).run().state == "SUCCESS"
        fetch.assert_called_once()

    def test_iterations_without_a_mock_do_not_reach_out(self, strict: Kestra) -> None:
        inner = "{id: send, type: io.kestra.plugin.core.http.Request, uri: 'http://nowhere.invalid'}"
        start, end = LOOP.index("      - id: send"), LOOP.index("  - id: last")
        send = strict.mock("send", {"code": 200}, value="b")
        execution = strict.deploy(f"{LOOP[:start]}      - {inner}\n{LOOP[end:]}").run()

        assert execution.state == "FAILED"
        (refused,) = execution.logs(task="send", level="ERROR").messages
        assert refused.startswith("strict mocks: this task reaches out")
        assert {call.value for call in send.calls} <= {"b"}
        send.required = False

    def test_what_is_started_otherwise_does_not_reach_out(self, strict: Kestra) -> None:
        flow = strict.deploy(FETCH)
        created = strict.client.executions.create(flow.namespace, flow.id, (), wait=True)

        ended = strict.execution(created.id).wait()
        assert ended.state == "FAILED"
        assert set(ended.logs(task="fetch").messages) == {
            "strict mocks: this task reaches out, and nothing mocks it, so it was not run."
        }


def test_flow_that_was_there_is_left_without_stand_ins(kestra: Kestra) -> None:
    flow = kestra.deploy(LOOP)
    client = kestra.client
    with Kestra(client, timeout=kestra._session.timeout) as other:
        mock: Mock = other.mock("send", {"value": "mocked"})
        again = other.deploy(flow.source)
        again.run()
        assert "StandIn" in client.flows.get(flow.namespace, flow.id).source
        assert mock.call_count == 2

    assert client.flows.get(flow.namespace, flow.id).source == flow.source
    assert client.kv.keys(flow.namespace) == []


def test_flow_that_was_there_runs_its_own_task_when_a_test_is_kept(kestra: Kestra, kestra_client: Client) -> None:
    text = FETCH.replace("io.kestra.plugin.core.http.Request", "io.kestra.plugin.core.debug.Return")
    text = re.sub("    (method|uri|headers|retry|timeout):.*\n", "", text).replace("body", "value")
    flow = kestra.deploy(text)
    other = Kestra(kestra_client)
    other.mock("fetch", outputs={"value": "mocked"})
    other.deploy(text.replace("company.shop", flow.namespace))

    assert "mocked" in kestra_client.flows.get(flow.namespace, "shop").source
    other.keep()
    assert "mocked" not in kestra_client.flows.get(flow.namespace, "shop").source
