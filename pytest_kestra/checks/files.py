"""The files that are checked: every flow that the paths lead to, and what cannot be read."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_kestra.checks.checker import of_error
from pytest_kestra.checks.findings import Finding
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.files import SUFFIXES, marks, one, shown
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.flows.variants import line_of, select

MARKS = {"id", "namespace", "tasks"}


@dataclass
class Found:
    """Hold what files hold that were named or found: flows, or why one cannot be read; and the flows beside those."""

    loaded: dict[Path, FlowSource | Finding]
    beside: dict[Path, FlowSource]
    named: Collection[Path] = ()

    @classmethod
    def of(cls, loaded: dict[Path, FlowSource | Finding], named: Collection[Path] = ()) -> Found:
        """Return what was loaded, with the flows in the folders of its files, and above those of a line."""
        files = {file.absolute(): one for file, one in sorted(loaded.items())}
        return cls(files, neighbours(files), [path.absolute() for path in named])

    @property
    def flows(self) -> list[FlowSource]:
        """The flows, by path."""
        return [one for one in self.loaded.values() if isinstance(one, FlowSource)]

    @property
    def broken(self) -> list[Finding]:
        """Why files cannot be read, by path."""
        return [one for one in self.loaded.values() if isinstance(one, Finding)]

    @property
    def neighbours(self) -> list[FlowSource]:
        """The flows that may be named, by path."""
        return list(self.beside.values())

    def on(self, line: str | None) -> Found:
        """Return what of it a line of Kestra is given."""
        given = {file: self.loaded.get(file) or load(file) for file in select(self.loaded, line, self.named)}
        others = {file: self.beside.get(file) or load(file) for file in select(self.beside, line)}
        return Found(
            {file: one for file, one in given.items() if one is not None},
            {file: one for file, one in others.items() if isinstance(one, FlowSource) and file not in given},
            self.named,
        )


def find(paths: Iterable[Path]) -> Found:
    """Return the flows of files, and of folders and the folders in them, sorted by path.

    FlowError where a path is not there, or where there is nothing to check.
    """
    named = {path: path.is_dir() for path in dict.fromkeys(paths)}
    for path in named:
        if not path.exists():
            raise FlowError(f"{path}: there is no such file or folder.")
    files = {file.resolve(): (file, not is_dir) for path, is_dir in named.items() for file in _files(path)}
    loaded = {file: load(file, by_name=by_name) for file, by_name in sorted(files.values())}
    flows = {file: one for file, one in loaded.items() if one is not None}
    if not flows:
        raise FlowError(f"There is no flow in {', '.join(map(str, named))}: YAML with `id`, `namespace` and `tasks`.")
    return Found.of(flows, named)


def neighbours(files: Iterable[Path]) -> dict[Path, FlowSource]:
    """Return the flows in the folders of files that are not among these."""
    known = {file.resolve() for file in files}
    folders = {file.parent for file in known} | {file.parent.parent for file in known if line_of(file)}
    beside = {file.resolve(): file for folder in folders for file in _yaml(folder.glob("*"))}
    loaded = {file: load(file) for path, file in sorted(beside.items()) if path not in known}
    return {file: flow for file, flow in loaded.items() if isinstance(flow, FlowSource)}


def load(path: Path, *, by_name: bool = False) -> FlowSource | Finding | None:
    """Return the flow of a file, what is wrong where it cannot be read, or None where it is no flow.

    Who gives a file `by_name` means a flow; any other file must look like one, by two of its three main properties.
    """
    try:
        source = one(path.absolute())
        keys = set(source.keys)
    except FlowError as error:
        seen = _marks(path)
        return of_error(error, shown(path)) if by_name or seen is None or len(seen) > 1 else None
    if "testCases" in keys or ("type" in keys and "tasks" not in keys):  # a suite of tests, an app
        return None
    return source if len(keys & MARKS) > (0 if by_name else 1) else None


def _marks(path: Path) -> set[str] | None:
    """Return the properties of a flow that a text has at the beginning of its lines; None where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    # As some editors of Windows write it, which Kestra does not read either.
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    return marks(content.decode(encoding, "replace"))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in _yaml(path.rglob("*")):
        # Not what tools keep in hidden folders.
        if not any(part.startswith(".") for part in file.relative_to(path).parts[:-1]):
            yield file


def _yaml(files: Iterable[Path]) -> Iterator[Path]:
    return (file for file in files if file.suffix in SUFFIXES and file.is_file())
