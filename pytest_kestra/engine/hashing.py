"""SHA-256 and its like, of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK = 1 << 20


def digest(file: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file in hexadecimal."""
    hashed = hashlib.new(algorithm, usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            hashed.update(block)
    return hashed.hexdigest()
