"""Checks of flows with a real engine: Kestra's own validator, and what its own Pebble says of our reading."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pytest_kestra import Client, Kestra, Server
from pytest_kestra.checks.checker import Checker
from pytest_kestra.checks.files import find
from pytest_kestra.checks.vocabulary import BROUGHT, Vocabulary
from pytest_kestra.errors import KestraError
from pytest_kestra.flows.source import FlowSource
from tests.engine.lines import is_two, on_line
from tests.pebble import READABLE, UNREADABLE

ROOT = Path(__file__).resolve().parents[2]
CLEAN = (Path(__file__).parent / "clean_flows.yml").read_text(encoding="utf-8").split("\n---\n")
LOG = "io.kestra.plugin.core.log.Log"
PLAIN = f"id: plain\nnamespace: company.team\ntasks: [{{id: log, type: {LOG}, message: hi}}]\n"


def check(client: Client, *texts: str) -> list[str]:
    flows = [FlowSource(text, f"{place}.yaml") for place, text in enumerate(texts)]
    checker = Checker(client, flows)
    return [str(finding) for flow in flows for finding in checker.check(flow)]


def test_says_nothing_of_clean_flows(kestra_client: Client) -> None:
    assert len(CLEAN) == 20
    clean = [on_line(text, kestra_client) for text in CLEAN]
    if is_two(kestra_client):
        clean = [text for text in clean if not re.search("ForEachItem|onditions:|pluginDefaults:", text)]
        # What a round gave, and only itself sees there.
        clean = [text.replace("{{ outputs.one.a.value }} {{ outputs['two']['b'].value }} ", "") for text in clean]
    assert len(clean) >= 16
    assert check(kestra_client, *clean) == []


def test_says_nothing_of_the_examples(kestra_client: Client) -> None:
    flows = find([ROOT / "example_flows"]).on(kestra_client.address.line).flows
    checker = Checker(kestra_client, flows)

    assert [str(finding) for flow in flows for finding in checker.check(flow)] == []
    assert len(flows) == 8


def test_kestras_own_words(kestra_client: Client) -> None:
    text = f"""\
id: wrong
namespace: company.team
inputs:
  - {{id: size, type: INT}}
  - {{id: size, type: STRING}}
tasks:
  - {{id: same, type: {LOG}, message: x}}
  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    timeout: PT1S
    tasks:
      - id: inner
        type: {LOG}
      - {{id: same, type: {LOG}, message: x}}
triggers:
  - {{id: a, type: io.kestra.plugin.core.trigger.Schedule, cron: "x y"}}
"""

    findings = check(kestra_client, text)

    lines = [finding.partition(": ")[0].removeprefix("0.yaml:") for finding in findings]
    assert lines == ["5", "10", "12", "14", "16"]
    for finding, words in zip(
        findings,
        ["Duplicate input", "cannot use the 'timeout' property", "message: must not be null", "Duplicate task", "cron"],
        strict=True,
    ):
        assert words in finding


def test_types_properties_and_values(kestra_client: Client) -> None:
    text = f"""\
id: wrong
namespace: company.team
tasks:
  - {{id: a, type: io.kestra.plugin.core.log.Lgo, message: x}}
  - {{id: b, type: {LOG}, mesage: x}}
  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {{id: c, type: io.kestra.plugin.nobody.has.It}}
triggers:
  - {{id: t, type: io.kestra.plugin.core.trigger.Schedule, crn: x}}
"""
    value = f"id: wrong\nnamespace: company.team\ntasks:\n  - id: a\n    type: {LOG}\n    disabled: perhaps\n"
    behavior = f"id: o\nnamespace: a.b\nconcurrency: {{limit: 1, behavior: NEVER}}\ntasks: [{{id: a, type: {LOG}}}]\n"

    first, second, third, fourth = check(kestra_client, text)
    assert first.startswith(
        f"0.yaml:4: error: Kestra does not know the type io.kestra.plugin.core.log.Lgo; did you mean {LOG}?"
    )
    assert second.startswith(f"0.yaml:5: error: {LOG} has no property 'mesage'; did you mean 'message'?")
    assert third.startswith("0.yaml:9: error: Kestra does not know the type io.kestra.plugin.nobody.has.It. Check its")
    assert fourth.startswith(
        "0.yaml:11: error: io.kestra.plugin.core.trigger.Schedule has no property 'crn'; did you mean 'cron'?"
    )
    assert check(kestra_client, value) == ['0.yaml:6: error: `disabled` takes true or false, not "perhaps".']
    assert check(kestra_client, behavior) == ['0.yaml:3: error: `behavior` takes QUEUE, CANCEL, FAIL, not "NEVER".']


@pytest.mark.kestra_requires(version="<2")
def test_deprecations_name_what_to_use(kestra_client: Client) -> None:
    text = """\
id: old
namespace: company.team
inputs:
  - {id: flag, type: BOOLEAN}
tasks:
  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - id: each
        type: io.kestra.core.tasks.flows.EachSequential
        value: [a]
        tasks: [{id: say, type: io.kestra.plugin.core.debug.Echo, format: x}]
  - {id: wait, type: io.kestra.plugin.core.flow.Pause, delay: PT1S}
