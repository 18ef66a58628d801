"""The script tasks: every property of Kestra's AbstractExecScript that needs no Docker."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import yaml

from pytest_kestra import Execution, Kestra

PYTHON = "io.kestra.plugin.scripts.python"
SHELL = "io.kestra.plugin.scripts.shell"


def run(
    kestra: Kestra, kind: str, *before: dict[str, Any], inputs: dict[str, Any] | None = None, **task: Any
) -> Execution:
    flow = {
        "id": "script",
        "namespace": "company.scripts",
        "inputs": [{"id": name, "type": "STRING"} for name in inputs or {}],
        "tasks": [*before, {"id": "script", "type": kind, **task}],
    }
    return kestra.deploy(yaml.safe_dump(flow, sort_keys=False)).run(inputs)


def test_python_script_runs_with_the_python_of_the_tests(kestra: Kestra) -> None:
    code = "import json, sys\nprint('::' + json.dumps({'outputs': {'prefix': sys.prefix}}) + '::')"

    assert run(kestra, f"{PYTHON}.Script", script=code).task("script").outputs["vars"]["prefix"] == sys.prefix


def test_python_commands(kestra: Kestra) -> None:
    execution = run(
        kestra,
        f"{PYTHON}.Commands",
        inputFiles={"main.py": "print('hello from a file')"},
        commands=["python main.py", "python -c 'print(1 + 1)'"],
    )

    assert execution.state == "SUCCESS"
    assert [line for line in execution.logs(task="script").messages if line in ("hello from a file", "2")] == [
        "hello from a file",
        "2",
    ]


def test_shell_script_and_its_exit_code(kestra: Kestra) -> None:
    execution = run(kestra, f"{SHELL}.Script", script="echo out\necho err >&2\nexit 3\n")

    assert execution.state == "FAILED"
    assert execution.task("script").state == "FAILED"
    assert "out" in execution.logs(task="script", level="INFO").messages
    assert "err" in execution.logs(task="script", level="ERROR").messages
    assert "exit code 3" in execution.logs(task="script", level="ERROR").text


def test_environment_is_rendered(kestra: Kestra) -> None:
    execution = run(
        kestra,
        f"{SHELL}.Commands",
        inputs={"who": "Ada"},
        env={"WHO": "{{ inputs.who }}"},
        commands=['echo "hello $WHO, from {{ flow.id }}"'],
    )

    assert "hello Ada, from script" in execution.logs(task="script").messages


def test_commands_before_the_script(kestra: Kestra) -> None:
    execution = run(
        kestra,
        f"{SHELL}.Script",
        beforeCommands=["export PREPARED=yes", "echo first"],
        script='echo "prepared: $PREPARED"',
    )

    messages = [message for message in execution.logs(task="script").messages if message in ("first", "prepared: yes")]
    assert messages == ["first", "prepared: yes"]


def test_files_in_and_out(kestra: Kestra) -> None:
    execution = run(
        kestra,
        f"{SHELL}.Commands",
        inputFiles={"in/data.txt": "{{ flow.id }}"},
        outputFiles=["out/*.txt", "single.txt"],
        commands=["mkdir out", "tr a-z A-Z < in/data.txt > out/upper.txt", "echo 1 > single.txt", "echo x > other.txt"],
    )

    files = execution.task("script").outputs["outputFiles"]
    assert sorted(files) == ["out/upper.txt", "single.txt"]
    assert execution.file(files["out/upper.txt"]).text() == "SCRIPT"


def test_files_of_the_namespace(kestra: Kestra) -> None:
    upload = {
        "id": "upload",
        "type": "io.kestra.plugin.core.namespace.UploadFiles",
        "namespace": "{{ flow.namespace }}",
        "filesMap": {"lib/tool.py": "{{ outputs.write.uri }}"},
    }
    write = {"id": "write", "type": "io.kestra.plugin.core.storage.Write", "content": "ANSWER = 42\n"}
    execution = run(
        kestra,
        f"{PYTHON}.Script",
        write,
        upload,
        namespaceFiles={"enabled": True},
        script="from lib.tool import ANSWER\nprint(f'answer {ANSWER}')",
    )

    assert execution.state == "SUCCESS"
    assert "answer 42" in execution.logs(task="script").messages


def test_interpreter(kestra: Kestra) -> None:
    execution = run(kestra, f"{SHELL}.Script", interpreter=["/bin/sh", "-c"], script='echo "shell: $0"')

    assert "shell: /bin/sh" in execution.logs(task="script").messages


@pytest.mark.parametrize(("fail_fast", "state", "seen"), [(True, "FAILED", False), (False, "SUCCESS", True)])
def test_fail_fast(kestra: Kestra, fail_fast: bool, state: str, seen: bool) -> None:
    execution = run(kestra, f"{SHELL}.Commands", failFast=fail_fast, commands=["false", "echo after"])

    assert execution.state == state
    assert ("after" in execution.logs(task="script").messages) is seen


def test_timeout(kestra: Kestra) -> None:
    execution = run(kestra, f"{SHELL}.Commands", timeout="PT0.3S", commands=["sleep 60"])

    assert execution.state == "FAILED"
    assert "Timeout" in execution.logs(task="script", level="ERROR").text


def test_log_level_of_standard_error(kestra: Kestra) -> None:
    execution = run(kestra, f"{SHELL}.Commands", logLevel="WARN", commands=["echo quiet", "echo loud >&2"])

    assert "loud" in execution.logs(task="script").messages
    assert "quiet" not in execution.logs(task="script").messages


def test_outputs_and_metrics(kestra: Kestra) -> None:
    line = '::{"outputs":{"rows":3},"metrics":[{"name":"spent","type":"timer","value":1.5,"tags":{"part":"a"}}]}::'
    execution = run(kestra, f"{SHELL}.Commands", commands=[f"echo '{line}'"])

    assert execution.task("script").outputs["vars"] == {"rows": 3}
    (spent,) = (metric for metric in execution.metrics() if metric.name == "spent")
    assert (spent.type, spent.value, spent.tags) == ("timer", 1500, {"part": "a"})


def test_retries_and_allowed_failures(kestra: Kestra) -> None:
    execution = run(kestra, f"{SHELL}.Commands", allowFailure=True, commands=["exit 1"])

    assert (execution.state, execution.task("script").state) == ("WARNING", "WARNING")


def test_working_folder_is_shared(kestra: Kestra) -> None:
    folder = {
        "id": "folder",
        "namespace": "company.scripts",
        "tasks": [
            {
                "id": "together",
                "type": "io.kestra.plugin.core.flow.WorkingDirectory",
                "tasks": [
                    {"id": "write", "type": f"{SHELL}.Commands", "commands": ["echo shared > note.txt"]},
                    {"id": "read", "type": f"{PYTHON}.Script", "script": "print(open('note.txt').read().strip())"},
                ],
            }
        ],
    }
    execution = kestra.deploy(yaml.safe_dump(folder)).run()

    assert "shared" in execution.logs(task="read").messages


def test_unknown_property_of_a_script_is_refused(kestra: Kestra) -> None:
    with pytest.raises(Exception, match=r"python.Script has no property 'scrpt'; did you mean 'script'\?"):
        run(kestra, f"{PYTHON}.Script", scrpt="print()")
    with pytest.raises(Exception, match=r"(script|tasks\[script\])\.script: must not be null"):
        run(kestra, f"{PYTHON}.Script")
