"""What is left of a test run: processes, and folders for temporary files."""

from __future__ import annotations

from pathlib import Path

import polling2

WAIT_S = 60


class Remains:
    """Look for what belongs to the folder of a test: its temporary folder is the one that runs in it get."""

    def __init__(self, temporary: Path) -> None:
        self.temporary = temporary

    def folders(self) -> list[Path]:
        """Return what runs have left in their folder for temporary files, but for pytest's own."""
        return [path for path in self.temporary.iterdir() if not path.name.startswith("pytest-of-")]

    def processes(self) -> list[str]:
        """Return the processes that were started with the temporary folder: runs, engines and scripts."""
        found, mark = [], f"TMPDIR={self.temporary}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                # Nothing can be read of one that has ended, of which nobody has taken note.
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return found

    def all(self) -> list[object]:
        """Return what remains; an engine whose run was killed takes half a second to notice that."""
        try:
            polling2.poll(lambda: not self.folders() and not self.processes(), step=0.05, timeout=WAIT_S)
        except polling2.TimeoutException:
            return [*self.folders(), *self.processes()]
        return []
