"""Suites as tests of pytest: each file a collector, each case an item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kestra.errors import FlowError, KestraError
from pytest_kestra.flows.files import shown
from pytest_kestra.suites import fixtures
from pytest_kestra.suites.expectations import check
from pytest_kestra.suites.flows import FlowFolders
from pytest_kestra.suites.runner import moved, run_by_api
from pytest_kestra.suites.source import Case, SuiteSource
from pytest_kestra.suites.stand_ins import fixtures_of, inputs_of, run_by_stand_ins, unserved
from pytest_kestra.suites.texts import told
from pytest_kestra.versions import items

if TYPE_CHECKING:
    from pytest_kestra.run.kestra import Kestra
    from pytest_kestra.settings import Settings

# By the line, and by the version of a server.
FOLDERS: pytest.StashKey[dict[str | None, FlowFolders]] = pytest.StashKey()
SERVED: pytest.StashKey[dict[str | None, bool]] = pytest.StashKey()


class SuiteError(KestraError, AssertionError):
    """Tell what of a case is not as asserted, or could not be evaluated."""


class SuiteFile(pytest.File):
    """Hold the cases of a suite; one that is broken is one item, which says why, so that others are collected."""

    def __init__(self, *, versions: Sequence[str], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.versions = versions

    def collect(self) -> Iterator[pytest.Item]:
        """Return an item for each case and version of Kestra."""
        try:
            suite = SuiteSource(self.path.read_bytes().decode("utf-8-sig"), shown(self.path))
        except (FlowError, OSError, UnicodeDecodeError) as error:
            yield CaseItem.from_parent(self, name="suite", callobj=_broken(error), line=1)
            return
        for case in suite.cases:
            for plan in items(case.name, self.versions):
                item: CaseItem = CaseItem.from_parent(self, **plan, callobj=_runs(suite, case), line=case.line)
                for name in (*suite.marks, *case.extension.get("marks", ())):
                    item.add_marker(name)
                if suite.disabled or case.disabled:
                    item.add_marker(pytest.mark.skip(reason="disabled: true in the suite"))
                yield item


class CaseItem(pytest.Function):
    """Run a case as a test does, so that fixtures, marks, `-k`, `--lf` and pytest-xdist work with it."""

    def __init__(self, *, line: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.line = line

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the case stands, and how a report calls it."""
        return self.path, self.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what is told of the case and nothing else, where it is ours."""
        del style
        if isinstance(excinfo.value, KestraError) and not self.config.option.fulltrace:
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def _broken(error: Exception) -> Any:
    def broken() -> None:
        raise error if isinstance(error, FlowError) else FlowError(str(error))

    return broken


def _runs(suite: SuiteSource, case: Case) -> Any:
    def run(kestra: Kestra, kestra_settings: Settings, pytestconfig: pytest.Config) -> None:
        served = _served(pytestconfig, kestra)
        if not served and (why := unserved(case.data)):
            pytest.skip(why)
        sources = _folders(pytestconfig, kestra_settings, kestra.client.address.line).of_suite(suite)
        flow, *_ = flows = kestra.deploy_sources(sources)
        fixtures.check(suite, case, flow)
        namespaces = {source.namespace: found.namespace for source, found in zip(sources, flows, strict=True)}
        data = moved(case.data, namespaces)
        if served:
            result = run_by_api(kestra.client, flow, suite, case, data, kestra.timeout)
        else:
            result = run_by_stand_ins(kestra, flow, data)
        execution = None if result.execution_id is None else kestra.own(result.execution_id)
        if execution is not None:
            result = replace(result, errors=[*result.errors, *fixtures.misfits(case, execution, flow)])
        if execution is not None and (expect := case.extension.get("expect")):
            inputs = {}
            if expect.get("concurrency_limit"):
                # The executions of the proof are no suite's, and what has a fixture must not run in them either.
                kestra.fixtures(fixtures_of(case.tasks) if served else ())
                inputs = inputs_of(data, flow)
            more = tuple(check(expect, execution, flow, inputs))
            result = replace(result, checked=[*result.checked, *more])
        if result.state != "SUCCESS":
            raise SuiteError(told(suite, case, result, execution))

    return run


def _served(config: pytest.Config, kestra: Kestra) -> bool:
    """Say whether the server takes suites; it is asked once."""
    known, version = config.stash.setdefault(SERVED, {}), kestra.client.address.version
    if version not in known:
        known[version] = kestra.client.suites.served()
    return known[version]


def _folders(config: pytest.Config, settings: Settings, line: str | None) -> FlowFolders:
    known = config.stash.setdefault(FOLDERS, {})
    if line not in known:
        known[line] = FlowFolders([config.rootpath / folder for folder in settings.flow_folders], line)
    return known[line]
