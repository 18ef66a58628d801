"""How often a server was started in a run, by all of its processes together."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "starts.json"


@dataclass(frozen=True)
class Starts:
    """Tell the number of starts in one run, and why the last one failed; read and written under the server's lock."""

    run: str
    number: int = 0
    failure: str | None = None

    @classmethod
    def read(cls, folder: Path, run: str) -> Starts:
        """Return what is known in a server's folder of a run; a warm server has seen others."""
        try:
            found = cls(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls(run)
        return found if found.run == run else cls(run)

    def write(self, folder: Path) -> None:
        """Write it down in the server's folder."""
        (folder / FILE_NAME).write_text(json.dumps(asdict(self)), encoding="utf-8")
