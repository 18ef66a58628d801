"""A trigger as its flow declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pytest_kestra.flows.loader import Loader
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import FlowRecord, Json
from pytest_kestra.run.session import Session


@dataclass(frozen=True, repr=False)
class Declared:
    """Know a trigger by its definition, and where that stands."""

    id: str
    type: str
    definition: Json
    flow: FlowRecord = field(kw_only=True, repr=False, compare=False)
    session: Session = field(kw_only=True, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Trigger {self.id} of {self.flow.id}, {self.type}>"

    @property
    def kind(self) -> str:
        """The last part of the type, which is the same in old names of it."""
        return self.type.rpartition(".")[2]

    @property
    def properties(self) -> Json:
        """The definition, with what the flow's `pluginDefaults` add to it, as Kestra's PluginDefaultService does."""
        found = dict(self.definition)
        for default in self._text.get("pluginDefaults") or ():
            if self.type.startswith(default["type"]):
                values = default.get("values") or {}
                found = {**found, **values} if default.get("forced") else {**values, **found}
        return found

    @property
    def where_disabled(self) -> str | None:
        """File and line where the flow disables this trigger, or itself; None where it does neither."""
        if self._text.get("disabled") is True:
            return self.place("disabled", of_flow=True)
        return self.place("disabled") if self.definition.get("disabled") is True else None

    def place(self, key: str = "", *, of_flow: bool = False) -> str:
        """Return file and line of a property of this trigger, or of the whole; or of a property of its flow."""
        name = self.session.deployer.name_of(self.flow.namespace, self.flow.id)
        index = list(self.flow.triggers).index(self.id) if self.id in self.flow.triggers else 0
        path = key if of_flow else f"triggers[{index}].{key}"
        line = FlowSource(self.flow.source, name).line_at(path) if self.flow.source else None
        return name if line is None else f"{name}:{line}"

    @property
    def _text(self) -> Mapping[str, Any]:
        return yaml.load(self.flow.source, Loader=Loader) or {}  # noqa: S506 - it is a safe loader
