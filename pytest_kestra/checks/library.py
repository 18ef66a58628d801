"""The flows that a flow may name: those of the files that are checked, and those of the server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import yaml

from pytest_kestra.client.client import Client
from pytest_kestra.errors import FlowError, NotFoundError
from pytest_kestra.flows.outline import FORM, mappings, text_at, value_at
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import Json

Key = tuple[str, str]
# As the server tells them, and as they may be written.
TRUE, FALSE = (
    {value, *(form for word in words for form in (word, word.capitalize(), word.upper()))}
    for value, words in ((True, ("true", "yes", "on")), (False, ("false", "no", "off")))
)


@dataclass(frozen=True)
class Declared:
    """Tell what a flow says of itself to those that start it: its inputs, and which of them must be given."""

    inputs: tuple[str, ...]
    needed: tuple[str, ...]
    disabled: bool = False


class Library:
    """Find flows by namespace and id, first among sources, then on the server, of which it remembers the answers."""

    def __init__(self, sources: Iterable[FlowSource], client: Client) -> None:
        self._client = client
        self._found: dict[Key, Declared | None] = {}
        self._names: dict[str, list[Key]] = {}
        for source in sources:
            with contextlib.suppress(FlowError):  # which is told of that file
                self._found.setdefault(source.key, _of_source(source))
        self._here = list(self._found)

    def find(self, namespace: str, flow_id: str) -> Declared | None:
        """Return what a flow declares; None where there is no such flow."""
        key = namespace, flow_id
        if key not in self._found:
            try:
                record = self._client.flows.get(namespace, flow_id)
            except NotFoundError:
                self._found[key] = None
            else:
                self._found[key] = _declared(list(record.inputs.values()))
        return self._found[key]

    def nearest(self, namespace: str, flow_id: str) -> str | None:
        """Return namespace and id, joined by a dot, of the flow whose name is the nearest to one that is not there."""
        if namespace not in self._names:
            on_server = [(flow.namespace, flow.id) for flow in self._client.flows.search(namespace)]
            self._names[namespace] = [*self._here, *on_server]
        names = self._names[namespace]
        beside = get_close_matches(flow_id, [name for place, name in names if place == namespace], n=1)
        if beside:
            return f"{namespace}.{beside[0]}"
        whole = get_close_matches(f"{namespace}.{flow_id}", [".".join(key) for key in names], n=1, cutoff=0.85)
        return whole[0] if whole else None


def _of_source(source: FlowSource) -> Declared:
    root = source.root
    inputs = [_of_node(item) for item in mappings(value_at(root, "inputs"))]
    return _declared(inputs, disabled=text_at(root, "disabled") in TRUE)


def _of_node(item: yaml.MappingNode) -> Json:
    """Return an input as the server would tell it, with texts for all values that count."""
    names = [str(key.value) for key, _ in item.value]
    below = [_of_node(child) for child in mappings(value_at(item, "inputs"))] if text_at(item, "type") == FORM else []
    return {name: text_at(item, name) or "" for name in names} | {"inputs": below}


def _declared(inputs: Iterable[Json], *, disabled: bool = False) -> Declared:
    flat = list(_flat(inputs))
    needed = [
        name
        for name, item in flat
        if item.get("required") not in FALSE
        and item.get("defaults") is None
        and item.get("autoSelectFirst") not in TRUE
        and item.get("dependsOn") is None
    ]
    return Declared(tuple(name for name, _ in flat), tuple(needed), disabled)


def _flat(inputs: Iterable[Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    for item in inputs:
        if name := item.get("id"):
            name = f"{prefix}{name}"
            if item.get("type") == FORM:
                yield from _flat(item.get("inputs") or (), f"{name}.")
            else:
                yield name, item
