"""Sections of a failed test's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_kestra.errors import KestraError, ServerError

if TYPE_CHECKING:
    from pytest_kestra.run.kestra import Kestra
    from pytest_kestra.server.base import Server

# A test with more executions than this tells the last ones.
SHOWN = 3


def add_sections(
    report: pytest.TestReport, call: pytest.CallInfo[None], item: pytest.Item, server: Server | None
) -> None:
    """Add the log of a server that has gone, or what the test's executions did where the failure does not tell it."""
    if call.excinfo is not None and isinstance(call.excinfo.value, ServerError):
        if server is not None and (log := server.log_tail()):
            report.sections.append(("the log of the Kestra server", log))
        return
    kestra = getattr(item, "funcargs", {}).get("kestra")
    if report.when == "call" and kestra is not None and (text := _executions(kestra, report.longreprtext)):
        report.sections.append(("the executions of this test", text))


def _executions(kestra: Kestra, told: str) -> str:
    from pytest_kestra.run.diagnosis import diagnosis

    try:
        executions = [execution for execution in kestra.started if execution.id not in told]
    except KestraError as error:
        return f"They cannot be read: {error}"
    left = len(executions) - SHOWN
    texts = [diagnosis(execution, execution.session) for execution in executions[-SHOWN:]]
    return "\n\n".join([*([f"{left} earlier ones are left out"] if left > 0 else []), *texts])
