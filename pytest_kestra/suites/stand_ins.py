"""Running a case on a server without an API for suites: by stand-ins for tasks, and by its API for expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_kestra.errors import ExpressionError, InputError
from pytest_kestra.mocks.answers import Answer
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.flow import Flow
from pytest_kestra.run.kestra import Kestra
from pytest_kestra.suites.operators import evaluate
from pytest_kestra.suites.results import CaseResult, Checked

# Where the texts of a case are kept, among the files of the test's namespace.
FOLDER = "pytest-kestra"
EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
FILE = re.compile(r"(?<![\w.'\"])files(?:\.([\w-]+)|\[\s*(['\"])(.+?)\2\s*\])")
QUOTED = re.compile(r"\{\{\s*'([^']*)'\s*\}\}")
NO_TRIGGER = "the server has no API for unit-test suites, and without it an execution cannot be given a `trigger`"


def run_by_stand_ins(kestra: Kestra, flow: Flow, data: Mapping[str, Any]) -> CaseResult:
    """Run a case of a flow that is deployed; `data` is the case with the namespaces of the deployed flows.

    Fixtures of tasks are stand-ins, files are files of the namespace.
    """
    inputs = inputs_of(data, flow)
    kestra.fixtures(fixtures_of(_with_files((data.get("fixtures") or {}).get("tasks") or [])))
    try:
        execution = flow.run(inputs)
    except InputError as error:
        return CaseResult(None, (), [f"The flow could not be run ({error})"])
    checked: list[Checked] = []
    errors = _state_errors(execution, data)
    for assertion in data["assertions"]:
        found, wrong = _evaluated(_with_files(assertion), execution)
        checked += found
        errors += wrong
    return CaseResult(execution.id, checked, errors)


def inputs_of(data: Mapping[str, Any], flow: Flow) -> dict[str, Any]:
    """Store the files of a case in the flow's namespace, and return its inputs, which may name them."""
    fixtures = data.get("fixtures") or {}
    for name, text in (fixtures.get("files") or {}).items():
        flow.files[f"{FOLDER}/{name}"] = text
    return dict(_with_files(fixtures.get("inputs") or {}, rendered=False))


def fixtures_of(tasks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, object, Answer]]:
    """Return ids, iterations and answers of the tasks that have fixtures."""
    for task in tasks:
        yield task["id"], task.get("value"), Answer(task.get("outputs"), task.get("state"))


def _state_errors(execution: Execution, data: Mapping[str, Any]) -> list[str]:
    asserted = any("execution.state" in str(assertion["value"]) for assertion in data["assertions"])
    wished = data.get("expectedState") or (execution.state if asserted else "SUCCESS")
    if execution.state == wished:
        return []
    return [f"The execution ended in the state {execution.state}, not {wished}"]


def _evaluated(assertion: Mapping[str, Any], execution: Execution) -> tuple[list[Checked], list[str]]:
    def render(text: str) -> str:
        return execution.evaluate(text) if "{{" in text or "{%" in text else text

    try:
        return list(evaluate(assertion, render)), []
    except (ExpressionError, ValueError) as error:
        return [], [f"Could not evaluate the assertion on {assertion['value']} ({error})"]


def _with_files(value: Any, *, rendered: bool = True) -> Any:
    """Return a value in which `files['name']` in an expression is the address of that file.

    Of one that the server does not render, an expression that is only a text in quotes becomes that text.
    """
    if isinstance(value, Mapping):
        return {name: _with_files(item, rendered=rendered) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_with_files(item, rendered=rendered) for item in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    text = EXPRESSION.sub(lambda expression: FILE.sub(_address, expression[0]), value)
    if not rendered:
        return QUOTED.sub(r"\1", text)
    whole = QUOTED.fullmatch(text.strip()) if text != value else None
    return whole[1] if whole else text


def _address(found: re.Match[str]) -> str:
    return f"'nsfile:///{FOLDER}/{found[1] or found[3]}'"


def unserved(data: Mapping[str, Any]) -> str | None:
    """Say what a case has that only a server with an API for suites can do; None where there is nothing."""
    return NO_TRIGGER if (data.get("fixtures") or {}).get("trigger") else None
