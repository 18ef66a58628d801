"""The flows that a flow may name: those of the files that are checked, and those of the server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from pytest_kestra.client.client import Client
from pytest_kestra.errors import FlowError, NotFoundError
from pytest_kestra.flows.source import FlowSource

Key = tuple[str, str]


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
    try:
        data = yaml.safe_load(source.text)
    except (yaml.YAMLError, ValueError) as error:  # such as a date that there is not
        raise source.error(f"this is not YAML: {error}.") from None
    inputs = data.get("inputs")
    return _declared(inputs if isinstance(inputs, list) else [], disabled=data.get("disabled") is True)


def _declared(inputs: Iterable[Any], *, disabled: bool = False) -> Declared:
    flat = list(_flat(inputs))
    needed = [
        name
        for name, item in flat
        if item.get("required") is not False and item.get("defaults") is None and not item.get("dependsOn")
    ]
    return Declared(tuple(name for name, _ in flat), tuple(needed), disabled)


def _flat(inputs: Iterable[Any], prefix: str = "") -> Iterable[tuple[str, Mapping[str, Any]]]:
    for item in inputs:
        if isinstance(item, Mapping) and item.get("id") is not None:
            name = f"{prefix}{item['id']}"
            if item.get("type") == "FORM":
                yield from _flat(item.get("inputs") or (), f"{name}.")
            else:
                yield name, item
