"""What is left of a test run: processes, and folders for temporary files."""

from __future__ import annotations

from pathlib import Path

import polling2

from tests.waits import WAIT_S


class Remains:
    """Look for what belongs to the folder of a test: its temporary folder is the one that runs in it get."""

    def __init__(self, temporary: Path) -> None:
        self.temporary = temporary

    def folders(self) -> list[Path]:
        """Return what runs have left in their folder for temporary files, but for pytest's own."""
        return [path for path in self.temporary.iterdir() if not path.name.startswith("pytest-of-")]

    def processes(self) -> list[str]:
        """Return the processes that were started with the temporary folder: runs, engines and scripts."""
        return [
            _text(folder / "cmdline").replace("\0", " ")
            for folder in Path("/proc").glob("[0-9]*")
            if f"TMPDIR={self.temporary}" in _text(folder / "environ").split("\0")
        ]

    def all(self) -> list[object]:
        """Return what remains; an engine whose run was killed takes half a second to notice that."""
        try:
            polling2.poll(lambda: not self.folders() and not self.processes(), step=0.05, timeout=WAIT_S)
        except polling2.TimeoutException:
            return [*self.folders(), *self.processes()]
        return []


def _text(file: Path) -> str:
    """Return a text about a process; none of one that has ended, also where nobody has taken note of that."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
