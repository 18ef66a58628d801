"""What leaves a test beside its outcome: files, properties for JUnit, and data for the controller of the run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.settings import Settings
from pytest_kestra.states import BAD

if TYPE_CHECKING:
    from pytest_kestra.report.used import Used
    from pytest_kestra.run.diagnosis.evidence import Evidence
    from pytest_kestra.run.execution import Execution
    from pytest_kestra.server.base import Server

# The attribute of a report that travels from a worker of pytest-xdist to the controller.
ATTRIBUTE = "kestra"
OURS = ("the executions of this test", "kestra")
PROPERTIES = ("kestra_flow", "kestra_execution", "kestra_state", "kestra_url")
# A test with more executions than this exports those that did not end well, and the last ones.
MOST = 100


def add_exports(
    report: pytest.TestReport, item: pytest.Item, used: Used | None, settings: Settings, server: Server | None
) -> None:
    """Write the artifacts of a failed test, and add what JUnit files, GitHub and the HTML page show of any."""
    # What a test has made goes after it.
    if used is None or report.when == "teardown" or (report.when == "setup" and not report.failed):
        return
    junit = bool(item.config.getoption("xmlpath", None))
    annotated = report.failed and os.environ.get("GITHUB_ACTIONS") == "true"
    artifacts = settings.artifacts if report.failed else None
    if not (junit or annotated or artifacts or settings.html):
        return
    try:
        _export(report, item, used, settings, server, junit=junit, annotated=annotated)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide the failure
        report.sections.append(("kestra", f"What is to be kept of the executions cannot be had: {error}"))


def _export(
    report: pytest.TestReport,
    item: pytest.Item,
    used: Used,
    settings: Settings,
    server: Server | None,
    *,
    junit: bool,
    annotated: bool,
) -> None:
    from pytest_kestra.run.diagnosis.evidence import Evidence

    every = used.executions() if report.failed else used.untold()
    used.tell(every)
    executions = chosen(every)
    if junit:
        kept = [(name, value) for name, value in item.user_properties if name not in PROPERTIES]
        for execution in executions:
            flow = f"{execution.namespace}.{execution.flow_id}"
            kept += zip(PROPERTIES, (flow, execution.id, str(execution.state), execution.url), strict=True)
        item.user_properties[:] = kept
    if not (annotated or settings.html or (report.failed and settings.artifacts)):
        return
    evidence = [Evidence.of(execution, execution.session) for execution in executions]
    if report.failed and settings.artifacts and evidence:
        _write(report, item, evidence, settings.artifacts, told_kept(len(evidence), len(every)))
    data: dict[str, object] = {}
    if settings.html:
        from pytest_kestra.report.data import execution_data

        data["executions"] = [execution_data(one) for one in evidence]
        data["kept"] = told_kept(len(evidence), len(every))
        if report.failed:
            data["failure"] = failure_text(report)
    if annotated:
        from pytest_kestra.report.github import annotations_of, of_test
        from pytest_kestra.run.diagnosis.text import tells_of

        # Only where the failure is about an execution is its flow to blame.
        about = [one for one in evidence if tells_of(report.longreprtext, one.execution)]
        found = annotations_of(about, item.nodeid) or [of_test(report)]
        data["annotations"] = [{name: used.masked(text) for name, text in one.items()} for one in found]
    if server is not None:
        data["about"] = {"server": server.kind, "version": server.address.version or ""}
    setattr(report, ATTRIBUTE, data)


def chosen(executions: Sequence[Execution]) -> list[Execution]:
    """Return the executions that are exported, in their order: those that did not end well first, then the last."""
    order = sorted(range(len(executions)), key=lambda index: (executions[index].state not in BAD, -index))
    return [executions[index] for index in sorted(order[:MOST])]


def told_kept(number: int, of: int) -> str:
    """Return the words for executions that are left out; nothing where none is."""
    return f"{number} of {of} executions kept, failing first" if number < of else ""


def failure_text(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return what pytest tells of a failure, without what is told of executions otherwise."""
    sections = [f"--- {title} ---\n{text}" for title, text in report.sections if title not in OURS]
    return "\n\n".join([report.longreprtext, *sections])


def _write(report: pytest.TestReport, item: pytest.Item, evidence: list[Evidence], place: str, more: str) -> None:
    from pytest_kestra.flows.files import shown
    from pytest_kestra.report.artifacts import folder_of, write_artifacts

    folder = folder_of(item.config.invocation_params.dir / place, item.nodeid)
    write_artifacts(folder, evidence)
    report.sections.append(("kestra", f"Files of its executions: {shown(folder)}" + (f" ({more})" if more else "")))
