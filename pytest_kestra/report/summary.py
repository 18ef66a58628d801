"""The line about a failure in pytest's short summary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_kestra.errors import KestraError, opening
from pytest_kestra.names import SHORT, middle
from pytest_kestra.report.traceback import PACKAGE

# What a terminal has whose width is not known, as in the logs of CI.
WIDTH = 80
# With a longer name of a test pytest leaves the reason out.
LEAST = 30
KIND = re.compile(r"^(?:pytest_kestra\.errors\.\w+|AssertionError|Failed): ")
# What may go so that the reason stays, the least important first: the whole stands in the report.
STEPS = (
    (re.compile(r", (?:not|and should not be|which this test does not) .+?(?=: |$)"), r""),
    (re.compile(r": (?:its )?task (\S+) (?:failed|is [A-Z]+)(?=: )"), r": \1"),
    (re.compile(r"^There is no (.+?) in .+?(?=; did you mean|\.)"), r"No \1"),
    (re.compile(r"^The task (?=\S+ did not run)"), r""),
)


def summarise(report: pytest.TestReport, error: BaseException, told: str | None) -> None:
    """Make one line of what pytest's summary tells of a failure, if it is about Kestra: the reason within 80 columns.

    `told` is the first line of what the last assertion about an execution has told. Where no line of the test is to
    blame, its first one stands for it.
    """
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return
    asserted = told is not None and told in crash.message
    ours = PACKAGE in Path(crash.path).parents
    if not (asserted or ours or isinstance(error, KestraError)):
        return
    if ours:
        path, line, _ = report.location
        crash.path, crash.lineno = path, (line or 0) + 1
    text = KIND.sub("", opening(crash.message))
    word = "FAILED" if report.when == "call" else "ERROR"
    room = max(LEAST, WIDTH - len(f"{word} {report.nodeid} - "))
    crash.message = shortened(text.removeprefix("assert ") if asserted else text, room)


def shortened(text: str, room: int) -> str:
    """Return a first line without what is less important than its reason, as far as it is longer than `room`."""
    for pattern, replacement in STEPS:
        if len(text) > room:
            text = pattern.sub(replacement, text, count=1)
    flow_id, space, rest = text.partition(" ")
    return text if len(text) <= room else f"{middle(flow_id, SHORT)}{space}{rest}"
