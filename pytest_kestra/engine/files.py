"""Knowing a file again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

BLOCK = 1 << 20
# Java's AOT cache knows jars by size and time of change: a jar that is fetched or made again must look the same, and
# so must one that a CI cache has brought back. (2000-01-01, in seconds.)
CHANGED = 946_684_800


def digest(file: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file in hexadecimal."""
    hashed = hashlib.new(algorithm, usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def stamp(file: Path) -> None:
    """Give a file the time of change that all installed files have."""
    os.utime(file, (CHANGED, CHANGED))


def intact(file: Path, size: int, sha256: str | None = None) -> bool:
    """Return whether a file is there with this size and, if one is given, this digest; set its time of change right."""
    try:
        status = file.stat()
        if status.st_size != size or (sha256 is not None and digest(file) != sha256):
            return False
    except OSError:
        return False
    if status.st_mtime != CHANGED:
        with contextlib.suppress(OSError):  # in a cache that can only be read, the engine just starts more slowly
            stamp(file)
    return True
