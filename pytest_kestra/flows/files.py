"""Finding the flows that a test names: a file, a folder, or a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from pytest_kestra.errors import FlowError
from pytest_kestra.flows.source import TEXT, FlowSource
from pytest_kestra.flows.variants import select, variant, variants

SUFFIXES = (".yaml", ".yml")


def read(
    source: str | PathLike[str], folders: Sequence[Path] = (), line: str | None = None
) -> FlowSource | list[FlowSource]:
    """Return the flow of a file or a YAML text, or all flows of a folder and the folders in it, sorted by path.

    A text of several lines is YAML, every other one a path; a relative path is looked for below each of `folders`.
    YAML files of a folder that are no flows (no `namespace`, or a suite of unit tests) are left out. Where there is
    another text for a `line` of Kestra, that is returned.
    """
    if not isinstance(source, (str, PathLike)):
        raise FlowError(f"A flow is given as a path or as YAML text, not as {type(source).__name__}.")
    if isinstance(source, str) and "\n" in source:
        return FlowSource(source, TEXT)
    if not str(source):
        raise FlowError("An empty text is no flow, and names no file.")
    if isinstance(source, str) and re.fullmatch(r"\s*\{.*\}\s*", source):  # JSON is YAML, too
        return FlowSource(source, TEXT)
    path = _found(Path(source), list(folders) or [Path.cwd()], line)
    return _folder(path, line) if path.is_dir() else _file(variant(path, line))


def one(source: str | PathLike[str], folders: Sequence[Path] = (), line: str | None = None) -> FlowSource:
    """Return the flow of a file or a YAML text; FlowError for a folder."""
    found = read(source, folders, line)
    if isinstance(found, list):
        raise FlowError(f"{source}: a folder; give the file of one flow.")
    return found


def _found(path: Path, folders: list[Path], line: str | None) -> Path:
    candidates = [folder / path for folder in dict.fromkeys(folders)]
    for candidate in candidates:
        if candidate.exists() or variant(candidate, line).exists():
            return candidate
    if others := [other for candidate in candidates for other in variants(candidate)]:
        which = "" if line is None else f" for Kestra {line}"
        raise FlowError(f"{path}: there is no such file{which}; there is {shown(others[0])}.")
    places = " or ".join(dict.fromkeys(map(str, candidates)))
    raise FlowError(f"{path}: there is no such file or folder ({places}). A flow's text has more than one line.")


def _folder(folder: Path, line: str | None) -> list[FlowSource]:
    files = sorted(file for file in folder.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    given = select(files, line, [folder])
    flows = [flow for flow in map(_file, given) if _is_flow(flow)]
    if not flows:
        seen = f"none of its YAML files ({len(files)}) is one" if files else "it has no file that ends in .yaml or .yml"
        if len(given) < len(files):
            seen += f" for Kestra {line}"
        raise FlowError(f"{shown(folder)}: a folder without flows: {seen}.")
    return flows


def marks(text: str) -> set[str]:
    """Return the main properties of a flow that a text has at the beginning of its lines, also where it is no YAML."""
    return set(re.findall(r"^(id|namespace|tasks)\s*:", text, re.MULTILINE))


def _is_flow(source: FlowSource) -> bool:
    """Tell whether a file of a folder is a flow; one that cannot be read may be one, and says why it cannot."""
    try:
        keys = set(source.keys)
    except FlowError:
        # Such as a list, which is no flow, or several documents.
        if not marks(source.text):
            return False
        raise
    return "namespace" in keys and "testCases" not in keys


def _file(path: Path) -> FlowSource:
    try:
        return FlowSource(path.read_bytes().decode("utf-8-sig"), shown(path))
    except OSError as error:
        raise FlowError(f"{shown(path)}: the file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FlowError(f"{shown(path)}: the file is not UTF-8 text (byte {error.start}).") from error


def shown(path: Path) -> str:
    """Return a path as people read it: from the working folder, where it is below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
