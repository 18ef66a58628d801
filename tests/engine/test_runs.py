"""Running flows on a real engine."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import polling2
import pytest

from pytest_kestra import (
    ApiError,
    Flow,
    FlowError,
    InputError,
    Kestra,
    KestraError,
    NotFoundError,
    UnexpectedStateError,
    UnknownNameError,
    WaitTimeout,
)
from pytest_kestra.flows.namespaces import unique
from pytest_kestra.run import flow as flow_module
from tests.engine.lines import is_two

RETURN = """\
id: quick
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ execution.id }}"
"""
SLEEP = """\
id: slow
namespace: company.team
{more}
tasks:
  - id: sleep
    type: io.kestra.plugin.core.flow.Sleep
    duration: {duration}
"""


def slow(duration: str = "PT1M", more: str = "") -> str:
    return SLEEP.format(duration=duration, more=more)


def test_run_returns_the_ended_execution(kestra: Kestra) -> None:
    execution = kestra.deploy(RETURN).run()

    assert execution.state == "SUCCESS"
    assert execution.task("say").outputs == {"value": execution.id}
    assert execution.duration is not None
    assert [change.state for change in execution.history] == ["CREATED", "RUNNING", "SUCCESS"]
    assert execution.url.endswith(f"/ui/main/executions/{execution.namespace}/quick/{execution.id}")
    assert kestra.execution(execution.id) == execution
    assert kestra.started == [execution.id]


def test_start_returns_at_once(kestra: Kestra) -> None:
    long, quick = kestra.deploy(slow()).start(), kestra.deploy(RETURN).start()

    if is_two(kestra.client):  # it answers when its executor knows it
        assert long.state in {"CREATED", "RUNNING"}
    else:
        assert [(each.state, each.task_runs) for each in (long, quick)] == [("CREATED", ())] * 2
    long.kill()
    assert quick.wait().state == "SUCCESS"
    assert quick.refresh().state == "SUCCESS"


def test_executions_of_a_flow_come_oldest_first(kestra: Kestra) -> None:
    flow = kestra.deploy(RETURN)
    ids = [flow.run().id for _ in range(3)]

    assert [execution.id for execution in flow.executions()] == ids


def test_kill_ends_an_execution(kestra: Kestra) -> None:
    running = kestra.deploy(slow()).run_until("RUNNING")
    killed = running.kill()

    assert (running.state, killed.state) == ("RUNNING", "KILLED")
    assert killed.task("sleep").state == "KILLED"
    assert killed.kill().state == "KILLED"


def test_kill_of_what_has_ended_changes_nothing(kestra: Kestra) -> None:
    assert kestra.deploy(RETURN).run().kill().state == "SUCCESS"


def test_state_that_has_passed_counts(kestra: Kestra) -> None:
    assert kestra.deploy(RETURN).run_until("RUNNING").wait().state == "SUCCESS"


def test_final_state_ends_a_wait_at_once(kestra: Kestra) -> None:
    with pytest.raises(
        UnexpectedStateError, match=r"^quick is SUCCESS and never was PAUSED\nFlow: <text>, .*\n  say +SUCCESS"
    ):
        kestra.deploy(RETURN).run_until("PAUSED")


def test_wait_for_a_state_that_kestra_does_not_have(kestra: Kestra) -> None:
    with pytest.raises(UnknownNameError, match=r"There is no state 'RUNING' in Kestra; did you mean 'RUNNING'\?"):
        kestra.deploy(RETURN).run().wait(until="RUNING")


def test_run_that_takes_too_long_tells_where_it_is(kestra: Kestra) -> None:
    with pytest.raises(
        WaitTimeout, match=r"^slow was still RUNNING in task sleep after 5 s\nFlow: .*\n  sleep +RUNNING\nLast logs:\n"
    ):
        kestra.deploy(slow()).run(timeout=5)


def test_run_that_was_not_even_created_in_time(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = kestra.deploy(RETURN)

    def late(*_: object, **__: object) -> None:
        raise httpx.ReadTimeout("too late")

    monkeypatch.setattr(Flow, "_create", late)
    monkeypatch.setattr(flow_module, "SHOWN_S", 0.01)
    with pytest.raises(WaitTimeout, match=r"^Kestra has not even created an execution of quick within 1 s"):
        flow.run(timeout=1)


def test_disabled_flow_is_refused_as_kestra_says(kestra: Kestra) -> None:
    flow = kestra.deploy(RETURN + "disabled: true\n")

    with pytest.raises(ApiError, match=r"Requested Flow is disabled\. \(status 409 for POST "):
        flow.run()


def test_wait_that_takes_too_long_tells_where_it_is(kestra: Kestra) -> None:
    started = kestra.deploy(slow()).run_until("RUNNING")
    with pytest.raises(WaitTimeout, match=r"^slow was still RUNNING( in task sleep)? after 0.05 s\n"):
        started.wait(timeout=0.05)


@pytest.mark.kestra(timeout=0.2)
def test_timeout_of_a_mark(kestra: Kestra) -> None:
    with pytest.raises(WaitTimeout, match=r"0\.2 s"):
        kestra.deploy(slow()).run()


INPUTS = """\
id: typed
namespace: company.team
inputs:
  - {id: text, type: STRING}
  - {id: count, type: INT, min: 1, max: 10}
  - {id: share, type: FLOAT, defaults: 0.5}
  - {id: flag, type: BOOL, defaults: false}
  - {id: when, type: DATETIME, defaults: "2026-01-01T00:00:00Z"}
  - {id: day, type: DATE, required: false}
  - {id: span, type: DURATION, defaults: PT1S}
  - {id: data, type: JSON, defaults: '{}'}
  - {id: numbers, type: ARRAY, itemType: INT, defaults: [1]}
  - {id: colors, type: MULTISELECT, values: [red, green, blue], defaults: [red]}
  - {id: file, type: FILE, required: false}
