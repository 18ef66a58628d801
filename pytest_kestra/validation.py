"""Flows as tests: with `--kestra-validate`, each flow file below the collected paths is checked as an item."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kestra.checks.checker import Checker
from pytest_kestra.checks.files import Found, load
from pytest_kestra.checks.findings import Finding
from pytest_kestra.errors import FlowError, FlowWarning, KestraError
from pytest_kestra.flows.files import SUFFIXES, shown
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.versions import items

if TYPE_CHECKING:
    from pytest_kestra.client.client import Client


class Validation:
    """Collect flow files, and check them on the server of the run with all that were collected in mind."""

    def __init__(self, versions: Sequence[str]) -> None:
        self.versions = versions
        self._loaded: dict[Path, FlowSource | Finding] = {}
        self._checkers: dict[str | None, Checker] = {}

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect a file that is a flow, or that would be one if it could be read."""
        if file_path.suffix not in SUFFIXES:
            return None
        flow = load(file_path)
        if flow is None:
            return None
        self._loaded[file_path] = flow
        node: FlowFile = FlowFile.from_parent(parent, path=file_path, flow=flow, validation=self)
        return node

    def check(self, flow: FlowSource, client: Client) -> list[Finding]:
        """Return what is wrong with a flow."""
        version, line = client.address.version, client.address.line
        if version not in self._checkers:
            found = Found.of(self._loaded).on(line)
            self._checkers[version] = Checker(client, found.flows, found.neighbours)
        if flow.name not in self._checkers[version].names:
            pytest.skip(f"not for Kestra {line}")
        return self._checkers[version].check(flow)


class FlowFile(pytest.File):
    """Hold the one item of a flow file."""

    def __init__(self, *, flow: FlowSource | Finding, validation: Validation, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.flow, self.validation = flow, validation

    def collect(self) -> Iterator[pytest.Item]:
        """Return the item, which needs a server only where the file can be read."""
        flow, validation = self.flow, self.validation

        if isinstance(flow, Finding):
            yield FlowItem.from_parent(self, name="flow", callobj=lambda: _tell([flow]))
            return

        def check(kestra_client: Client) -> None:
            _tell(validation.check(flow, kestra_client))

        for plan in items("flow", validation.versions):
            yield FlowItem.from_parent(self, **plan, callobj=check)


class FlowItem(pytest.Function):
    """Check a flow as a test does, so that fixtures, `-k`, `--lf` and pytest-xdist work with it."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the item stands, and how a report calls it."""
        return self.path, 0, shown(self.path)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what was found and nothing else, where it is ours: nobody wants to see how it was found."""
        del style
        if isinstance(excinfo.value, KestraError) and not self.config.option.fulltrace:
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def _tell(findings: list[Finding]) -> None:
    """Raise FlowError with the errors, and warn of the rest; what pytest's filters make an error is one."""
    errors = [finding for finding in findings if finding.severity == "error"]
    for finding in findings:
        if finding.severity == "warning":
            try:
                warnings.warn_explicit(finding.message, FlowWarning, finding.file, finding.line)
            except FlowWarning:
                errors.append(finding)
    if errors:
        raise FlowError("\n".join(f"{finding.place}: {finding.message}" for finding in sorted(errors)))
