"""Official Kestra plugins, as jars that a flow needs besides the engine's own."""

from __future__ import annotations

import contextlib
import itertools
import re
import zipfile
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.files import digest
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.progress import Progress
from pytest_kestra.engine.repository import ADDRESS_VARIABLE, Repository

SERVICES = "META-INF/services/io.kestra.core.models.Plugin"
# The plugin of this package: what stands where tests have mocked a task. `tools/make_stand_in.py` compiles it.
STAND_IN_TYPE = "pytestkestra.mocks.StandIn"
STAND_IN = Path(__file__).parent / "plugin" / "pytest-kestra-stand-in.jar"
REMEDY = "or download the jar yourself and give its path instead of the coordinate"
# What repositories publish beside a jar, the better first.
DIGESTS = {"sha256": 64, "sha1": 40}
_COORDINATE = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+)(?::sha256=([0-9a-fA-F]{64}))?")


def plugin_jars(coordinates: Sequence[str], home: Home, repository: Repository, progress: Progress) -> list[Path]:
    """Return a jar for each coordinate, fetched where it is not there yet.

    A coordinate is the path of a jar, or `group:artifact:version` as in Maven, with `:sha256=…` behind it where the
    repository's own digest shall not be trusted. InstallError says which one cannot be had, and what to do.
    """
    return [_jar(coordinate, home, repository, progress) for coordinate in coordinates]


def provides(jar: Path) -> frozenset[str]:
    """Return the names of the Java classes that a jar offers to Kestra; InstallError where it is no jar."""
    try:
        with zipfile.ZipFile(jar) as archive:
            text = archive.read(SERVICES).decode("utf-8") if SERVICES in archive.namelist() else ""
    except (OSError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise InstallError(f"The plugin {jar} cannot be read as a jar: {error}.") from error
    names = (line.partition("#")[0].strip() for line in text.splitlines())
    return frozenset(name for name in names if name)


def free_name(jar: Path, taken: Collection[str]) -> str:
    """Return the name of a jar, with a number where another jar has that name already."""
    numbered = (f"{jar.stem}-{number}{jar.suffix}" for number in itertools.count(2))
    return next(name for name in itertools.chain([jar.name], numbered) if name not in taken)


def _jar(coordinate: str, home: Home, repository: Repository, progress: Progress) -> Path:
    match = _COORDINATE.fullmatch(coordinate)
    if match is None or Path(coordinate).suffix == ".jar":
        return _given(coordinate)
    group, artifact, version, sha256 = match.groups()
    path = f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"
    target = home.plugins / path
    if not _whole(target, sha256):
        with home.alone("plugins", progress):
            if not _whole(target, sha256):
                _fetch(path, target, sha256, repository, progress)
    return target


def _whole(jar: Path, sha256: str | None) -> bool:
    # Only a jar whose digest was right gets its name; the directory at its end tells whether it was cut since.
    return jar.is_file() and zipfile.is_zipfile(jar) and (sha256 is None or digest(jar) == sha256.lower())


def _given(coordinate: str) -> Path:
    path = Path(coordinate)
    with contextlib.suppress(RuntimeError):  # there is no such user
        path = path.expanduser()
    path = path.absolute()
    if path.is_file():
        return path
    raise InstallError(
        f"There is no plugin {coordinate!r}: {path} is not a file, and a Maven coordinate looks like "
        "io.kestra.plugin:plugin-script-python:1.3.0. Correct it where the plugins are listed."
    )


def _fetch(path: str, target: Path, sha256: str | None, repository: Repository, progress: Progress) -> None:
    # Late, since an installed plugin needs no HTTP client.
    from pytest_kestra.engine.download import download
    from pytest_kestra.engine.transfer import Item

    algorithm, expected = ("sha256", sha256.lower()) if sha256 else _published(path, repository)
    item = Item(path, target, expected, algorithm=algorithm)
    download([item], repository, progress, f"Kestra plugin {target.name} from {repository} to {target.parent}", REMEDY)


def _published(path: str, repository: Repository) -> tuple[str, str]:
    """Return algorithm and digest that the repository publishes for a jar; the local one is asked first."""
    from pytest_kestra.engine.remote import Remote

    for algorithm in DIGESTS:
        if found := _digest(_local_text(repository, f"{path}.{algorithm}"), algorithm):
            return algorithm, found
    with Remote.opened(repository, REMEDY) as remote:
        for algorithm in DIGESTS:
            if found := _digest(remote.text(f"{path}.{algorithm}"), algorithm):
                return algorithm, found
    raise InstallError(
        f"The plugin {path} is not at {repository}, or without the digest to verify it ({' or '.join(DIGESTS)}). "
        f"Set {ADDRESS_VARIABLE} to a Maven repository that has both, {REMEDY}."
    )


def _local_text(repository: Repository, path: str) -> str | None:
    # Maven keeps the digest beside a jar that it has downloaded.
    try:
        return None if repository.local is None else (repository.local / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _digest(text: str | None, algorithm: str) -> str | None:
    """Return the digest that a text begins with, or nothing."""
    words = (text or "").split()
    return words[0].lower() if words and re.fullmatch(f"[0-9a-fA-F]{{{DIGESTS[algorithm]}}}", words[0]) else None
