"""Suites as they are read, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml

from pytest_kestra.client.client import Client
from pytest_kestra.errors import FlowError
from pytest_kestra.records import FlowRecord
from pytest_kestra.run.flow import Flow
from pytest_kestra.suites import fixtures, stand_ins
from pytest_kestra.suites.flows import FlowFolders
from pytest_kestra.suites.operators import evaluate
from pytest_kestra.suites.results import CaseResult, Checked
from pytest_kestra.suites.runner import moved
from pytest_kestra.suites.source import OPERATORS, SCHEMA, Case, SuiteSource
from tests.unit.conftest import Stub

if TYPE_CHECKING:
    from pytest_kestra.run.session import Session

SUITES = Path(__file__).resolve().parent.parent / "suites"
CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "kestra-1.3-openapi.yml"
TEXT = """id: s
namespace: a.b
flowId: f
testCases:
  - id: one
    type: io.kestra.core.tests.flow.UnitTest
    assertions:
      - {value: x, equalTo: 2026-01-01}
"""


def suite(text: str = TEXT) -> SuiteSource:
    return SuiteSource(text, "s.yaml")


def test_case_is_read_with_its_line() -> None:
    (case,) = suite().cases

    assert (case.id, case.name, case.line) == ("one", "one", 5)
    # As Kestra reads YAML, where dates are texts.
    assert case.data["assertions"] == [{"value": "x", "equalTo": "2026-01-01"}]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("flowId: f\n", "", "s.yaml:1: the suite lacks the key 'flowId'."),
        ("flowId: f", "flowId: f\nflowid: f", "s.yaml:4: the suite has no key 'flowid'; did you mean 'flowId'?"),
        (
            "equalTo",
            "equalsTo",
            "s.yaml:8: `testCases[0].assertions[0]` has no key 'equalsTo'; did you mean",
        ),
        (
            ", equalTo: 2026-01-01",
            "",
            "s.yaml:8: `testCases[0].assertions[0]` has no operator; it takes one or",
        ),
        ("id: s", "id: s s", "s.yaml:1: `id`: 's s' does not match"),
        ("flow.UnitTest", "flow.Test", "s.yaml:6: `testCases[0].type` is 'io.kestra.core.tests.flow.Test'; it has to"),
        (
            "    assertions",
            "    disabled: never\n    assertions",
            "s.yaml:7: `testCases[0].disabled` is 'never'; it has to",
        ),
        (
            "    assertions",
            "    expectedState: FAIL\n    assertions",
            "s.yaml:7: `testCases[0].expectedState` is 'FA",
        ),
        ("testCases:", "testCases:\n  - [", "s.yaml:6: this is not YAML: "),
        ("id: s", "id: !env s", "s.yaml:1: this cannot be read: could not determine a constructor for the tag '!env'."),
        ("id: s", "? [a]\n: b\nid: s", "s.yaml:1: this cannot be read: found unhashable key."),
        ("id: s", "id: s\nvalue: !!int abc", "s.yaml: this cannot be read: invalid literal for int()"),
        ("id: s", "id: s\non: x", "s.yaml:1: the suite has no key True"),
        (
            "    assertions",
            "    x-pytest:\n      parametrize: [{id: p}, {id: p}]\n    assertions",
            "s.yaml:8: the parameters 'p' are there twice.",
        ),
    ],
)
def test_mistakes_are_told_with_their_lines(old: str, new: str, message: str) -> None:
    with pytest.raises(FlowError) as raised:
        suite(TEXT.replace(old, new))

    assert str(raised.value).startswith(message)


def test_parameters_make_cases() -> None:
    more = """    fixtures:
      inputs: {a: 1, b: 2}
      tasks: [{id: t}, {id: u}]
    x-pytest:
      marks: [slow]
      parametrize:
        - {id: p, inputs: {b: 3}, tasks: [{id: t, state: FAILED}], assertions: [{value: y, isNull: true}]}
        - {id: q, files: {n: text}, expectedState: FAILED}
