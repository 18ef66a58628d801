"""The 13 operators of assertions, for servers whose own code cannot be asked.

The rules are those of Kestra (io.kestra.core.test.flow.Assertion): both sides are rendered to texts, which are compared
as texts, or as numbers where an operator is about numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_kestra.suites.results import Checked
from pytest_kestra.suites.source import OPERATORS

Render = Callable[[str], str]
TEXTS: dict[str, tuple[Callable[[str, str], bool], str]] = {
    "equalTo": (lambda actual, expected: actual == expected, "is not"),
    "notEqualTo": (lambda actual, expected: actual != expected, "should not be"),
    "contains": (lambda actual, expected: expected in actual, "does not contain"),
    "startsWith": (lambda actual, expected: actual.startswith(expected), "does not start with"),
    "endsWith": (lambda actual, expected: actual.endswith(expected), "does not end with"),
}
NUMBERS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "greaterThan": (lambda actual, expected: actual > expected, "is not greater than"),
    "greaterThanOrEqualTo": (lambda actual, expected: actual >= expected, "is less than"),
    "lessThan": (lambda actual, expected: actual < expected, "is not less than"),
    "lessThanOrEqualTo": (lambda actual, expected: actual <= expected, "is greater than"),
}
LISTS: dict[str, tuple[bool, str]] = {"in": (True, "is none of"), "notIn": (False, "should be none of")}


def evaluate(assertion: Mapping[str, Any], render: Render) -> Iterator[Checked]:
    """Return the result of each operator of an assertion; `render` evaluates expressions.

    ValueError where a number is none; what `render` raises passes.
    """
    query = text_of(assertion["value"])
    actual = render(query)
    words = {name: render(text_of(assertion[name])) for name in ("errorMessage", "description") if name in assertion}
    for name in OPERATORS:
        if name in assertion:
            expected, success, what = _compared(name, actual, assertion[name], render)
            message = None if success else words.get("errorMessage", f"{query} is {actual!r}: it {what}")
            yield Checked(
                name,
                expected,
                actual,
                success,
                task_id=assertion.get("taskId"),
                description=words.get("description"),
                message=message,
            )


def text_of(value: Any) -> str:
    """Return a value as the text that Kestra makes of it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _compared(name: str, actual: str, given: Any, render: Render) -> tuple[Any, bool, str]:
    """Return the rendered expectation, whether it is met, and the end of a sentence about that it is not."""
    if name in ("isNull", "isNotNull"):
        # What is rendered is a text, also an empty one.
        wished = render(text_of(given)) == "true"
        null = wished if name == "isNull" else not wished
        return wished, not null, f"should be {'null' if null else 'not null'}"
    if name in LISTS:
        inside, what = LISTS[name]
        found = _list(given, render)
        return found, (actual in found) is inside, f"{what} {found!r}"
    expected = render(text_of(given))
    if name in TEXTS:
        compare, what = TEXTS[name]
        return expected, compare(actual, expected), f"{what} {expected!r}"
    compare_numbers, what = NUMBERS[name]
    number = _number(expected)
    return number, compare_numbers(_number(actual), number), f"{what} {number!r}"


def _list(given: Any, render: Render) -> list[str]:
    if isinstance(given, list):
        return [render(text_of(item)) for item in given]
    text = render(text_of(given))
    found = json.loads(text)
    if not isinstance(found, list):
        raise ValueError(f"{text!r} is not a list")
    return [text_of(item) for item in found]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
