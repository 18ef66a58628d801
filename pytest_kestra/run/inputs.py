"""Inputs of an execution, from Python values to what Kestra's API takes."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from pytest_kestra.client.executions import Field
from pytest_kestra.errors import ApiError, InputError, hint
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import FlowRecord, Json
from pytest_kestra.times import duration_text

# A FILE input may name a file that Kestra has already.
STORED = ("kestra://", "nsfile://", "file://")


@dataclass(frozen=True)
class Inputs:
    """Know the inputs that a flow takes, or one of its tasks before it goes on, and turn values into them.

    `owner` is what takes them, in words; `source` is the flow's text, `name` its file.
    """

    owner: str
    definitions: Mapping[str, Json]
    source: str
    name: str
    task_id: str | None = None

    @classmethod
    def of_flow(cls, flow: FlowRecord, name: str) -> Inputs:
        """Return the inputs that a flow takes at its start."""
        return cls(f"the flow {flow.id}", flow.inputs, flow.source, name)

    @classmethod
    def of_pause(cls, flow: FlowRecord, task_id: str, name: str) -> Inputs:
        """Return the inputs that a Pause task takes when it is resumed."""
        definitions = {item["id"]: item for item in flow.tasks.get(task_id, {}).get("onResume") or ()}
        return cls(f"the task {task_id}", definitions, flow.source, name, task_id)

    def fields(self, given: Mapping[str, Any] | None) -> list[tuple[str, Field]]:
        """Return the fields of the form for these values; one that is None is left out.

        Raises InputError for an input that is not declared, which Kestra would drop without a word.
        """
        for key in given or ():
            if key not in self.definitions:
                what = f"{self.owner} has no input {key!r}{hint(key, self.definitions)}"
                raise InputError(f"{self._place()}: {what}")
        return [
            (key, _field(value, self.definitions[key].get("type", "STRING"), f"input {key!r}"))
            for key, value in (given or {}).items()
            if value is not None
        ]

    def secrets(self, given: Mapping[str, Any] | None) -> list[str]:
        """Return the values for SECRET inputs, which no report shows."""
        return [
            str(value)
            for key, value in (given or {}).items()
            if self.definitions.get(key, {}).get("type") == "SECRET" and value
        ]

    @contextlib.contextmanager
    def refusals(self, given: Mapping[str, Any] | None) -> Iterator[None]:
        """Turn Kestra's refusal of an input, one of `given`, into an InputError."""
        try:
            yield
        except ApiError as error:
            if (wrong := self._refused(error, list(given or ()))) is not None:
                raise wrong from error
            raise

    def _refused(self, error: ApiError, given: Collection[str]) -> InputError | None:
        """Return the error for an input, one of `given`, that Kestra refuses; None where it refuses something else."""
        message = error.message.removeprefix("Invalid entity: ").strip()
        if match := re.match(r"Missing required input:\s*(\S+)", message):
            key, reason = match[1], "is required and has no default"
        elif match := re.match(r"Invalid value for input `([^`]+)`\.\s*(?:Cause: )?(.*)", message, re.DOTALL):
            key, reason = match[1], f"does not take this value: {match[2]}"
        elif given and error.message.startswith("Invalid entity: "):
            # Kestra does not name the input whose text it cannot read.
            names = ", ".join(map(repr, given))
            what = " ".join(message.removeprefix("errors:").replace("```", " ").split())
            return InputError(f"{self._place()}: Kestra refuses one of the inputs {names} of {self.owner}: {what}")
        else:
            return None
        kind = self.definitions.get(key, {}).get("type", "unknown type")
        return InputError(f"{self._place(key)}: the input {key!r} ({kind}) of {self.owner} {reason}.")

    def _place(self, key: str | None = None) -> str:
        line = self._line(key) if self.source else None
        return self.name if line is None else f"{self.name}:{line}"

    def _line(self, key: str | None) -> int | None:
        source = FlowSource(self.source, self.name)
        if self.task_id is not None:
            return source.line_of(self.task_id)
        if key is None or key not in self.definitions:
            return source.line_at("inputs")
        return source.line_at(f"inputs[{list(self.definitions).index(key)}]")


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
