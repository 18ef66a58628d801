"""Running a case: by the suites API, where the server has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from pytest_kestra.client.client import Client
from pytest_kestra.errors import ApiError, WaitTimeout
from pytest_kestra.run.flow import Flow
from pytest_kestra.suites.results import CaseResult, Checked
from pytest_kestra.suites.source import Case, SuiteSource


def run_by_api(
    client: Client, flow: Flow, suite: SuiteSource, case: Case, data: Mapping[str, Any], timeout: float
) -> CaseResult:
    """Let the server run a case of a flow that is deployed, with its own fixtures and assertions.

    `data` is the case with the namespaces of the deployed flows. FlowError where the server refuses the suite,
    WaitTimeout where the run takes longer than `timeout` seconds.
    """
    whole = {"id": suite.id, "namespace": flow.namespace, "flowId": flow.id, "testCases": [data]}
    try:
        client.suites.create(json.dumps(whole))
    except ApiError as error:
        raise suite.source.error(error.message, case.line) from error
    try:
        result = client.suites.run(flow.namespace, suite.id, [case.id], timeout=timeout)
    except httpx.ReadTimeout as error:
        raise WaitTimeout(f"{suite.name}:{case.line}: {case.name} took longer than {timeout:g} s.") from error
    finally:
        client.suites.delete(flow.namespace, suite.id)
    (found,) = result["results"]
    return CaseResult(
        found.get("executionId"),
        [Checked.of(one) for one in found["assertionResults"]],
        [_told(error) for error in found["errors"]],
    )


def moved(value: Any, namespaces: Mapping[str, str]) -> Any:
    """Return a value of JSON in which namespaces of flows are those that the flows are deployed in."""
    if isinstance(value, Mapping):
        return {name: moved(item, namespaces) for name, item in value.items()}
    if isinstance(value, list):
        return [moved(item, namespaces) for item in value]
    return namespaces.get(value, value) if isinstance(value, str) and "." in value else value


def _told(error: Mapping[str, Any]) -> str:
    details = error.get("details")
    return str(error["message"]) + (f" ({str(details).removeprefix('error was: ')})" if details else "")
