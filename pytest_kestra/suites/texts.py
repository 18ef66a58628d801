"""What is told of a case that has not come out as it should."""

from __future__ import annotations

from collections.abc import Callable

from pytest_kestra.names import middle
from pytest_kestra.run.diagnosis.evidence import Evidence
from pytest_kestra.run.diagnosis.passages import FIRST_LINE, logs_of, short
from pytest_kestra.run.diagnosis.text import story
from pytest_kestra.run.execution import Execution
from pytest_kestra.suites.results import CaseResult, Checked
from pytest_kestra.suites.source import OPERATORS, Case, SuiteSource

VALUE_LENGTH = 300
EXPRESSION_LENGTH = 100


def told(suite: SuiteSource, case: Case, result: CaseResult, execution: Execution | None) -> str:
    """Return the story of a case; the first line says the most, within a hundred characters."""
    lines = [_first(case, result), f"Suite: {suite.name}:{case.line}, {suite.id} of the flow {suite.flow_id}"]
    lines += [f"  error: {error}" for error in result.errors]
    masked = str if execution is None else execution.session.masked
    found = zip(result.checked, _expressions(case, result), strict=True)
    for checked, expression in sorted(found, key=lambda one: one[0].success):
        lines += _lines(checked, expression, masked)
    if execution is None:
        return "\n".join(lines)
    evidence = Evidence.of(execution, execution.session)
    lines += story(evidence, logs_of(evidence))
    if execution.session.reproduce:
        lines += ["", f"Run it again: {execution.session.reproduce}"]
    return execution.session.masked("\n".join(lines))


def _first(case: Case, result: CaseResult) -> str:
    if result.errors:
        what = f"error: {result.errors[0]}"
    else:
        number, failed = len(result.checked), result.failed
        message = (failed[0].message or "").splitlines()
        what = f"{len(failed)} of {number} assertions failed: {message[0] if message else failed[0].operator}"
    return short(f"{middle(case.name, 40)}: {what}", FIRST_LINE)


def _expressions(case: Case, result: CaseResult) -> list[str | None]:
    """Return the expression of each result; None where it cannot be told, such as where others have no result."""
    asserted = [
        (operator, str(assertion["value"]))
        for assertion in case.data.get("assertions") or ()
        for operator in OPERATORS
        if operator in assertion
    ]
    found = [checked.operator for checked in result.checked]
    if [operator for operator, _ in asserted] != found[: len(asserted)]:
        return [None] * len(found)
    return [expression for _, expression in asserted] + [None] * (len(found) - len(asserted))


def _lines(checked: Checked, expression: str | None, masked: Callable[[str], str]) -> list[str]:
    about = ", ".join(filter(None, [checked.description, checked.task_id and f"task {checked.task_id}"]))
    head = f"  {'passed' if checked.success else 'FAILED'} {checked.operator}{f' ({about})' if about else ''}"
    if expression:
        head += f": {short(masked(' '.join(expression.split())), EXPRESSION_LENGTH)}"
    if checked.success:
        return [head]
    message = (checked.message or "").splitlines()
    expected, actual = (short(masked(repr(value)), VALUE_LENGTH) for value in (checked.expected, checked.actual))
    return [head, *(f"    {line}" for line in message), f"    expected: {expected}", f"    actual:   {actual}"]
