"""Sections of a failed test's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_kestra.errors import ServerError

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
            for secret in server.address.secrets:
                log = log.replace(secret, "*****")
            report.sections.append(("the log of the Kestra server", log))
        return
    kestra = getattr(item, "funcargs", {}).get("kestra")
    if report.when == "call" and kestra is not None and (text := _executions(kestra, report.longreprtext)):
        report.sections.append(("the executions of this test", text))


def _executions(kestra: Kestra, told: str) -> str:
    from pytest_kestra.run.diagnosis import diagnosis

    ids = [execution_id for execution_id in kestra.started if execution_id not in told]
    left = len(ids) - SHOWN
    texts = [f"{left} earlier ones are left out"] if left > 0 else []
    try:
        for execution_id in ids[-SHOWN:]:
            execution = kestra.execution(execution_id)
            texts.append(diagnosis(execution, execution.session))
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide the failure
        texts.append(f"They cannot be read: {error}")
    return "\n\n".join(texts)
