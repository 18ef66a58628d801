"""Kestra's own client drives unit-test suites, which an open-source server does not have."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pytest_kestra import Server
from tests.engine.scheduling import YAML

models: Any = pytest.importorskip("kestrapy.models")
pytestmark = pytest.mark.kestra_requires(capability="embedded")

FLOW = """
id: shop
namespace: {namespace}
inputs:
  - {{id: count, type: INT, defaults: 1}}
  - {{id: list, type: FILE, required: false}}
tasks:
  - id: fetch
    type: io.kestra.plugin.core.http.Request
    uri: http://nowhere.invalid/
    runIf: "{{{{ nothing.at.all }}}}"
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {{id: send, type: io.kestra.plugin.core.debug.Return, format: "{{{{ taskrun.value }}}}"}}
  - id: told
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ outputs.fetch.body ?? '' }}}} {{{{ inputs.count }}}} {{{{ trigger.who ?? 'nobody' }}}}"
  - id: file
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ inputs.list is defined and inputs.list != null ? read(inputs.list) : 'no file' }}}}"
"""
SUITE = """
id: shopping
namespace: {namespace}
flowId: shop
description: what the shop does
testCases:
  - id: good
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      inputs:
        count: 3
        list: "{{{{ files['list.txt'] }}}}"
      files:
        list.txt: milk
      tasks:
        - {{id: fetch, outputs: {{body: "of {{{{ flow.id }}}}"}}}}
        - {{id: send, value: b, outputs: {{value: mocked}}}}
      trigger:
        id: hook
        type: io.kestra.plugin.core.trigger.Webhook
        variables: {{who: Ada}}
    assertions:
      - {{value: "{{{{ outputs.told.value }}}}", equalTo: of shop 3 Ada}}
      - {{value: "{{{{ outputs.file.value }}}}", equalTo: milk}}
      - {{value: "{{{{ outputs.send.a.value }}}}", equalTo: a}}
      - {{value: "{{{{ outputs.send.b.value }}}}", equalTo: mocked}}
      - {{value: "{{{{ inputs.count }}}}", greaterThan: 2, lessThan: 4}}
  - id: wrong
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      tasks: [{{id: fetch}}]
    assertions:
      - {{value: "{{{{ outputs.told.value }}}}", contains: Ada, taskId: told, description: who}}
      - {{value: "{{{{ outputs.told.value }}}}", contains: nobody}}
  - id: fails
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      tasks: [{{id: fetch, state: FAILED}}]
    assertions:
      - {{value: "{{{{ inputs.count }}}}", equalTo: "1"}}
  - id: fails-as-it-should
    type: io.kestra.core.tests.flow.UnitTest
    expectedState: FAILED
    fixtures:
      tasks: [{{id: fetch, state: FAILED}}]
    assertions:
      - {{value: "{{{{ inputs.count }}}}", equalTo: "1"}}
  - id: asks-for-the-state
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      tasks: [{{id: fetch, state: FAILED}}]
    assertions:
      - {{value: "{{{{ execution.state }}}}", equalTo: FAILED}}
  - id: not-a-number
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      tasks: [{{id: fetch}}]
    assertions:
      - {{value: "{{{{ outputs.told.value }}}}", greaterThan: 1}}
  - id: no-input
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      inputs: {{count: many}}
    assertions:
      - {{value: a, equalTo: a}}
  - id: not-now
    type: io.kestra.core.tests.flow.UnitTest
    disabled: true
    assertions:
      - {{value: a, equalTo: b}}
