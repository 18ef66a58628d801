"""ZIP archives of namespace files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java


def packed(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Return an archive of names and contents."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in entries:
            writer.writestr(name, data)
    return archive.getvalue()


def unpacked(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the files in an archive; what is no archive has none, as Kestra sees it."""
    stream = java("java.util.zip.ZipInputStream")(java("java.io.ByteArrayInputStream")(archive))
    try:
        while (entry := stream.getNextEntry()) is not None:
            if not entry.isDirectory():
                yield str(entry.getName()), bytes(stream.readAllBytes())
    except java("java.io.IOException") as error:
        raise Problem(422, f"Illegal argument: {error.getMessage()}") from error


def read(stream: Any) -> bytes:
    """Return what a Java stream has, and close it."""
    try:
        return bytes(stream.readAllBytes())
    finally:
        stream.close()