tasks:
  - id: read
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.file is null ? 'no file' : read(inputs.file) }}"
"""


def test_inputs_of_every_type(kestra: Kestra, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("from a file", encoding="utf-8")
    inputs = {
        "text": "Ada",
        "count": 3,
        "share": 0.25,
        "flag": True,
        "when": datetime(2026, 5, 6, 7, tzinfo=timezone.utc),
        "day": date(2026, 5, 6),
        "span": timedelta(minutes=90),
        "data": {"a": [1, None]},
        "numbers": [3, 4],
        "colors": ["red", "blue"],
        "file": tmp_path / "data.txt",
    }

    execution = kestra.deploy(INPUTS).run(inputs)

    assert execution.state == "SUCCESS"
    assert execution.task("read").outputs["value"] == "from a file"
    assert execution.inputs["file"].startswith("kestra:///")
    assert {name: value for name, value in execution.inputs.items() if name != "file"} == {
        "text": "Ada",
        "count": 3,
        "share": 0.25,
        "flag": True,
        "when": "2026-05-06T07:00:00.000000Z",
        "day": "2026-05-06",
        "span": 5400.0,
        "data": {"a": [1, None]},
        "numbers": [3, 4],
        "colors": ["red", "blue"],
    }


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"count": 3}, r"^<text>:4: the input 'text' \(STRING\) of the flow typed is required and has no default\.$"),
        (
            {"text": "x", "count": "many"},
            r"^<text>:5: the input 'count' \(INT\) .* takes a whole number .*, not 'many'",
        ),
        (
            {"text": "x", "count": 11},
            r"^<text>:5: the input 'count' \(INT\) .* does not take 11: it must be less than `10`",
        ),
        ({"text": "x", "cuont": 3}, r"^<text>:4: the flow typed has no input 'cuont'; did you mean 'count'\?"),
    ],
)
def test_wrong_inputs_are_told_with_their_line(kestra: Kestra, inputs: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        kestra.deploy(INPUTS).run(inputs)


def test_task_that_did_not_run_suggests_the_nearest(kestra: Kestra) -> None:
    execution = kestra.deploy(RETURN).run()

    for ask in (execution.task, execution.tasks, execution.logs, execution.metrics, execution.replay):
        with pytest.raises(UnknownNameError, match=r"There is no task 'sya' in the flow quick; did you mean 'say'\?"):
            ask("sya")


LOOP = """\
id: loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b"]
    tasks:
      - id: item
        type: io.kestra.plugin.core.debug.Return
        format: "item {{ taskrun.value }}"