"""


@pytest.fixture
def suite(api: httpx.Client, kestra_server: Server, sdk: Any, namespace: str) -> Any:
    api.post("flows", content=FLOW.format(namespace=namespace), headers=YAML).raise_for_status()
    text = SUITE
    if kestra_server.address.is_two:
        # The outputs of a loop's rounds are no part of its execution's there.
        text = "".join(line for line in SUITE.splitlines(keepends=True) if "outputs.send." not in line)
    return sdk.test_suites.create_test_suite("main", text.format(namespace=namespace))


def state(result: Any) -> str:
    """Return a state, which the client gives as its own type or as a text."""
    return str(getattr(result.state, "value", result.state))


def listed(sdk: Any, namespace: str) -> Any:
    return sdk.test_suites.search_test_suites(
        page=1, size=10, include_child_namespaces=False, tenant="main", namespace=namespace
    )


def test_suite_is_stored_found_changed_and_deleted(sdk: Any, suite: Any, namespace: str) -> None:
    suites = sdk.test_suites
    assert (suite.id, suite.flow_id, len(suite.test_cases)) == ("shopping", "shop", 8)
    assert suites.test_suite(namespace, "shopping", "main").description == "what the shop does"
    found = suites.search_test_suites(
        page=1, size=10, include_child_namespaces=False, tenant="main", namespace=namespace
    )
    assert (found.total, found.results[0].id) == (1, "shopping")

    text = SUITE.format(namespace=namespace)
    changed = suites.update_test_suite(namespace, "shopping", "main", text.replace("what the", "all the"))
    assert changed.description == "all the shop does"
    assert suites.validate_test_suite("main", text).constraints is None
    wrong = suites.validate_test_suite("main", text.replace("equalTo: milk", "equalsTo: milk"))
    assert 'Unrecognized field "equalsTo"' in wrong.constraints
    suites.delete_test_suite(namespace, "shopping", "main")
    found = suites.search_test_suites(
        page=1, size=10, include_child_namespaces=False, tenant="main", namespace=namespace
    )
    assert found.total == 0


def test_run(sdk: Any, suite: Any, namespace: str) -> None:
    suites = sdk.test_suites
    result = suites.run_test_suite(namespace, suite.id, "main")

    cases = {case.test_id: case for case in result.results}
    assert {name: state(case) for name, case in cases.items()} == {
        "good": "SUCCESS",
        "wrong": "FAILED",
        "fails": "ERROR",
        "fails-as-it-should": "SUCCESS",
        "asks-for-the-state": "SUCCESS",
        "not-a-number": "ERROR",
        "no-input": "ERROR",
        "not-now": "SKIPPED",
    }
    assert state(result) == "ERROR"
    who, nobody = cases["wrong"].assertion_results
    assert (who.operator, who.expected, who.is_success, who.task_id, who.description) == (
        *("contains", "Ada", False, "told", "who"),
    )
    assert who.error_message == "expected '{{ outputs.told.value }}' to contain 'Ada' but was ' 1 nobody'"
    assert nobody.is_success
    assert [error.message for error in cases["fails"].errors] == [
        "The execution ended in the state FAILED, not SUCCESS"
    ]
    assert suites.test_result(result.id, "main").id == result.id


def test_some_cases_only(sdk: Any, suite: Any, namespace: str) -> None:
    result = sdk.test_suites.run_test_suite(
        namespace, suite.id, "main", models.TestSuiteControllerRunRequest(test_cases=["good", "not-now"])
    )

    assert {case.test_id: state(case) for case in result.results} == {"good": "SUCCESS", "not-now": "SKIPPED"}
    assert state(result) == "SUCCESS"


def test_disabled_suite_and_results(sdk: Any, suite: Any, namespace: str) -> None:
    suites = sdk.test_suites
    name = models.TestSuiteControllerTestSuiteApiId(namespace=namespace, id=suite.id)
    bulk = models.TestSuiteControllerTestSuiteBulkRequest(ids=[name])
    assert suites.disable_test_suites_by_ids("main", bulk).count == 1
    assert suites.test_suite(namespace, suite.id, "main").disabled
    query = models.TestSuiteServiceRunByQueryRequest(namespace=namespace, include_child_namespaces=False)
    told = suites.run_test_suites_by_query("main", query)
    assert (told.number_of_test_suites_to_be_run, told.number_of_test_cases_to_be_run) == (1, 8)
    assert [state(result) for result in told.results] == ["SKIPPED"]
    assert suites.enable_test_suites_by_ids("main", bulk).count == 1
    again = suites.run_test_suites_by_query("main", query).results[0]

    last = suites.tests_last_result("main", models.TestSuiteControllerSearchTestsLastResult(test_suite_ids=[name]))
    assert [result.id for result in last.results] == [again.id]
    found = suites.search_test_suites_results(page=1, size=10, tenant="main", namespace=namespace)
    assert [result.id for result in found.results] == [again.id, told.results[0].id]
    assert suites.delete_test_suites_by_ids("main", bulk).count == 1


def test_what_is_refused(sdk: Any, api: httpx.Client, suite: Any, namespace: str) -> None:
    def refused(method: str, path: str, text: str = "") -> tuple[int, str]:
        answer = api.request(method, f"tests{path}", content=text, headers=YAML if text else {})
        return answer.status_code, answer.json()["message"]

    text = SUITE.format(namespace=namespace)
    assert refused("POST", "", text) == (422, "Invalid entity: testsuite.id: Test suite id already exists")
    other = text.replace("id: shopping", "id: other")
    status, message = refused("POST", "", other.replace("flowId: shop", "flowId: none"))
    assert (status, f"Flow with id: 'none' does not exist on Namespace: '{namespace}'" in message) == (422, True)
    status, message = refused("POST", "", other.replace("equalTo: milk", "description: milk"))
    assert (status, "at least one actual assertion is required" in message) == (422, True)
    assert refused("POST", "", "- a list")[0] == 422
    assert refused("PUT", f"/{namespace}/{suite.id}", other)[0] == 422
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/run")):
        assert refused(method, f"/{namespace}/none{path}")[0] == 404
    answer = api.post(f"tests/{namespace}/{suite.id}/run", json={"testCases": ["none"]})
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found: the suite has no such test case")
    assert api.get("tests/results/none").status_code == 404
