"""Secrets out of what pytest itself tells: its comparisons, tracebacks and captured output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Mask = Callable[[str], str]


class SubtestMask:
    """Mask captured output of subtests, which pytest adds to a report after it was made.

    `mask` is that of the test which runs.
    """

    mask: Mask | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Mask the report of a subtest, before others take it."""
        if self.mask is not None and hasattr(report, "context"):
            mask_report(report, self.mask)


def mask_report(report: pytest.TestReport, mask: Mask) -> None:
    """Mask all texts of a report: of its failure in whatever form, of captured output, of its properties."""
    report.longrepr = _masked(report.longrepr, mask)
    report.sections = [(title, mask(text)) for title, text in report.sections]
    report.user_properties = [
        (name, mask(value) if isinstance(value, str) else value) for name, value in report.user_properties
    ]


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_masked(item, mask) for item in value)
    if hasattr(value, "toterminal"):
        # What pytest makes of an error is a tree of plain objects, whose classes are its own business.
        vars(value).update({name: _masked(part, mask) for name, part in vars(value).items() if name != "path"})
    return value


def cleaned(left: object, right: object, mask: Mask) -> tuple[Any, Any] | None:
    """Return the values of a comparison without the secrets in them; None where they have none.

    pytest shows only parts of long texts, and a part of a secret is none that is known.
    """
    found = (_cleaned(left, mask), _cleaned(right, mask))
    return None if found == (left, right) else found


def _cleaned(value: object, mask: Mask) -> object:
    if isinstance(value, str):
        # A text that knows more than its characters stays what it is.
        return value if (text := mask(value)) == value else text
    if isinstance(value, Mapping):
        return {_cleaned(key, mask): _cleaned(item, mask) for key, item in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(_cleaned(item, mask) for item in value)  # type: ignore[attr-defined, call-arg]
    return value
