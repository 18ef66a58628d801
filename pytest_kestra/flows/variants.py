"""Flows that stand beside others for one line of Kestra: those in a folder `kestra-2.0` are for servers of 2.0."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from glob import escape
from pathlib import Path

FOLDER = "kestra-{}"
NAME = re.compile(FOLDER.format(r"(\d+\.\d+)"))


def line_of(file: Path) -> str | None:
    """Return the line of Kestra that a flow's file is for, such as `2.0`; None where it is for all."""
    found = NAME.fullmatch(file.parent.name)
    return None if found is None else found[1]


def variant(file: Path, line: str | None) -> Path:
    """Return what a line is given for a flow's file: one of the same name in its folder beside it, or the file."""
    if line is None:
        return file
    other = file.parent / FOLDER.format(line) / file.name
    return other if other.is_file() else file


def variants(file: Path) -> list[Path]:
    """Return the files of the same name that lines have in their folders beside a flow's file."""
    found = file.parent.glob(f"{FOLDER.format('*')}/{escape(file.name)}")
    return sorted(other for other in found if line_of(other) is not None)


def select(files: Iterable[Path], line: str | None, named: Collection[Path] = ()) -> list[Path]:
    """Return the files that a line is given, each at the place of the one it stands for.

    What was `named` itself, or is in a folder that was, is meant as it is.
    """
    chosen: dict[Path, Path] = {}
    for file in files:
        its = line_of(file)
        if its is None:
            chosen[variant(file, line)] = file
        elif file in named or file.parent in named:
            chosen[file] = file
        elif its == line:
            chosen.setdefault(file, file.parent.parent / file.name)
    return sorted(chosen, key=lambda file: chosen[file])