"""


def test_task_of_a_loop_is_chosen_by_its_value(kestra: Kestra) -> None:
    execution = kestra.deploy(LOOP).run()

    assert execution.task("item", "b").outputs["value"] == "item b"
    assert [run.value for run in execution.tasks("item")] == ["a", "b"]
    with pytest.raises(KestraError, match=r"'item' ran 2 times .* choose with task\('item', value=…\) one of 'a', 'b'"):
        execution.task("item")
    with pytest.raises(UnknownNameError, match=r"no run of the task 'item' for the value 'c' .* It has: 'a', 'b'\."):
        execution.task("item", "c")


def test_file_of_another_scheme_is_refused(kestra: Kestra) -> None:
    with pytest.raises(KestraError, match=r"The URI of a file begins with kestra://, and 'x.csv' does not"):
        kestra.deploy(RETURN).run().file("x.csv")


def test_file_that_an_execution_made(kestra: Kestra, tmp_path: Path) -> None:
    execution = kestra.deploy("""\
id: files
namespace: company.team
tasks:
  - id: write
    type: io.kestra.plugin.core.storage.Write
    extension: .json
    content: '{"a": 1}'
""").run()
    file = execution.file(execution.task("write").outputs["uri"])

    assert (file.text(), file.json()) == ('{"a": 1}', {"a": 1})
    assert file.save(tmp_path / "x.json").read_bytes() == file.content


def test_logs_and_metrics_are_complete_when_an_execution_has_ended(kestra: Kestra) -> None:
    flow = kestra.deploy("""\
id: chatty
namespace: company.team
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: [one, two, three]
  - id: count
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - echo '::{"metrics":[{"name":"count","type":"counter","value":1}]}::'
      - echo last
""")

    for _ in range(10):
        execution = flow.run()
        assert execution.logs(task="log").messages == ["one", "two", "three"]
        assert "last" in execution.logs(task="count").messages
        assert "count" in {found.name for found in execution.metrics()}


def test_update_needs_the_file_of_one_flow(kestra: Kestra, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(RETURN, encoding="utf-8")
    with pytest.raises(FlowError, match="a folder; give the file of one flow"):
        kestra.deploy(RETURN).update(tmp_path)


def test_what_a_test_made_is_removed(kestra: Kestra) -> None:
    with Kestra(kestra.client, namespace="inner", settled=True) as inner:
        ended = inner.deploy(RETURN).run()
        running = inner.deploy(slow()).run_until("RUNNING")
        inner.deploy(RETURN.replace("quick", "deleted")).delete()

    for execution in (ended, running):
        with pytest.raises(NotFoundError):
            execution.refresh()
    assert kestra.client.flows.search("company.team.inner") == []


def test_flow_knows_when_it_was_stored(kestra: Kestra) -> None:
    before = datetime.now(timezone.utc)
    flow = kestra.deploy(RETURN).refresh()

    assert flow.updated is not None
    assert before <= flow.updated <= datetime.now(timezone.utc)


def test_flow_that_was_there_before_is_left(kestra: Kestra) -> None:
    flow = kestra.deploy(RETURN)
    before = flow.run()
    with Kestra(kestra.client, settled=True) as inner:
        execution = inner.deploy(flow.source).run()

    assert flow.refresh().revision == 1
    assert [found.id for found in flow.executions()] == [before.id]
    with pytest.raises(NotFoundError):
        execution.refresh()


def test_history_of_a_flow_that_was_there_once_is_left(kestra: Kestra) -> None:
    flow = kestra.deploy(RETURN)
    before = flow.run()
    flow.delete()
    with Kestra(kestra.client, settled=True) as inner:
        again = inner.deploy(flow.source)
        execution = again.run()

    assert again.revision > flow.revision
    assert before.refresh().state == "SUCCESS"
    with pytest.raises(NotFoundError):
        execution.refresh()


def test_run_that_took_too_long_is_ended_with_the_test(kestra: Kestra) -> None:
    flow = kestra.deploy(slow())
    with Kestra(kestra.client, settled=True, ephemeral=True) as inner, pytest.raises(WaitTimeout):
        inner.deploy(flow.source).run(timeout=5)

    assert [execution.state for execution in flow.executions()] == ["KILLED"]


def test_clean_up_goes_on_after_an_error(kestra: Kestra, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Kestra(kestra.client, namespace="goes-on", settled=True)
    inner.deploy(RETURN)
    inner.deploy(slow())
    delete = inner.client.flows.delete

    def refuse(namespace: str, flow_id: str) -> None:
        if flow_id == "quick":
            raise KestraError("no")
        delete(namespace, flow_id)

    monkeypatch.setattr(inner.client.flows, "delete", refuse)
    with pytest.raises(KestraError, match="no"):
        inner.close()

    assert [flow.id for flow in kestra.client.flows.search("company.team.goes-on")] == ["quick"]
    delete("company.team.goes-on", "quick")


def test_file_with_any_name(kestra: Kestra) -> None:
    execution = kestra.deploy("""\
