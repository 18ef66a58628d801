"""The files of this machine that make a root file system in which the embedded engine runs.

Only Linux has them in a form that a container can use.
"""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from pytest_kestra.engine.install import Installation

# What shell scripts of flows may expect, as far as this machine has it.
PROGRAMS = (
    "sh bash env true false test expr seq sleep date uname hostname id ls cat cp mv rm mkdir rmdir ln touch chmod "
    "mktemp dirname basename pwd echo printf head tail wc sort uniq cut tr tee paste grep sed awk find xargs diff cmp "
    "tar gzip gunzip base64 md5sum sha256sum nproc ps kill curl"
)
FOLDERS = ("proc", "sys", "dev", "app/plugins")
# Certificates of the authorities that this machine trusts, how it finds names, and letters.
SYSTEM = (
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/nsswitch.conf", "/etc/mime.types"),
    # Without it Java takes the names of files for ASCII.
    "/usr/lib/locale/C.utf8",
)
USERS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
# Of Python's own library, what no engine needs.
UNUSED = re.compile(
    r"__pycache__|tests?|idlelib|tkinter|_tkinter\..*|turtledemo|ensurepip|site-packages|lib2to3|pydoc_data|config-.*"
)
DISTRIBUTION = "pytest-kestra"
PACKAGE = Path(__file__).parents[1]


class Files:
    """Collect files of this machine at the paths where they are, with everything that they are linked to."""

    def __init__(self) -> None:
        self._paths: dict[Path, None] = {}
        self._linked: set[str] = set()

    def __iter__(self) -> Iterator[Path]:
        return iter(self._paths)

    def add(self, path: Path) -> None:
        """Add a file, a link with what it leads to, or a folder with all in it; what is not there is left out."""
        path = self._resolved(Path(os.path.normpath(path.absolute())))
        if path in self._paths or not os.path.lexists(path):
            return
        self._paths[path] = None
        if path.is_symlink():
            self.add(path.parent / path.readlink())
        elif path.is_dir():
            for entry in sorted(path.iterdir()):
                if not UNUSED.fullmatch(entry.name):
                    self.add(entry)
        elif _is_elf(path):
            self._link(path)

    def add_link(self, path: Path) -> None:
        """Add a link without what it leads to; anything else is left out."""
        if path.is_symlink():
            self._paths[path] = None

    def _resolved(self, path: Path) -> Path:
        """Return a path whose folders are no links, and add those that are."""
        for parent in [*reversed(path.parents)][1:]:
            if parent.is_symlink():
                self.add_link(parent)
                target = os.path.normpath(parent.parent / parent.readlink())
                return self._resolved(Path(target) / path.relative_to(parent))
        return path

    def _link(self, path: Path) -> None:
        """Add the libraries of a program or library."""
        told = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout
        for name in re.findall(r"(/\S+) \(0x", told):
            if name not in self._linked:
                self._linked.add(name)
                self.add(Path(name))


def files(installation: Installation) -> Files:
    """Return all files of this machine that an engine in a container needs."""
    found = Files()
    # Links where the system has merged them with those in /usr, as scripts begin with /bin/sh.
    for name in ("/bin", "/sbin", "/lib", "/lib64"):
        found.add_link(Path(name))
    for name in PROGRAMS.split():
        if program := shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"):
            found.add(Path(program))
    for name in SYSTEM:
        found.add(Path(name))
    for path in (*_python(), *_packages()):
        found.add(path)
    made = (installation.engine_jar, installation.scripts_jar, installation.aot_cache, installation.tables)
    for file in (*installation.jars, *made):
        if file is not None:
            found.add(file)
    return found


def search_path() -> list[str]:
    """Return where the engine's Python finds its packages: where they are on this machine."""
    folders = [str(PACKAGE.parent), *site.getsitepackages()]
    return list(dict.fromkeys(folders))


def _python() -> Iterator[Path]:
    """Return this Python, without the packages that are installed for it."""
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    yield Path(sys.executable)
    yield Path(sys.executable).with_name("python")
    yield Path(sys.prefix) / "pyvenv.cfg"
    yield base / "lib" / version
    yield Path(sys.executable).resolve()
    yield from base.glob("lib/libpython*")


def _packages() -> Iterator[Path]:
    """Return the files of this package and of those that the embedded engine needs."""
    yield PACKAGE
    for name in _needed([f"{DISTRIBUTION}[embedded]"]):
        distribution = metadata.distribution(name)
        for file in distribution.files or ():
            located = Path(str(distribution.locate_file(file)))
            if ".." not in file.parts and "__pycache__" not in file.parts:
                yield located


def _needed(requirements: Iterable[str]) -> list[str]:
    """Return the distributions that requirements name, and those which these need, all that are installed."""
    found: dict[str, None] = {}
    waiting = [Requirement(text) for text in requirements]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        try:
            told = metadata.requires(requirement.name) or []
        except metadata.PackageNotFoundError:  # only this package itself may be run from its sources
            continue
        found[requirement.name] = None
        for extra in (*requirement.extras, ""):
            for text in told:
                further = Requirement(text)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    waiting.append(further)
    return list(found)


def _is_elf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False
