"""Test Kestra flows with pytest: a real Kestra engine runs them.

What tests name in annotations and `pytest.raises` is here; the fixtures come with the plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_kestra.address import Address
    from pytest_kestra.client.client import Client
    from pytest_kestra.errors import (
        ApiError,
        ConcurrencyLimitError,
        ExpressionError,
        FlowError,
        FlowWarning,
        InputError,
        KestraError,
        MockError,
        NotFoundError,
        ServerError,
        SettingsError,
        UnauthorizedError,
        UnexpectedCallsError,
        UnexpectedLogsError,
        UnexpectedStateError,
        UnknownNameError,
        WaitTimeout,
    )
    from pytest_kestra.mocks.answers import Answer
    from pytest_kestra.mocks.calls import Call
    from pytest_kestra.mocks.mock import Mock
    from pytest_kestra.records import Attempt, LogEntry, Metric, StateChange, TaskRun
    from pytest_kestra.run.clock import Clock
    from pytest_kestra.run.concurrency import ConcurrencyProof
    from pytest_kestra.run.execution import Execution
    from pytest_kestra.run.file import File
    from pytest_kestra.run.files import NamespaceFiles
    from pytest_kestra.run.flow import Flow
    from pytest_kestra.run.kestra import Kestra
    from pytest_kestra.run.kv import KeyValues
    from pytest_kestra.run.logs import Logs
    from pytest_kestra.run.triggers.status import BackfillStatus, TriggerStatus
    from pytest_kestra.run.triggers.trigger import Trigger
    from pytest_kestra.server.base import Server
    from pytest_kestra.settings import Settings
    from pytest_kestra.states import State

__all__ = [
    "Address",
    "Answer",
    "ApiError",
    "Attempt",
    "BackfillStatus",
    "Call",
    "Client",
    "Clock",
    "ConcurrencyLimitError",
    "ConcurrencyProof",
    "Execution",
    "ExpressionError",
    "File",
    "Flow",
    "FlowError",
    "FlowWarning",
    "InputError",
    "Kestra",
    "KestraContainer",
    "KestraError",
    "KeyValues",
    "LogEntry",
    "Logs",
    "Metric",
    "Mock",
    "MockError",
    "NamespaceFiles",
    "NotFoundError",
    "Server",
    "ServerError",
    "Settings",
    "SettingsError",
    "State",
    "StateChange",
    "TaskRun",
    "Trigger",
    "TriggerStatus",
    "UnauthorizedError",
    "UnexpectedCallsError",
    "UnexpectedLogsError",
    "UnexpectedStateError",
    "UnknownNameError",
    "WaitTimeout",
]

# Where each name is defined; imported when it is asked for, since pytest loads this package in every run.
_MODULES = {
    "address": ("Address",),
    "client.client": ("Client",),
    "containers.kestra": ("KestraContainer",),
    "errors": (
        "ApiError",
        "ConcurrencyLimitError",
        "ExpressionError",
        "FlowError",
        "FlowWarning",
        "InputError",
        "KestraError",
        "MockError",
        "NotFoundError",
        "ServerError",
        "SettingsError",
        "UnauthorizedError",
        "UnexpectedCallsError",
        "UnexpectedLogsError",
        "UnexpectedStateError",
        "UnknownNameError",
        "WaitTimeout",
    ),
    "mocks.answers": ("Answer",),
    "mocks.calls": ("Call",),
    "mocks.mock": ("Mock",),
    "records": ("Attempt", "LogEntry", "Metric", "StateChange", "TaskRun"),
    "run.concurrency": ("ConcurrencyProof",),
    "run.execution": ("Execution",),
    "run.file": ("File",),
    "run.files": ("NamespaceFiles",),
    "run.flow": ("Flow",),
    "run.kestra": ("Kestra",),
    "run.clock": ("Clock",),
    "run.kv": ("KeyValues",),
    "run.logs": ("Logs",),
    "run.triggers.status": ("BackfillStatus", "TriggerStatus"),
    "run.triggers.trigger": ("Trigger",),
    "server.base": ("Server",),
    "settings": ("Settings",),
    "states": ("State",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
