"""The fields of what is read from an execution, as the real engine fills them."""

from __future__ import annotations

from datetime import timedelta

from pytest_kestra import Kestra, Server
from pytest_kestra.run.diagnosis.text import diagnosis

FLOW = """\
id: values
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a]
    tasks:
      - {id: warn, type: io.kestra.plugin.core.log.Log, message: careful, level: WARN}
  - id: count
    type: io.kestra.plugin.core.metric.Publish
    metrics: [{type: counter, name: rows, value: 3, tags: {table: orders}}]
  - id: write
    type: io.kestra.plugin.core.storage.Write
    content: "one,two"
    extension: .csv
"""


def test_logs_know_their_task_run(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()
    run = execution.task("warn")

    (entry,) = execution.logs("warn")
    assert (entry.level, entry.message, entry.task_id, entry.task_run_id) == ("WARN", "careful", "warn", run.id)
    assert entry.attempt == 0
    assert execution.start <= entry.timestamp
    assert run.parent_id == execution.task("each").id
    assert (execution.depth(execution.task("each")), execution.depth(run)) == (0, 1)
    assert execution.logs().select(task="warn", min_level="WARN") == (entry,)
    assert execution.logs().select(runs=[run.id], level="INFO") == ()


def test_metrics_know_their_task_run(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()

    (metric,) = execution.metrics(name="rows")
    assert (metric.type, metric.value, metric.task_id, metric.tags["table"]) == ("counter", 3, "count", "orders")
    assert metric.task_run_id == execution.task("count").id


def test_file_knows_where_it_is(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()

    uri = execution.task("write").outputs["uri"]
    assert (execution.file(uri).uri, execution.file(uri).text()) == (uri, "one,two")


def test_key_with_a_time_to_live_is_set(kestra: Kestra) -> None:
    kestra.deploy(FLOW)
    kestra.kv.set("gate", "open", ttl=timedelta(hours=1), description="until tonight")

    assert kestra.kv["gate"] == "open"


def test_secrets_are_masked(kestra: Kestra, kestra_server: Server) -> None:
    password = kestra_server.address.password or ""

    assert kestra.masked(f"it is {password}!") == "it is *****!"


def test_value_of_a_secret_input_is_masked_wherever_it_turns_up(kestra: Kestra) -> None:
    flow = kestra.deploy("""\
id: leak
namespace: company.team
inputs:
  - {id: password, type: SECRET}
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "in={{ inputs.password }}"}
  - {id: end, type: io.kestra.plugin.core.execution.Fail, errorMessage: "no"}
outputs:
  - {id: leaked, type: STRING, value: "{{ outputs.say.value }}"}
""")
    execution = flow.run({"password": "hunter2-of-a-test"})

    assert execution.task("say").outputs["value"] == "in=hunter2-of-a-test"
    assert kestra.known_state(execution.id) == "FAILED"
    assert "hunter2" not in diagnosis(execution, execution.session)
    assert "in=*****" in diagnosis(execution, execution.session)
