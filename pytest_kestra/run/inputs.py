"""Inputs of an execution, from Python values to what Kestra's API takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from pytest_kestra.client.executions import Field
from pytest_kestra.errors import ApiError, InputError, KestraError, hint
from pytest_kestra.flows.outline import FORM
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import FlowRecord, Json
from pytest_kestra.run import refusals
from pytest_kestra.times import duration_text

# A FILE input may name a file that Kestra has already.
STORED = ("kestra://", "nsfile://", "file://")


@dataclass(frozen=True)
class Inputs:
    """Know the inputs that a flow takes, or one of its tasks before it goes on, and turn values into them.

    `owner` is what takes them, in words; `source` is the flow's text, `name` its file. Those of a FORM have its id and
    a dot before theirs, as Kestra takes them (`Input.expandToLeaves`); `paths` are where inputs stand in the flow.
    """

    owner: str
    definitions: Mapping[str, Json]
    source: str
    name: str
    task_id: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_flow(cls, flow: FlowRecord, name: str) -> Inputs:
        """Return the inputs that a flow takes at its start."""
        leaves = dict(_leaves(list(flow.inputs.values())))
        paths = {key: path for key, (_, path) in leaves.items()}
        definitions = {key: definition for key, (definition, _) in leaves.items()}
        return cls(f"the flow {flow.id}", definitions, flow.source, name, paths=paths)

    @classmethod
    def of_pause(cls, flow: FlowRecord, task_id: str, name: str) -> Inputs:
        """Return the inputs that a Pause task takes when it is resumed."""
        leaves = _leaves(flow.tasks.get(task_id, {}).get("onResume") or ())
        definitions = {key: definition for key, (definition, _) in leaves}
        return cls(f"the task {task_id}", definitions, flow.source, name, task_id)

    def fields(self, given: Mapping[str, Any] | None) -> list[tuple[str, Field]]:
        """Return the fields of the form for these values; one that is None is left out.

        Raises InputError for an input that is not declared, which Kestra would drop without a word.
        """
        for what in self.unknown(given).values():
            raise InputError(f"{self._place()}: {what}")
        return [(key, self._field(key, value)) for key, value in self._flat(given).items() if value is not None]

    def unknown(self, given: Mapping[str, Any] | None) -> dict[str, str]:
        """Return the names of values for which no input is declared, each with a sentence about it."""
        names = [key for key in self._flat(given) if key not in self.definitions]
        return {key: f"{self.owner} has no input {key!r}{hint(key, self.definitions)}" for key in names}

    def secrets(self, given: Mapping[str, Any] | None) -> list[str]:
        """Return the values for SECRET inputs, as they are given and as they are sent, which no report shows."""
        found: list[str] = []
        for key, value in self._flat(given).items():
            if self.definitions.get(key, {}).get("type") == "SECRET" and value:
                found.append(str(value))
                with contextlib.suppress(InputError):  # it is not sent
                    sent = self._field(key, value)
                    found.append(sent if isinstance(sent, str) else sent[1].decode(errors="replace"))
        return list(dict.fromkeys(found))

    @contextlib.contextmanager
    def refusals(
        self, given: Mapping[str, Any] | None, validate: Callable[[], Sequence[tuple[str, str]]] | None = None
    ) -> Iterator[None]:
        """Turn Kestra's refusal of an input, one of `given`, into an InputError.

        Kestra tells of the first only; `validate` is asked for what is wrong with all of them.
        """
        try:
            yield
        except ApiError as error:
            key = refusals.named(error.message)
            if key is None and not (given and error.message.startswith("Invalid entity: ")):
                raise
            found: Sequence[tuple[str, str]] = ()
            if validate is not None:
                with contextlib.suppress(KestraError):
                    found = validate()
            raise self.wrong(found or [(key, error.message)], given) from error

    def wrong(self, found: Sequence[tuple[str | None, str]], given: Mapping[str, Any] | None) -> InputError:
        """Return the error for what Kestra says against inputs, each with its id, or None where Kestra does not say."""
        values = self._flat(given)
        lines = list(dict.fromkeys(self._told(key, message, values) for key, message in found))
        if len(lines) == 1:
            return InputError(lines[0])
        return InputError(
            "\n".join([f"{len(lines)} inputs of {self.owner} are wrong:", *(f"  {line}" for line in lines)])
        )

    def _flat(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return values by the whole names of their inputs, which may have been given as mappings in mappings."""
        values: dict[str, Any] = {}
        for key, value in (given or {}).items():
            inside = isinstance(value, Mapping) and key not in self.definitions
            if inside and any(name.startswith(f"{key}.") for name in self.definitions):
                values |= self._flat({f"{key}.{name}": item for name, item in value.items()})
            else:
                values[key] = value
        return values

    def _told(self, key: str | None, message: str, given: Mapping[str, Any]) -> str:
        if key is None:
            names, what = ", ".join(map(repr, given)), refusals.told(message)
            return f"{self._place()}: Kestra refuses one of the inputs {names} of {self.owner}: {what}"
        definition = self.definitions.get(key, {"id": key})
        what = f"the input {key!r} ({definition.get('type', 'unknown type')}) of {self.owner}"
        return f"{self._place(key)}: {what} {refusals.reason(message, definition, given)}."

    def _field(self, key: str, value: Any) -> Field:
        try:
            return _field(value, self.definitions[key].get("type", "STRING"), f"input {key!r}")
        except InputError as error:
            raise InputError(f"{self._place(key)}: {error}") from error

    def _place(self, key: str | None = None) -> str:
        line = self._line(key) if self.source else None
        return self.name if line is None else f"{self.name}:{line}"

    def _line(self, key: str | None) -> int | None:
        source = FlowSource(self.source, self.name)
        if self.task_id is not None:
            return source.line_of(self.task_id)
        if key is None or key not in self.definitions:
            return source.line_at("inputs")
        return source.line_at(self.paths[key])


def _leaves(inputs: Sequence[Json], before: str = "", place: str = "") -> Iterator[tuple[str, tuple[Json, str]]]:
    """Return inputs, those of forms in their place, by their names, each with where it stands in a flow."""
    for index, item in enumerate(inputs):
        name, path = f"{before}{item['id']}", f"{place}inputs[{index}]"
        if item.get("type") == FORM:
            yield from _leaves(item.get("inputs") or (), f"{name}.", f"{path}.")
        else:
            yield name, ({**item, "id": name}, path)


def _field(value: Any, kind: str, what: str) -> Field:
    if isinstance(value, Path):
        try:
            return value.name, value.read_bytes()
        except OSError as error:
            raise InputError(f"the file {value} of the {what} cannot be read: {error.strerror}.") from error
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
        raise InputError(
            f"the {what} is of the type {type(value).__name__}, which has no form in JSON: {value!r}."
        ) from error
