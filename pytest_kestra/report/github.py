"""Annotations that GitHub shows beside the changed lines of a pull request."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from pytest_kestra import github
from pytest_kestra.errors import opening
from pytest_kestra.run.diagnosis.evidence import Evidence
from pytest_kestra.run.diagnosis.text import first_line

Annotation = dict[str, str]
# How an error about a flow or a suite begins, after its class.
PLACE = re.compile(r"(?:[\w.]+: )?(?P<file>.+?\.ya?ml):(?P<line>\d+): ")


def annotations_of(evidence: Iterable[Evidence], test_id: str) -> list[Annotation]:
    """Return an annotation for each failed execution of a failed test, at the line of the task that failed.

    A flow that is a text in the test has no file to annotate.
    """
    found = []
    for one in evidence:
        path = Path(one.name)
        if one.cause is None or not path.is_file():
            continue
        where = {"file": str(path.absolute()), "line": str(one.line or 1), "title": test_id}
        found.append({**where, "message": first_line(one)})
    return found


def of_test(report: pytest.TestReport) -> Annotation:
    """Return an annotation at the line of a failed test, or at that of a flow or suite where its message says so."""
    path, line, _ = report.location
    if (crash := getattr(report.longrepr, "reprcrash", None)) is not None:
        path, line = crash.path, crash.lineno - 1
    lines = report.longreprtext.splitlines()
    told = [text.removeprefix("E").strip() for text in lines if text.startswith("E ")]
    message = opening("\n".join(told or lines or ["failed"]))
    if (place := PLACE.match(message)) is not None and Path(place["file"]).is_file():
        path, line = place["file"], int(place["line"]) - 1
    return {
        "file": str(Path(path).absolute()),
        "line": str((line or 0) + 1),
        "title": report.nodeid,
        "message": message,
    }


def command(annotation: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> str:
    """Return the line of output by which GitHub takes an annotation."""
    name = github.name_of(annotation["file"], environ)
    line, title = int(annotation["line"]), annotation["title"]
    return github.command("error", annotation["message"], file=name, line=line, title=title)
