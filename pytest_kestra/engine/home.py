"""The folder in which the user's engines live."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.lock import Jar
from pytest_kestra.engine.progress import Progress, megabytes

VARIABLE = "PYTEST_KESTRA_HOME"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def no_home(variable: str, named: str | None = None) -> InstallError:
    """Return the error for a path below a home folder that is none, as of a user who has a number only."""
    whose = f"that {named} begins with" if named else "of this user"
    return InstallError(f"This machine does not know the home folder {whose}. Set {variable} to a whole path.")


class Home:
    """Say where things are below the root of the user's cache, and who may change it."""

    def __init__(self, root: Path) -> None:
        # Absolute, since the AOT cache and the engine's process, which has another working folder, rely on it.
        self.root = root.expanduser().absolute()
        self.jars = self.root / "jars"
        self.plugins = self.root / "plugins"
        self.locks = self.root / "locks"
        self.warm = self.root / "warm"

    @classmethod
    def configured(cls, environ: Mapping[str, str] = os.environ) -> Home:
        """Return the home that the environment names, else the system's place for caches."""
        from platformdirs import user_cache_path

        named = environ.get(VARIABLE)
        try:
            return cls(Path(named) if named else user_cache_path("pytest-kestra", appauthor=False))
        except RuntimeError:
            raise no_home(VARIABLE, named) from None

    def jar(self, jar: Jar) -> Path:
        """Return where a jar of an engine is; versions of the engine share it."""
        return self.jars / jar.file_name

    def engine(self, version: str, fingerprint: str) -> Path:
        """Return the folder of one engine."""
        return self.root / "engines" / f"{version}-{fingerprint[:12]}"

    @contextlib.contextmanager
    def alone(self, name: str, progress: Progress) -> Iterator[None]:
        """Keep other processes out while the context lasts; wait for one that is in, and say so."""
        # Late, since an installed engine needs no lock.
        from filelock import FileLock, Timeout

        lock = FileLock(self.locks / f"{name}.lock")
        with writing(self.locks):
            self.locks.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                progress.note(f"Waiting for another process that works in {self}")
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def __str__(self) -> str:
        return str(self.root)


@contextlib.contextmanager
def writing(folder: Path, needed: int = 0, variable: str = VARIABLE) -> Iterator[None]:
    """Tell what the system has against writing into a folder as an InstallError.

    `needed` is in bytes, `variable` the one that leads to another folder.
    """
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise InstallError(
                f"The disk of {folder} is full: {f'{megabytes(needed)} are needed, ' if needed else ''}"
                f"{_free(folder)} are free. "
                f"Make room, or set {variable} to a folder on another disk"
                f"{'; what was downloaded is kept' if variable == VARIABLE else ''}."
            ) from error
        raise InstallError(
            f"Cannot write to {folder}: {error.strerror or error}. "
            f"Make it writable, or set {variable} to a folder that is."
        ) from error


def _free(folder: Path) -> str:
    try:
        return megabytes(shutil.disk_usage(folder).free)
    except OSError:  # it tells a user less, but no more
        return "too few"
