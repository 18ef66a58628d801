"""Where a running engine answers, written down for those who may use it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE_NAME = "engine.json"


@dataclass(frozen=True)
class Lease:
    """Tell the address, the credentials, Kestra's version and the process of a running engine."""

    url: str
    user: str
    password: str = field(repr=False)
    version: str
    pid: int

    def write(self, folder: Path) -> None:
        """Write the lease into a folder at once and for this user only."""
        path = folder / FILE_NAME
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor has no path
            json.dump(asdict(self), file)
        part.replace(path)

    @classmethod
    def read(cls, folder: Path) -> Lease | None:
        """Return the lease in a folder, or None where there is none."""
        try:
            return cls(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # not there, or on Windows just being replaced
            return None
