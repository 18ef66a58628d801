"""A root file system as a tar archive, which Docker imports as an image."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO


def write(stream: IO[bytes], paths: Iterable[Path], texts: Mapping[str, str], folders: Iterable[str] = ()) -> None:
    """Write files at their own paths, texts and empty folders into an archive; everything belongs to root."""
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _folder(archive, "tmp", 0o1777)
        made = {"tmp"}
        for folder in folders:
            _parents(archive, Path("/", folder, "x"), made)
        for path in paths:
            _parents(archive, path, made)
            archive.add(path, str(path).lstrip("/"), recursive=False, filter=_of_root)
        for name, text in texts.items():
            _parents(archive, Path("/", name), made)
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))


def _parents(archive: tarfile.TarFile, path: Path, made: set[str]) -> None:
    """Write the folders of a path, readable for everybody: a container may run as any user."""
    for parent in [*reversed(path.parents)][1:]:
        name = str(parent).lstrip("/")
        if name not in made:
            made.add(name)
            _folder(archive, name, 0o755)


def _folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return None if entry.isdir() else entry
