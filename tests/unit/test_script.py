from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from pytest_kestra.records import ExecutionRecord, FlowRecord, LogEntry
from pytest_kestra.run.diagnosis.script import located, script_line

SOURCE = """\
id: numbers
namespace: a.b
tasks:
  - id: compute
    type: io.kestra.plugin.scripts.python.Script
    script: |
      def share(number):
          return 1 / number
      share(0)
  - id: other
    type: io.kestra.plugin.core.log.Log
    message: hi
"""
SCRIPT = "def share(number):\n    return 1 / number\nshare(0)\n"
FLOW = FlowRecord.of(
    {
        "id": "numbers",
        "namespace": "a.b",
        "revision": 1,
        "source": SOURCE,
        "tasks": [
            {"id": "compute", "type": "io.kestra.plugin.scripts.python.Script", "script": SCRIPT},
            {"id": "other", "type": "io.kestra.plugin.core.log.Log", "message": "hi"},
        ],
    }
)
TRACE = [
    "Traceback (most recent call last):",
    '  File "/tmp/x/1.py", line 3, in <module>\n    share(0)',
    '  File "/tmp/x/1.py", line 2, in share',
    "    return 1 / number",
    "ZeroDivisionError: division by zero",
]


def line(messages: list[str], task: str = "compute", flow: FlowRecord = FLOW) -> int | None:
    state = {"current": "FAILED", "histories": [{"state": "FAILED", "date": "2026-01-01T00:00:00Z"}]}
    data = {"id": "e", "namespace": "a.b", "flowId": "numbers", "state": state}
    execution = ExecutionRecord.of({**data, "taskRunList": [{"id": "r", "taskId": task, "state": state}]})
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return script_line([LogEntry("ERROR", text, task, "r", 0, now) for text in messages], execution.task_runs[0], flow)


def test_last_line_of_the_script_in_the_traceback_is_told() -> None:
    assert line(TRACE) == 8
    assert line(TRACE[:2]) == 9


@pytest.mark.parametrize("of_input", ["compute", "compute-all"])
def test_script_is_that_of_the_task_where_others_have_its_id(of_input: str) -> None:
    before = f"id: compute\nnamespace: a.b\ninputs:\n  - id: {of_input}\n    type: STRING\n"
    other = "  - id: compute-first\n    type: io.kestra.plugin.scripts.python.Script\n    script: |\n"
    body = SOURCE.partition("tasks:\n")[2]
    first = "".join(f"      {text}\n" for text in SCRIPT.splitlines())
    flow = replace(FLOW, id="compute", source=f"{before}tasks:\n{other}{first}{body}")

    assert line(TRACE, flow=flow) == 17


@pytest.mark.parametrize(
    "messages",
    [
        ["ZeroDivisionError: division by zero"],
        ['  File "/usr/lib/python3/json.py", line 2, in loads', "    raise"],
        ['  File "/tmp/x/1.py", line 99, in <module>', "    share(0)"],
    ],
)
def test_other_tracebacks_lead_nowhere(messages: list[str]) -> None:
    assert line(messages) is None


def test_task_without_a_script_has_no_line() -> None:
    assert line(TRACE, "other") is None


def test_text_that_reads_otherwise_is_not_told() -> None:
    flow = FlowRecord.of(
        {
            "id": "numbers",
            "namespace": "a.b",
            "revision": 1,
            "source": SOURCE.replace("return 1 / number", "return one / number"),
            "tasks": [{"id": "compute", "type": "a.Script", "script": SCRIPT}],
        }
    )

    assert line(TRACE, flow=flow) is None


def entry(message: str, run: str = "r", task: str | None = "compute") -> LogEntry:
    return LogEntry("ERROR", message, task, run, 0, datetime(2026, 1, 1, tzinfo=timezone.utc))


def test_frames_lead_to_the_lines_of_the_flow_though_other_tasks_log_between_them() -> None:
    logs = [
        entry("Traceback (most recent call last):"),
        entry('  File "/tmp/x/123456789012.py", line 3, in <module>\n    share(0)'),
        entry('  File "/tmp/x/123456789012.py", line 2, in share'),
        entry("something else", run="other", task="other"),
        entry("    return 1 / number"),
        entry('  File "/usr/lib/python3/json.py", line 2, in loads'),
        entry("    raise"),
        entry('  File "/tmp/x/123456789012.py", line 2, in share'),
    ]

    assert [one.message for one in located(logs, FLOW, "numbers.yaml")] == [
        "Traceback (most recent call last):",
        '  File "numbers.yaml", line 9, in <module>\n    share(0)',
        '  File "numbers.yaml", line 8, in share',
        "something else",
        "    return 1 / number",
        '  File "/usr/lib/python3/json.py", line 2, in loads',
        "    raise",
        '  File "123456789012.py", line 2, in share',
    ]


def test_frames_of_an_unknown_flow_keep_the_name_of_the_script() -> None:
    (told,) = located([entry('  File "/tmp/x/123456789012.py", line 2, in share')], None, "numbers.yaml")

    assert told.message == '  File "123456789012.py", line 2, in share'


def test_line_with_an_expression_is_found_by_what_stands_around_it() -> None:
    script = "print(len({{ inputs.numbers }}) / 0)\n"
    source = f"id: numbers\ntasks:\n  - id: compute\n    type: a.Script\n    script: |\n      {script}"
    flow = FlowRecord.of(
        {
            "id": "numbers",
            "namespace": "a.b",
            "revision": 1,
            "source": source,
            "tasks": [{"id": "compute", "type": "a.Script", "script": script}],
        }
    )
    trace = '  File "/tmp/x/1.py", line 1, in <module>\n    '

    assert line([trace + "print(len([1, 2]) / 0)"], flow=flow) == 6
    assert line([trace + "print(sum([1, 2]) / 0)"], flow=flow) is None