id: names
namespace: company.team
tasks:
  - id: write
    type: io.kestra.plugin.scripts.shell.Commands
    outputFiles: ["*.csv"]
    commands: ["echo 1,2 > отчёт.csv"]
""").run()

    assert execution.file(execution.task("write").outputs["outputFiles"]["отчёт.csv"]).text() == "1,2\n"


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), "soon"])
def test_time_that_is_none_is_refused(kestra: Kestra, timeout: Any) -> None:
    flow = kestra.deploy(RETURN)

    for wait in (flow.run, flow.start().wait):
        with pytest.raises(KestraError, match=rf"^timeout: {timeout!r} is not a number of seconds above 0"):
            wait(timeout=timeout)


def test_many_logs_are_complete_when_an_execution_has_ended(kestra: Kestra) -> None:
    execution = kestra.deploy("""\
id: many
namespace: company.team
tasks:
  - id: count
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["seq 1 3000"]
""").run()

    numbers = [message for message in execution.logs(task="count").messages if message.isdigit()]
    assert sorted(map(int, numbers)) == list(range(1, 3001))


PAUSE = """\
id: asks
namespace: company.team
tasks:
  - id: approve
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: count, type: INT}
"""


def test_paused_execution_is_resumed_with_inputs(kestra: Kestra) -> None:
    paused = kestra.deploy(PAUSE).run_until("PAUSED")

    with pytest.raises(InputError, match=r"^<text>:4: the task approve has no input 'cuont'; did you mean 'count'\?"):
        paused.resume({"cuont": 1})
    with pytest.raises(InputError, match=r"^<text>:4: the input 'count' \(INT\) of the task approve is required"):
        paused.resume()
    with pytest.raises(
        InputError, match=r"^<text>:4: the input 'count' \(INT\) of the task approve takes a whole number"
    ):
        paused.resume({"count": "many"})
    ended = paused.resume({"count": 3}).wait()
    assert ended.state == "SUCCESS"
    assert ended.task("approve").outputs["onResume"] == {"count": 3}


def test_execution_that_is_not_paused_is_not_resumed(kestra: Kestra) -> None:
    ended = kestra.deploy(RETURN).run()

    with pytest.raises(UnexpectedStateError, match=r"^quick is SUCCESS, not PAUSED, so nothing resumes"):
        ended.resume()


def test_pairs_and_files_are_those_of_the_only_namespace(kestra: Kestra) -> None:
    with pytest.raises(
        KestraError, match=r"^kestra\.kv is that of the namespace of the test's flows: deploy one first"
    ):
        kestra.kv  # noqa: B018 - that it raises is what is tested
    flow = kestra.deploy(RETURN)
    kestra.kv["a"] = {"b": [1]}
    kestra.files["a/b.txt"] = "text"
    assert (flow.kv["a"], list(flow.files)) == ({"b": [1]}, ["a/b.txt"])

    other = kestra.deploy(RETURN.replace("company.team", "company.other"))
    with pytest.raises(
        KestraError, match=r"^The test's flows are in 2 namespaces, company.*: take the files of a flow"
    ):
        kestra.files  # noqa: B018 - as above
    assert "a" not in other.kv


def test_archive_is_a_file_like_others(kestra: Kestra) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.txt", "inner")
    kestra.deploy(RETURN)
    kestra.files["data/archive.zip"] = packed.getvalue()

    assert list(kestra.files) == ["data/archive.zip"]
    assert kestra.files["data/archive.zip"].content == packed.getvalue()


def test_pair_that_has_expired_is_not_there(kestra: Kestra) -> None:
    kestra.deploy(RETURN)
    kestra.kv.set("brief", 1, ttl=timedelta(milliseconds=10))
    polling2.poll(lambda: not list(kestra.kv), step=0.01, timeout=600)

    assert kestra.kv.get("brief", "gone") == "gone"
    assert "brief" not in kestra.kv


def test_pairs_and_files_go_with_their_namespace(kestra: Kestra) -> None:
    with Kestra(kestra.client, namespace="goes") as inner:
        flow = inner.deploy(RETURN)
        inner.kv["a"] = 1
        inner.files["a.txt"] = "text"

    assert (list(flow.kv), list(flow.files)) == ([], [])


def test_pairs_go_with_the_namespace_of_a_flow_that_was_deleted(kestra: Kestra) -> None:
    with Kestra(kestra.client, namespace="goes-too") as inner:
        flow = inner.deploy(RETURN)
        inner.kv["a"] = 1
        flow.delete()

    assert list(flow.kv) == []


def test_all_in_a_marked_namespace_goes_and_nothing_beside_it(kestra: Kestra) -> None:
    name = unique("inner", "0123ab")
    theirs = kestra.deploy(RETURN)
    with Kestra(kestra.client, namespace=name, settled=True) as inner:
        flow = inner.deploy(RETURN)
        others = [flow.namespace, f"{flow.namespace}.below", f"{flow.namespace}s"]
        for namespace in others[1:]:
            kestra.client.flows.create(RETURN.replace("company.team", namespace))
            kestra.client.executions.create(namespace, "quick", wait=True)
            kestra.client.kv.set(namespace, "a", 1)

    assert kestra.client.flows.search(flow.namespace) == []
    assert kestra.client.executions.search({"namespace][PREFIX": flow.namespace}) == []
    assert [kestra.client.kv.keys(namespace) for namespace in others] == [[], [], ["a"]]
    assert theirs.refresh().revision == 1
    (neighbour,) = kestra.client.executions.of_flow(others[2], "quick")
    # Its name is that of no test, so that only we know that it is ours.
    kestra.client.executions.delete(neighbour.id)
    kestra.client.flows.delete(others[2], "quick")
    kestra.client.kv.delete(others[2], "a")


def test_execution_of_others_that_was_waited_for_is_left(kestra: Kestra) -> None:
    theirs = kestra.deploy(RETURN)
    with Kestra(kestra.client, namespace=unique("inner", "0123ab")) as inner:
        flow = inner.flow(theirs.id, theirs.namespace)
        execution = theirs.run()
        assert inner.wait_for_execution(flow).id == execution.id
        mine = flow.run()

    assert execution.refresh().state == "SUCCESS"
    with pytest.raises(NotFoundError):
        mine.refresh()


def test_execution_that_nothing_triggers_is_not_waited_for_ever(kestra: Kestra) -> None:
    flow = kestra.deploy(RETURN)
    ended = flow.run()

    with pytest.raises(
        WaitTimeout, match=r"^No execution of quick was started by quick within 0.1 s; quick is SUCCESS"
    ):
        kestra.wait_for_execution(flow, triggered_by=ended, timeout=0.1)