"""
    first, second = suite(TEXT + more).cases

    assert (first.name, second.name, first.id, second.id) == ("one[p]", "one[q]", "one", "one")
    assert first.data["fixtures"] == {
        "inputs": {"a": 1, "b": 3},
        "tasks": [{"id": "u"}, {"id": "t", "state": "FAILED"}],
    }
    assert [one["value"] for one in first.data["assertions"]] == ["x", "y"]
    assert second.data["fixtures"]["files"] == {"n": "text"}
    assert (second.data["expectedState"], "x-pytest" in second.data) == ("FAILED", False)
    assert first.extension["marks"] == ["slow"]


def test_schema_has_all_that_kestra_describes() -> None:
    """Its API description names the same keys, but for what only 2.0 knows, or is stored beside a suite."""
    if not CONTRACT.exists():
        pytest.skip("Kestra's API description is not beside this checkout")
    described = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["components"]["schemas"]
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    defs = schema["$defs"]

    def keys(value: dict[str, Any]) -> set[str]:
        return set(value["properties"])

    assert keys(schema) - {"x-pytest"} == keys(described["TestSuite"]) - {"source", "deleted"}
    assert keys(defs["case"]) - {"x-pytest", "expectedState"} == keys(described["UnitTest"])
    for name in ("Fixtures", "TaskFixture", "TriggerFixture", "Assertion"):
        ours = {"Fixtures": "fixtures", "TaskFixture": "task", "TriggerFixture": "trigger", "Assertion": "assertion"}
        assert keys(defs[ours[name]]) == keys(described[name])
    assert keys(defs["assertion"]) - set(OPERATORS) == {"value", "taskId", "errorMessage", "description"}


def test_every_suite_of_ours_is_valid() -> None:
    files = [*SUITES.glob("good/*.yaml"), *SUITES.glob("twins/*.yaml")]

    assert all(SuiteSource(file.read_text(encoding="utf-8"), file.name).cases for file in files)
    used = {key for file in files for key in OPERATORS if f"{key}:" in file.read_text(encoding="utf-8")}
    assert used == set(OPERATORS)


def test_flow_and_its_subflows_are_found(tmp_path: Path) -> None:
    text = (SUITES / "good" / "parent.yaml").read_text(encoding="utf-8")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "parent.yaml").write_text("id: parent\nnamespace: company.suites\ntasks: []\n")
    (tmp_path / "broken.yaml").write_text("id: [\ntasks: []\n")

    found = FlowFolders([SUITES / "flows", tmp_path, tmp_path / "none"]).of_suite(SuiteSource(text, "p.yaml"))

    assert [flow.id for flow in found] == ["parent", "child"]


def test_states_of_cases_are_as_kestra_defines_them() -> None:
    good, bad = Checked("equalTo", 1, 1, success=True), Checked("equalTo", 1, 2, success=False)

    assert CaseResult("e", [good]).state == "SUCCESS"
    assert CaseResult("e", [good, bad]).state == "FAILED"
    assert CaseResult("e", [good, bad], ["no"]).state == "ERROR"
    assert CaseResult("e", [good, bad]).failed == [bad]


def test_namespaces_go_with_their_flows() -> None:
    data = {"a": ["company.shop", {"b": "company.shop.x"}], "c": 1, "company.shop": "shop"}

    assert moved(data, {"company.shop": "company.shop.t", "shop": "t"}) == {
        "a": ["company.shop.t", {"b": "company.shop.x"}],
        "c": 1,
        "company.shop": "shop",
    }


def test_server_that_knows_no_suites(client: Client, stub: Stub) -> None:
    assert not client.suites.served()
    client.suites.delete("a.b", "s")  # which is not there
    stub.on("GET", "/api/v1/main/tests/search", "{}")
    assert client.suites.served()


def render(text: str) -> str:
    return text.removeprefix("{{").removesuffix("}}").strip()


@pytest.mark.parametrize(
    ("assertion", "results"),
    [
        ({"value": "{{ 3 }}", "equalTo": 3, "notEqualTo": "4"}, [True, True]),
        ({"value": "1.5", "equalTo": "1.50"}, [False]),
        ({"value": '["a"]', "equalTo": ["a"]}, [True]),
        ({"value": "true", "equalTo": True}, [True]),
        ({"value": "abc", "contains": "b", "startsWith": "b", "endsWith": "c"}, [True, False, True]),
        ({"value": "3", "greaterThan": 3, "greaterThanOrEqualTo": 3, "lessThan": "3", "lessThanOrEqualTo": 3.0}, None),
        ({"value": "3", "in": [1, 3], "notIn": ["4"]}, [True, True]),
        ({"value": "a", "in": '{{ ["a", "b"] }}'}, [True]),
        ({"value": "", "isNull": True, "isNotNull": True}, [False, True]),
        ({"value": "", "isNull": False, "isNotNull": "false"}, [True, False]),
    ],
)
def test_operators(assertion: dict[str, Any], results: list[bool] | None) -> None:
    found = list(evaluate(assertion, render))

    expected = [False, True, False, True] if results is None else results
    by_name = {one.operator: one.success for one in found}
    assert [by_name[name] for name in assertion if name != "value"] == expected
    assert all((one.message is None) is one.success for one in found)


def test_words_of_an_assertion() -> None:
    (one,) = evaluate({"value": "a", "equalTo": "b", "description": "{{ d }}", "taskId": "t"}, render)
    (other,) = evaluate({"value": "a", "equalTo": "b", "errorMessage": "{{ no }}"}, render)

    assert (one.message, one.description, one.task_id) == ("a is 'a': it is not 'b'", "d", "t")
    assert other.message == "no"


@pytest.mark.parametrize("assertion", [{"value": "a", "lessThan": 1}, {"value": "1", "lessThan": "a"}])
def test_numbers_that_are_none(assertion: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'a' is not a number"):
        list(evaluate(assertion, render))


def test_folder_of_somebody_else_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pgdata").mkdir()
    (tmp_path / "f.yaml").write_text("id: f\nnamespace: a.b\ntasks: []\n", encoding="utf-8")
    listed = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:
        if folder.name == "pgdata":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)

    assert [flow.id for flow in FlowFolders([tmp_path]).of_suite(suite())] == ["f"]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("{{ files['a.csv'] }}", "nsfile:///pytest-kestra/a.csv"),
        ("{{ read(files.a) | upper }}", "{{ read('nsfile:///pytest-kestra/a') | upper }}"),
        ("{{ outputs.list_files.uris }}", "{{ outputs.list_files.uris }}"),
        ("{{ outputs.files.uri }} {{ inputs.files.a }}", "{{ outputs.files.uri }} {{ inputs.files.a }}"),
        ("{{ outputs.t.files['a.csv'] }}", "{{ outputs.t.files['a.csv'] }}"),
        ("see files.txt {{ 'files.txt' }}", "see files.txt {{ 'files.txt' }}"),
        ("{{ '{{' }}", "{{ '{{' }}"),
    ],
)
def test_files_of_a_case_are_those_of_the_namespace(text: str, sent: str) -> None:
    assert stand_ins._with_files({"a": [text]}) == {"a": [sent]}


def test_inputs_are_sent_as_they_would_be_rendered() -> None:
    assert stand_ins._with_files("a {{ '{{' }} {{ files.b }}", rendered=False) == "a {{ nsfile:///pytest-kestra/b"


def test_list_that_is_none() -> None:
    with pytest.raises(ValueError, match="is not a list"):
        list(evaluate({"value": "a", "in": "{{ 1 }}"}, render))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("yes", True), ("on", True), ("True", True), ("no", False), ("y", "y"), ("~", None)),
        *(("10.00", 10.0), ("1_000", 1000), ("010", 8), ("0x1F", 31), ("0b11", 3), ("1e3", 1000.0), (".5", 0.5)),
        *(("-1", -1), ("1:30", "1:30"), ("09", "09"), ("2026-01-01", "2026-01-01"), ("=", "="), ("'1'", "1")),
    ],
)
def test_inputs_and_outputs_are_what_kestra_makes_of_them(text: str, value: object) -> None:
    """As Jackson reads them, which was asked for each of these."""
    fixtures = f"""\
    fixtures:
      inputs: {{a: {text}}}
      tasks: [{{id: fetch, outputs: {{a: [{text}]}}}}]
      trigger: {{id: hook, type: x.Webhook, variables: {{a: {text}}}}}
    x-pytest:
      parametrize:
        - {{id: one}}
        - {{id: two, inputs: {{a: 1, b: {text}}}, tasks: [{{id: fetch, outputs: {{a: {text}}}}}]}}
    assertions:
"""
    cases = suite(TEXT.replace("    assertions:\n", fixtures)).cases
    first, second = (case.data["fixtures"] for case in cases)

    assert (first["inputs"], first["tasks"][0]["outputs"]) == ({"a": value}, {"a": [value]})
    assert first["trigger"]["variables"] == {"a": value}
    assert second["inputs"] == {"a": 1, "b": value}
    assert [task["outputs"] for task in second["tasks"]] == [{"a": value}]
    assert all(type(one) is type(value) for one in (first["inputs"]["a"], second["inputs"]["b"]))


def test_value_of_a_fixture_stays_as_it_is_written() -> None:
    fixtures = "    fixtures: {tasks: [{id: fetch, value: 1.50}], files: {a: 'x'}}\n    assertions:\n"
    (case,) = suite(TEXT.replace("    assertions:\n", fixtures)).cases

    assert case.data["fixtures"]["tasks"][0]["value"] == "1.50"


def test_numbers_stay_as_they_are_written() -> None:
    (case,) = suite(TEXT.replace("2026-01-01", "1.50, greaterThan: 1, isNull: yes")).cases

    (assertion,) = case.data["assertions"]
    assert (assertion["equalTo"], assertion["greaterThan"], assertion["isNull"]) == ("1.50", 1, "yes")


def flow_with(*tasks: dict[str, Any]) -> Flow:
    record = FlowRecord.of({"id": "f", "namespace": "a.b", "revision": 1, "tasks": list(tasks)})
    return Flow.deployed(record, "f.yaml", cast("Session", None))


def case_with(text: str) -> tuple[SuiteSource, Case]:
    """Return a suite whose case has fixtures."""
    found = suite(TEXT.replace("    assertions:", f"    fixtures: {text}\n    assertions:"))
    return found, found.cases[0]


def test_tasks_that_a_for_each_item_makes_may_have_fixtures() -> None:
    flow = flow_with(
        {"id": "each", "type": "io.kestra.plugin.core.flow.ForEachItem"}, {"id": "told", "type": "io.kestra.a.Return"}
    )

    fixtures.check(*case_with("{tasks: [{id: each}, {id: each_split}, {id: told}]}"), flow)
    with pytest.raises(FlowError, match=r"^s\.yaml:7: one has a fixture for a task 'told_split', which "):
        fixtures.check(*case_with("{tasks: [{id: told_split}]}"), flow)


def test_fixture_of_a_set_of_parameters_is_told_at_its_line() -> None:
    sets = "    x-pytest:\n      parametrize:\n        - {id: a, inputs: {x: 1}}\n        - {id: b, tasks: [{id: t}]}\n"
    found = suite(TEXT + sets)

    told = ["11: one[a] gives it, but the flow f has no input 'x'", "12: one[b] has a fixture for a task 't', which"]
    for case, what in zip(found.cases, told, strict=True):
        with pytest.raises(FlowError) as raised:
            fixtures.check(found, case, flow_with())
        assert str(raised.value).startswith(f"s.yaml:{what}")
