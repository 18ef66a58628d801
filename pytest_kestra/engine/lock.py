"""Lock files: every jar of a Kestra version, with its size and SHA-256."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

from pytest_kestra.engine.errors import InstallError

FOLDER = "locks"
PREFIX, SUFFIX = "kestra-", ".lock"
TOOLS = "[tools]"
HEADER = """\
# Every jar of the embedded engine: group:artifact:version, size in bytes, SHA-256; in class-path order.
# Under [tools] stands what is needed at installation only. Written by tools/make_lock.py: do not edit.
"""
_LINE = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+) (\d+) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Jar:
    """Name a jar in a Maven repository, with its size in bytes and its SHA-256."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """Return its path below a Maven repository."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"

    @property
    def file_name(self) -> str:
        """Return the name of its file."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version} {self.size} {self.sha256}"


@dataclass(frozen=True)
class Lock:
    """Say which jars a version of Kestra consists of, in class-path order, and which tools its installation needs."""

    version: str
    jars: tuple[Jar, ...]
    tools: tuple[Jar, ...] = ()

    @classmethod
    def read(cls, version: str) -> Lock:
        """Return the lock of an exact version; InstallError where there is none."""
        file = resources.files("pytest_kestra.engine").joinpath(FOLDER).joinpath(f"{PREFIX}{version}{SUFFIX}")
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise _unknown(version) from error
        return cls.parse(version, text, str(file))

    @classmethod
    def parse(cls, version: str, text: str, source: str) -> Lock:
        """Return the lock that a text describes; InstallError names `source` and the line that is wrong."""
        sections: dict[str, list[Jar]] = {"": [], TOOLS: []}
        section = ""
        names: set[str] = set()
        for number, line in enumerate(text.splitlines(), start=1):
            if not line or line.startswith("#"):
                continue
            if line == TOOLS:
                section = TOOLS
                continue
            jar = _jar(line, f"{source}, line {number}")
            if jar.file_name in names:
                raise InstallError(f"{source}, line {number}: a second jar of the name {jar.file_name}.")
            names.add(jar.file_name)
            sections[section].append(jar)
        if not sections[""]:
            raise InstallError(f"{source}: the lock file names no jar; install pytest-kestra anew.")
        return cls(version, tuple(sections[""]), tuple(sections[TOOLS]))

    @property
    def line(self) -> str:
        """Return the line of the version: `1.3` of 1.3.31."""
        return line_of(self.version)

    @property
    def fingerprint(self) -> str:
        """Return what changes when a jar does: a SHA-256 over the text of the lock."""
        return hashlib.sha256(self.dumps().encode()).hexdigest()

    def dumps(self) -> str:
        """Return the lock as the text of a lock file."""
        lines = [str(jar) for jar in self.jars]
        if self.tools:
            lines += ["", TOOLS, *map(str, self.tools)]
        return HEADER + "\n".join(lines) + "\n"


def line_of(version: str) -> str:
    """Return the line that a version belongs to, such as `1.3`."""
    return ".".join(version.split(".")[:2])


def available_versions() -> list[str]:
    """Return the versions of Kestra that can be installed, oldest first."""
    folder = resources.files("pytest_kestra.engine").joinpath(FOLDER)
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    versions = [name[len(PREFIX) : -len(SUFFIX)] for name in names if name.startswith(PREFIX) and name.endswith(SUFFIX)]
    return sorted(versions, key=lambda version: [(len(part), part) for part in version.split(".")])


def resolve_version(wanted: str) -> str:
    """Return the newest version of a line such as `1.3`, or the exact one; InstallError lists what there is."""
    fitting = [version for version in available_versions() if f"{version}.".startswith(f"{wanted}.")]
    if not fitting:
        raise _unknown(wanted)
    return fitting[-1]


def _jar(line: str, where: str) -> Jar:
    match = _LINE.fullmatch(line)
    if match is None:
        raise InstallError(
            f"{where}: expected `group:artifact:version size sha256`, got {line!r}; install pytest-kestra anew."
        )
    group, artifact, version, size, sha256 = match.groups()
    return Jar(group, artifact, version, int(size), sha256)


def _unknown(version: str) -> InstallError:
    known = ", ".join(available_versions()) or "none"
    return InstallError(
        f"The embedded engine has no Kestra {version}; it has: {known}. "
        "Choose one of these; a server of another version is tested by its address: pytest --kestra-server=URL."
    )
