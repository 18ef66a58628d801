"""The fields of what is read from an execution, as the real engine fills them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from pytest_kestra import InputError, Kestra, KestraError, NotFoundError, Server
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


@pytest.mark.parametrize("value", [{"name": "Zoë", "size": [1, 2]}, [1, "b"], True, 7, 2.5, "text"])
def test_task_run_is_found_by_the_value_of_its_loop(kestra: Kestra, value: Any) -> None:
    values = """'[{"name": "Zoë", "size": [1, 2]}, [1, "b"], true, 7, 2.5, "text"]'"""
    execution = kestra.deploy(FLOW.replace("[a]", values)).run()
    whole = (value,) if isinstance(value, list) else value  # a list alone is for loops in loops

    assert len(execution.tasks("warn")) == 6
    assert execution.task("warn", whole) in execution.tasks("warn")
    assert len(execution.logs(task="warn", value=whole)) == 1


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


VALUES: list[Any] = [
    *(date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, 123000, tzinfo=timezone.utc)),
    *(timedelta(minutes=90), timedelta(days=30, hours=3), timedelta()),
    *(3, -2.5, 2**70, True, None, {"a": [1, None, "2026-01-02", "PT5M"]}, [], {}),
    *("", "a b", "2026-01-02", "2026-01-02T03:04:05Z", "true", "null", "5", '{"a": 1}', "PT1.5S", 'ü\n"'),
]


def test_keys_are_read_as_they_were_set(kestra: Kestra) -> None:
    kv = kestra.deploy(FLOW).kv
    for number, value in enumerate(VALUES):
        kv[f"k{number}"] = value

    read = [kv[f"k{number}"] for number in range(len(VALUES))]
    assert read == VALUES
    assert [type(value) for value in read] == [type(value) for value in VALUES]


def test_keys_that_kestra_keeps_otherwise(kestra: Kestra) -> None:
    kv = kestra.deploy(FLOW).kv
    there = timezone(timedelta(hours=2))
    for value, read in (
        (datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=there), datetime(2026, 1, 2, 1, 4, 5, 123000, timezone.utc)),
        (datetime(2026, 1, 2, 3), datetime(2026, 1, 2, 3, tzinfo=timezone.utc)),  # noqa: DTZ001 - UTC is what is tested
        ("PT5M", timedelta(minutes=5)),
        (timedelta(milliseconds=1500), "PT1.5S"),
        (timedelta(seconds=-5), "-PT5S"),
    ):
        kv["key"] = value
        assert kv["key"] == read


def test_dates_of_keys_are_dates_for_flows(kestra: Kestra) -> None:
    flow = kestra.deploy("""\
id: reads
namespace: company.team
tasks:
  - {id: day, type: io.kestra.plugin.core.debug.Return, format: "{{ kv('day') | dateAdd(1, 'DAYS') }}"}
  - {id: set, type: io.kestra.plugin.core.kv.Set, key: at, value: "2026-01-02T03:04:05Z", kvType: DATETIME}
""")
    flow.kv["day"] = date(2026, 1, 31)

    assert flow.run().task("day").outputs["value"].startswith("2026-02-01")
    assert flow.kv["at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def test_what_is_not_there_is_told_in_words(kestra: Kestra) -> None:
    execution = kestra.deploy(FLOW).run()
    told = rf"^There is no execution 'nope' on the server at http.* This test has started: {execution.id} "
    with pytest.raises(NotFoundError, match=told):
        kestra.execution("nope")
    uri = execution.task("write").outputs["uri"]
    for other in ("kestra:///nope", f"{uri}.old", uri.replace("company", "other"), uri.replace(execution.id, "x")):
        with pytest.raises(NotFoundError, match=f"^There is no file {other} of the execution {execution.id}. It was"):
            execution.file(other)
    with pytest.raises(KestraError, match="begins with kestra://"):
        execution.file("nope")


def test_all_wrong_inputs_are_told_at_once(kestra: Kestra) -> None:
    flow = kestra.deploy("""\
id: takes
namespace: company.team
inputs:
  - {id: count, type: INT}
  - {id: day, type: DATE}
  - {id: size, type: INT, max: 5, required: false}
  - {id: fine, type: INT, required: false}
tasks:
  - {id: show, type: io.kestra.plugin.core.debug.Return, format: x}
""")
    with pytest.raises(InputError) as caught:
        flow.run({"day": "01/02", "size": 7, "fine": 1})
    assert sorted(str(caught.value).splitlines()) == [
        "  <text>:4: the input 'count' (INT) of the flow takes is required and has no default.",
        "  <text>:5: the input 'day' (DATE) of the flow takes takes a date such as 2026-01-31, not '01/02'.",
        "  <text>:6: the input 'size' (INT) of the flow takes does not take 7: it must be less than `5`.",
        "3 inputs of the flow takes are wrong:",
    ]


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
