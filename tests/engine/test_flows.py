"""Deploying flows on a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra import FlowError, Kestra, KestraError, UnknownNameError
from pytest_kestra.flows.source import FlowSource

FLOW = """\
id: hello
namespace: company.team
labels:
  team: data
variables:
  greeting: hi
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "{{ vars.greeting }}"
"""


def test_flow_knows_what_it_consists_of(kestra: Kestra) -> None:
    flow = kestra.deploy(FLOW)

    assert (flow.id, flow.revision, flow.name) == ("hello", 1, "<text>")
    assert flow.namespace.startswith("company.team.test-flow-knows-what-it-consists-of-")
    assert flow.tasks["log"]["message"] == "{{ vars.greeting }}"
    assert (flow.labels, flow.variables, flow.concurrency) == ({"team": "data"}, {"greeting": "hi"}, None)
    assert flow.source == FLOW.replace("company.team", flow.namespace)


def test_same_text_keeps_the_revision(kestra: Kestra) -> None:
    flow = kestra.deploy(FLOW)

    assert flow.update(flow.source).revision == 1
    assert kestra.deploy(FLOW + "# changed\n").revision == 2
    assert flow.refresh().revision == 2


def test_deleted_flow_is_gone(kestra: Kestra) -> None:
    flow = kestra.deploy(FLOW)
    flow.delete()

    gone = rf"^<text>: the flow {flow.id} is no longer on the server: bring it back with"
    with pytest.raises(FlowError, match=gone):
        flow.refresh()
    with pytest.raises(FlowError, match=gone):
        flow.delete()
    with pytest.raises(FlowError, match=gone):
        flow.update(FLOW)


def test_subflow_of_another_namespace_is_found_whichever_comes_first(kestra: Kestra) -> None:
    parent = kestra.deploy("""\
id: parent
namespace: company.team
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.shared
    flowId: child
    wait: true
    transmitFailed: true
""")
    child = kestra.deploy("""\
id: child
namespace: company.shared
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ flow.namespace }}"
""")

    execution = parent.run()

    assert execution.state == "SUCCESS"
    (called,) = execution.children()
    assert called.task("say").outputs["value"] == child.namespace


def test_tests_do_not_see_each_others_flows(kestra: Kestra) -> None:
    flow = kestra.deploy(FLOW)

    assert [found.id for found in kestra.client.flows.search(flow.namespace)] == ["hello"]


@pytest.mark.kestra(isolation="none")
def test_without_isolation_a_flow_stays_where_it_says(kestra: Kestra) -> None:
    flow = kestra.deploy(FLOW.replace("company.team", "company.exactly.here"))

    assert kestra.namespace is None
    assert flow.namespace == "company.exactly.here"


def test_flows_that_were_read_already(kestra: Kestra) -> None:
    sources = [FlowSource(FLOW, "one.yaml"), FlowSource(FLOW.replace("id: hello", "id: other"), "two.yaml")]

    assert [(flow.id, flow.name) for flow in kestra.deploy_sources(sources)] == [
        ("hello", "one.yaml"),
        ("other", "two.yaml"),
    ]


def test_folder_is_deployed_whole_or_not_at_all(kestra: Kestra, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FLOW.replace("id: hello", "id: good"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(FLOW.replace("log.Log", "log.Lag"), encoding="utf-8")
    name = kestra.namespace or ""

    with pytest.raises(FlowError, match=r"b.yaml:9: Kestra does not know the type io.kestra.plugin.core.log.Lag"):
        kestra.deploy_folder(tmp_path)
    assert [flow for flow in kestra.client.flows.search("company.team") if flow.namespace.endswith(name)] == []

    (tmp_path / "b.yaml").unlink()
    (flow,) = kestra.deploy_folder(tmp_path)
    assert flow.id == "good"
    assert kestra.deploy_folder(tmp_path / "a.yaml") == [flow]
    flows: object = kestra.deploy(tmp_path)
    assert flows == [flow]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("company.team", "Company Team", r"^<text>:2: namespace: must match"),
        ("    message:", "    mesage:", r"^<text>:10: .*Log has no property 'mesage'; did you mean 'message'\?"),
        ('    message: "{{ vars.greeting }}"\n', "", r"^<text>:8: (log|tasks\[log\])\.message: must not be null"),
        ("tasks:", "task:", r"^<text>:7: .* has no property 'task'; did you mean 'tasks'\?"),
        ("- id: log", "- di: log", r"^<text>:8: "),
        (
            "    message:",
            "    level: INFO\n    level: WARN\n    message:",
            r"^<text>:11: the key 'level' is in line 10 too",
        ),
    ],
)
def test_wrong_flow_is_told_with_its_line(kestra: Kestra, old: str, new: str, message: str) -> None:
    with pytest.raises(FlowError, match=message):
        kestra.deploy(FLOW.replace(old, new))


def test_unknown_trigger_suggests_the_nearest(kestra: Kestra) -> None:
    flow = kestra.deploy(
        FLOW + "triggers:\n  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: '@daily'}\n"
    )

    assert flow.trigger("daily").next_dates(1, after="2026-01-01T00:00:00Z")[0].day == 2
    with pytest.raises(
        UnknownNameError, match=r"There is no trigger 'dayly' in the flow hello; did you mean 'daily'\?"
    ):
        flow.trigger("dayly")


def test_trigger_without_dates(kestra: Kestra) -> None:
    flow = kestra.deploy(FLOW + "triggers:\n  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: k}\n")

    with pytest.raises(KestraError, match="The trigger 'hook' has no dates"):
        flow.trigger("hook").next_dates(1)


def test_update_is_not_undone_by_a_later_deployment(kestra: Kestra) -> None:
    flow = kestra.deploy(FLOW + "  - {id: ask, type: io.kestra.plugin.core.debug.Return, format: company.shared}\n")
    stored = flow.refresh().updated
    updated = flow.update(flow.source.replace("greeting: hi", "greeting: hello"))
    other = kestra.deploy(FLOW.replace("company.team", "company.shared").replace("id: hello", "id: other"))

    now = updated.refresh()
    assert stored is not None
    assert now.updated is not None
    assert now.updated > stored
    assert now.variables == {"greeting": "hello"}
    assert now.tasks["ask"]["format"] == other.namespace
