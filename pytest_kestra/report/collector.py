"""What the controller of a run makes of all reports: the HTML page and GitHub's annotations."""

from __future__ import annotations

import shlex
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.masking import masked
from pytest_kestra.report.command import run_again
from pytest_kestra.report.exports import ATTRIBUTE, failure_text
from pytest_kestra.settings import Settings


class Collector:
    """Collect the reports of a run, in the order in which its tests began; `path` is where the page goes, if one does.

    `config` and `settings` are those of the run.
    """

    def __init__(self, path: Path | None, config: pytest.Config, settings: Settings) -> None:
        if path is not None and path.is_dir():
            raise pytest.UsageError(f"{settings.source('html')}: {path} is a folder, not a file for the page.")
        self.path = path
        self.problem: OSError | None = None
        self.config = config
        command = shlex.join(["pytest", *map(str, config.invocation_params.args)])
        self.command = masked(command, settings.secrets)
        # What servers were and which versions they had: there may be a test for each of several versions.
        self.about: dict[str, set[str]] = {}
        self.started, self._begun = datetime.now(timezone.utc), time.monotonic()
        self.tests: dict[str, dict[str, Any]] = {}
        self.annotations: list[dict[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a phase of a test has to tell; a rerun begins anew."""
        exported: dict[str, Any] = getattr(report, ATTRIBUTE, {})
        for name, value in exported.get("about", {}).items():
            self.about.setdefault(name, set()).add(value)
        # Of a worker that has crashed there is a report of no phase.
        if report.when == "setup" or report.nodeid not in self.tests:
            self.tests[report.nodeid] = _new(report)
        test = self.tests[report.nodeid]
        # A subtest has a report of its own, with all executions of the test so far, in a phase that goes on.
        is_part = hasattr(report, "context")
        if not is_part:
            test["duration"] += report.duration
        executions = {one["id"]: one for one in [*test["executions"], *exported.get("executions", ())]}
        test["executions"] = list(executions.values())
        test["kept"] = exported.get("kept") or test["kept"]
        outcome = _outcome(report)
        if outcome != "passed" and (report.failed or not is_part):
            test["outcome"] = outcome
        if report.failed:
            self.annotations += exported.get("annotations", ())
            failure = exported.get("failure") or failure_text(report)
            test["failure"] = "\n\n".join(filter(None, [test["failure"], failure]))
            test["reproduce"] = run_again(report.nodeid, self.config)
        elif report.skipped and not is_part:
            test["reason"] = getattr(report, "wasxfail", None) or _reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take what could not be collected as an error."""
        if report.failed:
            failure = failure_text(report)
            self.tests[report.nodeid] = {**_new(report), "outcome": "error", "failure": failure}

    def pytest_sessionfinish(self) -> None:
        """Write the page, unless nothing was run: where tests are only listed, the page of the last run stays."""
        if self.path is None:
            return
        if not self.tests:
            self.path = None
            return
        from pytest_kestra.report.html.page import page

        text = page(self._run()).encode("utf-8", "backslashreplace")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(text)
        except OSError as error:
            self.problem = error

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the annotations, and where the page is."""
        if self.annotations:
            from pytest_kestra.report.github import command

            terminalreporter.ensure_newline()
            for annotation in self.annotations:
                terminalreporter.write_line(command(annotation))
        if self.problem is not None:
            told = f"The Kestra report cannot be written to {self.path}: {self.problem.strerror}"
            terminalreporter.write_sep("!", told, red=True)
        elif self.path is not None:
            terminalreporter.write_sep("-", f"Kestra report: {self.path.absolute().as_uri()}")

    def _run(self) -> dict[str, Any]:
        tests = list(self.tests.values())
        counts: dict[str, int] = {}
        for test in tests:
            counts[test["outcome"]] = counts.get(test["outcome"], 0) + 1
        return {
            **{name: " and ".join(sorted(filter(None, values))) for name, values in self.about.items()},
            "command": self.command,
            "title": "pytest-kestra",
            "started": self.started.isoformat(),
            "duration": time.monotonic() - self._begun,
            "counts": counts,
            "tests": tests,
        }


def _new(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    return {
        "id": report.nodeid,
        "outcome": "passed",
        "duration": 0.0,
        "worker": getattr(report, "worker_id", None),
        "failure": None,
        "reason": None,
        "reproduce": None,
        "kept": "",
        "executions": [],
    }


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when != "call":
        return "error"
    return report.outcome


def _reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr or "")
