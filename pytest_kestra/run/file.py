"""A file that an execution made."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class File:
    """Hold the content of a file of Kestra's internal storage."""

    uri: str
    content: bytes = field(repr=False)

    def text(self, encoding: str = "utf-8") -> str:
        """Return the content as text."""
        return self.content.decode(encoding)

    def json(self) -> Any:
        """Return the content read as JSON."""
        return json.loads(self.content)

    def save(self, path: str | Path) -> Path:
        """Write the content into a file and return its path."""
        target = Path(path)
        target.write_bytes(self.content)
        return target