"""

    findings = check(kestra_client, text)

    assert "0.yaml:4: warning: the type BOOLEAN is deprecated: use BOOL instead." in findings
    assert (
        "0.yaml:10: warning: the type io.kestra.core.tasks.flows.EachSequential is deprecated: "
        "use `io.kestra.plugin.core.flow.ForEach`." in findings
    )
    assert "0.yaml:13: warning: `delay` is deprecated: use `pauseDuration` instead." in findings
    assert all(": warning: " in finding for finding in findings)


def test_subflows_are_looked_for_on_the_server(kestra: Kestra, kestra_client: Client) -> None:
    there = kestra.deploy(
        f"id: there\nnamespace: a.b\ninputs: [{{id: key, type: STRING}}]\ntasks: [{{id: t, type: {LOG}, message: x}}]"
    )
    kind = "io.kestra.plugin.core.flow.Subflow"
    text = "id: parent\nnamespace: company.team\ntasks:\n" + "\n".join(
        f"  - {{id: {name}, type: {kind}, namespace: {there.namespace}, flowId: {flow}, {more}}}"
        for name, flow, more in (("a", "there", "inputs: {key: x}"), ("b", "there", ""), ("c", "theer", ""))
    )

    missing_input, missing_flow = check(kestra_client, text)

    assert missing_input.startswith("0.yaml:5: error: the flow ")
    assert missing_input.endswith(".there needs the input 'key', which b does not give.")
    assert missing_flow.startswith("0.yaml:6: error: the flow ")
    assert missing_flow.endswith(f"; did you mean {there.namespace}.there?")


@pytest.mark.parametrize("before", ["# a comment\n---\n", "\n  \n", "---\n", "\n# one\n\n", "# a\r\n---\r\n"])
def test_what_stands_before_a_flow_does_no_harm(kestra_client: Client, before: str) -> None:
    indented = "  id: f\n  namespace: company.team\n  tasks: [{id: t, type: %s, message: x}]\n" % LOG  # noqa: UP031

    assert kestra_client.flows.validate(before + indented) == []
    assert kestra_client.flows.validate(indented) == []


def test_plugins_and_parts(kestra_client: Client) -> None:
    assert LOG in kestra_client.plugins.types()
    assert "message" in kestra_client.plugins.schema(LOG)["properties"]
    assert kestra_client.flows.validate_part("TASKS", f"id: t\ntype: {LOG}\n") == "message: must not be null\n"
    assert kestra_client.flows.validate_part("TASKS", f"id: t\ntype: {LOG}\nmessage: x\n") is None


@pytest.mark.kestra_requires(version="<2")
def test_verdict_is_whole(kestra_client: Client) -> None:
    task = "{id: t, type: io.kestra.core.tasks.debugs.Echo, format: x}"
    text = f"id: f\nnamespace: company.team\nrevision: 7\ntasks: [{task}]\n"

    verdict = kestra_client.flows.verdict(text)

    assert verdict.readable
    assert verdict.constraints is None
    assert verdict.outdated
    assert verdict.deprecations == ("tasks[0]",)
    assert verdict.infos == ("io.kestra.core.tasks.debugs.Echo is replaced by io.kestra.plugin.core.debug.Echo",)
    assert not kestra_client.flows.verdict("id: f\nnamespace: a.b\ntasks: [{id: t, type: no.Such}]").readable


def test_pebble_of_the_engine_agrees(kestra: Kestra, api: httpx.Client) -> None:
    execution = kestra.deploy(f"id: any\nnamespace: company.team\ntasks: [{{id: t, type: {LOG}, message: x}}]\n").run()

    def is_refused(text: str) -> bool:
        actions = "actions/" if is_two(kestra.client) else ""
        path, headers = f"executions/{execution.id}/{actions}eval", {"Content-Type": "text/plain"}
        answer = api.post(path, content=text.encode(), headers=headers).raise_for_status()
        return "ParserException" in (answer.json().get("stackTrace") or "")

    asked = [text for text in READABLE if text]
    assert [text for text in asked if is_refused(text)] == []
    assert [text for text in UNREADABLE if not is_refused(text)] == []


def test_command_uses_an_engine_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"id: a\nnamespace: company.team\ntasks:\n  - {{id: t, type: {LOG}}}\n")

    done = _command(tmp_path, "--server", "embedded")

    assert done.stdout == "a.yaml:4: error: t.message: must not be null\n1 flow, 1 error, 0 warnings\n"
    assert done.stderr == ""
    assert done.returncode == 1


def test_command_uses_a_server(tmp_path: Path, kestra_server: Server) -> None:
    (tmp_path / "a.yaml").write_text(
        f"id: a\nnamespace: company.team\ntasks:\n  - {{id: t, type: {LOG}, message: x}}\n"
    )
    address = kestra_server.address
    credentials = {"PYTEST_KESTRA_USER": address.user or "", "PYTEST_KESTRA_PASSWORD": address.password or ""}

    done = _command(tmp_path, "--server", address.url, **credentials)
    refused = _command(tmp_path, "--server", address.url, **{**credentials, "PYTEST_KESTRA_PASSWORD": "wrong"})

    assert (done.stdout, done.returncode) == ("1 flow, 0 errors, 0 warnings\n", 0)
    assert refused.returncode == 2
    assert re.match(r"pytest-kestra: The Kestra server at \S+ refused user", refused.stderr)


def _command(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_kestra.cli", "validate", ".", *arguments],
        cwd=folder,
        env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_filters_and_functions_of_the_engine_are_known(kestra: Kestra, kestra_client: Client) -> None:
    execution = kestra.deploy(PLAIN).run()

    def is_known(expression: str) -> bool:
        try:
            execution.evaluate(expression)
        except KestraError as error:
            return not re.search(r"(Filter|Function or Macro) \[\w+\] does not exist", str(error))
        return True

    vocabulary = Vocabulary.of(kestra_client)
    filters = vocabulary.known["filter"] | BROUGHT["filter"]
    assert {name for name in filters if not is_known(f"{{{{ 'x' | {name} }}}}")} == set()
    functions = vocabulary.known["function"] | BROUGHT["function"]
    assert {name for name in functions if not is_known(f"{{{{ {name}('x') }}}}")} == set()
    assert not is_known("{{ 'x' | uper }}")
    assert not is_known("{{ nope('x') }}")
