"""The file that says that an engine is whole."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pytest_kestra.engine.files import digest, intact

FILE_NAME = "installed.json"


@dataclass(frozen=True)
class Marker:
    """Record size and SHA-256 of the files that were made for an engine, and why it has no AOT cache.

    `place` is the folder that the AOT cache was made in: it names the jars by their paths, and is of no use elsewhere.
    """

    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    aot_failure: str | None = None
    place: str = ""

    @classmethod
    def read(cls, folder: Path) -> Marker:
        """Return the marker in a folder; an empty one where there is none that can be read."""
        try:
            content = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
            files = {str(name): (int(size), str(sha256)) for name, (size, sha256) in content["files"].items()}
            return cls(files, content["aot_failure"], content["place"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def write(self, folder: Path) -> None:
        """Write the marker whole or not at all."""
        part = folder / f"{FILE_NAME}.part"
        part.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        part.replace(folder / FILE_NAME)

    @staticmethod
    def used(folder: Path) -> None:
        """Note that the engine in a folder was used just now."""
        with contextlib.suppress(OSError):  # a cache that can only be read is never cleaned up either
            os.utime(folder / FILE_NAME)

    @staticmethod
    def age(folder: Path) -> float:
        """Return for how long the engine in a folder was not used, in seconds; nothing for one that is being made."""
        try:
            return time.time() - (folder / FILE_NAME).stat().st_mtime
        except OSError:
            return 0.0

    def adding(self, file: Path) -> Marker:
        """Return a marker that also knows a file."""
        return replace(self, files={**self.files, file.name: (file.stat().st_size, digest(file))})

    def without(self, *files: Path) -> Marker:
        """Return a marker that does not know some files."""
        gone = {file.name for file in files}
        return replace(self, files={name: known for name, known in self.files.items() if name not in gone})

    def intact(self, file: Path, *, verify: bool = False) -> bool:
        """Return whether a file is there as it was recorded; its content is read only to `verify` it."""
        if file.name not in self.files:
            return False
        size, sha256 = self.files[file.name]
        return intact(file, size, sha256 if verify else None)
