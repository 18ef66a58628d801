"""What records are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def labels_of(data: Json) -> dict[str, str]:
    """Return the labels of an execution or a flow, without those of the system."""
    labels = data.get("labels") or ()
    return {label["key"]: label["value"] for label in labels if not label["key"].startswith("system.")}


def iteration(value: object) -> str:
    """Return the text that Kestra makes of a value of a loop: of what is no text, its JSON (`FlowableUtils`)."""
    if isinstance(value, (bool, Mapping, list, tuple)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)
