"""Inputs of an execution, from Python values to what Kestra's API takes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from pytest_kestra.client.executions import Field
from pytest_kestra.errors import ApiError, InputError, hint
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import FlowRecord
from pytest_kestra.times import duration_text

# A FILE input may name a file that Kestra has already.
STORED = ("kestra://", "nsfile://", "file://")


def fields(flow: FlowRecord, inputs: Mapping[str, Any] | None, name: str) -> list[tuple[str, Field]]:
    """Return the fields of the form for these inputs; one that is None is left out.

    Raises InputError for an input that the flow does not declare, which Kestra would drop without a word. `name` is the
    flow's file.
    """
    given = inputs or {}
    for key in given:
        if key not in flow.inputs:
            what = f"the flow {flow.id} has no input {key!r}{hint(key, flow.inputs)}"
            raise InputError(f"{_place(flow, name)}: {what}")
    return [
        (key, _field(value, flow.inputs[key].get("type", "STRING"), f"input {key!r}"))
        for key, value in given.items()
        if value is not None
    ]


def refused(flow: FlowRecord, error: ApiError, given: Collection[str], name: str) -> InputError | None:
    """Return the error for one of the `given` inputs that Kestra refuses; None where that is not what it refuses."""
    message = error.message.removeprefix("Invalid entity: ").strip()
    if match := re.match(r"Missing required input:\s*(\S+)", message):
        key, reason = match[1], "is required and has no default"
    elif match := re.match(r"Invalid value for input `([^`]+)`\.\s*(?:Cause: )?(.*)", message, re.DOTALL):
        key, reason = match[1], f"does not take this value: {match[2]}"
    elif given and error.message.startswith("Invalid entity: "):
        # Kestra does not name the input whose text it cannot read.
        names = ", ".join(map(repr, given))
        what = " ".join(message.removeprefix("errors:").replace("```", " ").split())
        return InputError(
            f"{_place(flow, name)}: Kestra refuses one of the inputs {names} of the flow {flow.id}: {what}"
        )
    else:
        return None
    kind = flow.inputs.get(key, {}).get("type", "unknown type")
    return InputError(f"{_place(flow, name, key)}: the input {key!r} ({kind}) of the flow {flow.id} {reason}.")


def _place(flow: FlowRecord, name: str, key: str | None = None) -> str:
    path = "inputs" if key is None or key not in flow.inputs else f"inputs[{list(flow.inputs).index(key)}]"
    line = FlowSource(flow.source, name).line_at(path) if flow.source else None
    return name if line is None else f"{name}:{line}"


def _field(value: Any, kind: str, what: str) -> Field:
    if isinstance(value, Path):
        try:
            return value.name, value.read_bytes()
        except OSError as error:
            raise InputError(f"The file {value} of the {what} cannot be read: {error.strerror}.") from error
    if isinstance(value, (bytes, bytearray)):
        return "file", bytes(value)
    if kind == "FILE" and isinstance(value, str) and not value.startswith(STORED):
        return "file", value.encode()
    return _text(value, what)


def _text(value: Any, what: str) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value)
    try:
        return json.dumps(value)
    except TypeError as error:
        raise InputError(f"The {what} is a {type(value).__name__}, which has no form in JSON: {value!r}.") from error
