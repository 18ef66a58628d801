"""The files of a namespace."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError, NotFoundError, UnknownNameError
from pytest_kestra.run.file import File


@dataclass(frozen=True, eq=False)
class NamespaceFiles(MutableMapping[str, File]):
    """Read and write the files that `namespaceFiles` and `{{ read('path') }}` give to tasks, as in a dictionary.

    Keys are paths such as `scripts/a.sql`. Text, bytes, or a Path of this machine can be set.
    """

    namespace: str
    client: Client = field(repr=False)

    def __getitem__(self, path: str) -> File:
        """Return a file; KeyError where there is none."""
        try:
            return File(f"nsfile://{_absolute(path)}", self.client.files.read(self.namespace, _absolute(path)))
        except NotFoundError:
            raise UnknownNameError("file", path, self, f"the namespace {self.namespace}") from None

    def __setitem__(self, path: str, content: File | str | bytes | Path) -> None:
        """Store a file, over one that is there."""
        self.client.files.write(self.namespace, _absolute(path), _bytes(path, content))

    def __delitem__(self, path: str) -> None:
        """Delete a file; KeyError where there is none."""
        if path.strip("/") not in list(self):
            raise UnknownNameError("file", path, self, f"the namespace {self.namespace}")
        self.client.files.delete(self.namespace, _absolute(path))

    def __iter__(self) -> Iterator[str]:
        """Return the paths of all files, sorted."""
        return (path.strip("/") for path in self.client.files.paths(self.namespace))

    def __len__(self) -> int:
        """Return how many files there are."""
        return len(self.client.files.paths(self.namespace))

    def upload(self, folder: str | Path) -> None:
        """Store every file of a folder of this machine under its path below it."""
        root = Path(folder)
        if not root.is_dir():
            raise KestraError(f"{root} is not a folder whose files could be stored.")
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            self[file.relative_to(root).as_posix()] = file


def _absolute(path: str) -> str:
    return "/" + path.strip("/")


def _bytes(path: str, content: File | str | bytes | Path) -> bytes:
    if isinstance(content, File):
        return content.content
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, Path):
        try:
            return content.read_bytes()
        except OSError as error:
            raise KestraError(f"The file {content} cannot be read: {error.strerror}.") from error
    if isinstance(content, (bytes, bytearray)):
        return bytes(content)
    raise KestraError(
        f"The namespace file {path!r} is text, bytes or a Path, not of the type {type(content).__name__}."
    )
