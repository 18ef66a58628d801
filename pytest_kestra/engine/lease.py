"""Where a running engine answers, written down for those who may use it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

FILE_NAME = "engine.json"
LOG_NAME = "engine.log"
# The keeper of a container has this file beside its lease, and ends when somebody has removed it.
KEEPER = "keeper"


@dataclass(frozen=True)
class Lease:
    """Tell the address, the credentials, Kestra's version and the process of a running engine.

    `log` is the name of its log in the lease's folder. Where the engine is in a container, `container` is its id, and
    the process is the one that keeps it. To one that is `direct` no proxy of the environment leads.
    """

    url: str
    user: str
    password: str = field(repr=False)
    version: str
    pid: int
    log: str = LOG_NAME
    container: str | None = None
    direct: bool = True

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
        """Return the lease in a folder, or None where there is none; another release may have written it."""
        names = {item.name for item in fields(cls)}
        try:
            content = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
            return cls(**{name: value for name, value in content.items() if name in names})
        except (OSError, ValueError, TypeError, AttributeError):  # not there, or on Windows just being replaced
            return None
