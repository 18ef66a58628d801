"""Secrets in what pytest makes of a failure, in every form that it has."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from pytest_kestra.report.secrets import cleaned, mask_report

SECRET = "a-secret-of-the-test"


def mask(text: str) -> str:
    return text.replace(SECRET, "*****")


def failure() -> pytest.ExceptionInfo[BaseException]:
    def fail(argument: str) -> None:
        local = [argument]
        try:
            raise ValueError(local)
        except ValueError as error:
            raise AssertionError(f"it is {argument}") from error

    with pytest.raises(AssertionError) as raised:
        fail(SECRET)
    return raised


def report(longrepr: Any, **more: Any) -> pytest.TestReport:
    return pytest.TestReport("test_a.py::test_a", ("test_a.py", 0, "test_a"), {}, "failed", longrepr, "call", **more)


@pytest.mark.parametrize("style", ["long", "short", "native", "value", "line", "no"])
@pytest.mark.parametrize("chain", [True, False])
def test_failure_has_none_in_any_style(style: Any, chain: bool) -> None:
    longrepr = failure().getrepr(style=style, chain=chain, showlocals=True, funcargs=True)
    longrepr.addsection("more", SECRET)
    masked = report(longrepr)
    assert SECRET in masked.longreprtext
    mask_report(masked, mask)

    assert SECRET not in masked.longreprtext
    assert "*****" in masked.longreprtext
    assert getattr(masked.longrepr, "reprcrash").message == "AssertionError: it is *****"  # noqa: B009 - a union
    # As pytest-xdist sends it.
    assert SECRET not in str(masked._to_json())


def test_texts_sections_and_properties_have_none() -> None:
    masked = report(f"it is {SECRET}", sections=[("Captured", SECRET)], user_properties=[("a", SECRET), ("b", 1)])
    mask_report(masked, mask)

    assert (masked.longrepr, masked.sections) == ("it is *****", [("Captured", "*****")])
    assert masked.user_properties == [("a", "*****"), ("b", 1)]


@pytest.mark.parametrize("longrepr", [None, ("test_a.py", 3, f"skipped for {SECRET}")])
def test_reports_of_what_has_not_failed(longrepr: tuple[str, int, str] | None) -> None:
    masked = report(longrepr)
    mask_report(masked, mask)

    assert masked.longrepr == (longrepr and ("test_a.py", 3, "skipped for *****"))


class Text(str):
    """A text that knows more than its characters."""


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (f"a {SECRET}", "a *****"),
        ([SECRET, 1], ["*****", 1]),
        ((SECRET, {SECRET}), ("*****", {"*****"})),
        ({SECRET: {"x": [SECRET]}}, {"*****": {"x": ["*****"]}}),
    ],
)
def test_values_of_a_comparison_have_none(left: object, right: object) -> None:
    assert cleaned(left, 3, mask) == (right, 3)
    assert cleaned(3, left, mask) == (3, right)


def test_values_without_secrets_are_left_to_pytest() -> None:
    text: Literal["a"] | Text = Text("a")

    assert cleaned({"a": [text]}, (1, None), mask) is None
