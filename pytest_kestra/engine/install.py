"""Installing the embedded engine, and finding it installed."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_kestra.engine import compiler
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.extra import require_packages
from pytest_kestra.engine.files import intact
from pytest_kestra.engine.home import VARIABLE, Home, writing
from pytest_kestra.engine.lock import Jar, Lock, resolve_version
from pytest_kestra.engine.marker import FILE_NAME, Marker
from pytest_kestra.engine.progress import Progress, megabytes
from pytest_kestra.engine.repository import LOCAL_VARIABLE, Repository
from pytest_kestra.engine.runtime import Runtime

ENGINE_JAR = "kestra-engine.jar"
SCRIPTS_JAR = "kestra-scripts.jar"
AOT_CACHE = "kestra.aot"
TABLES = "tables.sql"
# An engine takes 150 MB; who has two virtual environments may use two of them.
UNUSED_S = 30 * 24 * 3600.0
COMMON = "common"
SCRIPTS = "scripts"


def trees(lock: Lock) -> dict[str, list[Path]]:
    """Return the trees of Java sources that each jar is made of: the engine's are that of all lines and its own."""
    names = {ENGINE_JAR: (COMMON, lock.line), SCRIPTS_JAR: (SCRIPTS,)}
    return {jar: [compiler.SOURCES / tree for tree in of_jar] for jar, of_jar in names.items()}


@dataclass(frozen=True)
class Installation:
    """Name the parts of an installed engine: `jars` in class-path order, behind `engine_jar`; `jvm` is the library.

    Where the AOT cache or the snapshot of the empty tables is missing, the engine works but starts slowly.
    """

    version: str
    folder: Path
    jars: list[Path]
    scripts_jar: Path
    engine_jar: Path
    aot_cache: Path | None
    tables: Path | None
    jvm: Path


Train = Callable[[Installation, Path, Path], None]


def install(
    version: str,
    *,
    home: Home,
    repository: Repository,
    progress: Progress,
    train: Train | None = None,
    verify: bool = False,
) -> Installation:
    """Return the engine of a version or line, installed if it is not, repaired if it is damaged.

    What is installed is found by names and sizes, in milliseconds; `verify` reads every file and compares its digest.
    `train` writes the AOT cache and the tables of an installation to two paths; where it cannot, a line says so and the
    engine works without. Raises InstallError and EngineError.
    """
    require_packages()
    installer = _Installer(Lock.read(resolve_version(version)), home, repository, progress, train, verify=verify)
    found = None if verify else installer.installed()
    return found or installer.install()


def damaged(installation: Installation, home: Home) -> list[Path]:
    """Return the files of an installed engine whose content is not as it was recorded; it reads all of them."""
    folder, marker = installation.folder, Marker.read(installation.folder)
    jars = [home.jar(jar) for jar in Lock.read(installation.version).jars if not _intact(home, jar)]
    return jars + [folder / name for name in marker.files if not marker.intact(folder / name, verify=True)]


def _intact(home: Home, jar: Jar) -> bool:
    return intact(home.jar(jar), jar.size, jar.sha256)


class _Installer:
    def __init__(
        self, lock: Lock, home: Home, repository: Repository, progress: Progress, train: Train | None, *, verify: bool
    ) -> None:
        self.lock = lock
        self.home = home
        self.repository = repository
        self.progress = progress
        self.train = train
        self.verify = verify
        self.runtime = Runtime.find()
        sources = [compiler.fingerprint(*of_jar) for of_jar in trees(lock).values()]
        made_of = (lock.fingerprint, *sources, self.runtime.identity)
        self.folder = home.engine(lock.version, hashlib.sha256(" ".join(made_of).encode()).hexdigest())
        self.cache = self.folder / AOT_CACHE
        self.tables = self.folder / TABLES

    def installed(self) -> Installation | None:
        """Return the engine if it is whole, by names and sizes."""
        marker = Marker.read(self.folder)
        whole = self._compiled(marker) and not (self.train and self._untrained(marker))
        if whole and all(intact(self.home.jar(jar), jar.size) for jar in self.lock.jars):
            marker.used(self.folder)
            return self._installation(marker)
        return None

    def install(self) -> Installation:
        """Bring everything into place that is not there; one process does at a time."""
        with self.home.alone("install", self.progress):
            found = None if self.verify else self.installed()
            return found or self._install()

    def _install(self) -> Installation:
        marker = Marker.read(self.folder)
        if self.verify:  # which is also a second chance
            marker = replace(marker, aot_failure=None)
        compiled = self._compiled(marker)
        self._fetch([*self.lock.jars, *([] if compiled else self.lock.tools)])
        if not compiled:
            marker = self._compile(marker)
        if self.train is not None and self._untrained(marker):
            marker = self._trained(marker, self.train)
        with writing(self.folder):
            marker.write(self.folder)
        self._prune()
        return self._installation(marker)

    def _prune(self) -> None:
        """Remove what older releases of this package made for the same version, once nobody uses it any more."""
        for folder in self.folder.parent.glob(f"{self.lock.version}-*"):
            if folder != self.folder and Marker.age(folder) > UNUSED_S:
                self.progress.note(f"{folder} was not used for a month: it is removed")
                shutil.rmtree(folder, ignore_errors=True)

    def _fetch(self, jars: Sequence[Jar]) -> None:
        from pytest_kestra.engine.download import download
        from pytest_kestra.engine.transfer import Item

        missing = [jar for jar in jars if not self._whole(jar)]
        items = [Item(jar.path, self.home.jar(jar), jar.sha256, jar.size) for jar in missing]
        size = megabytes(sum(jar.size for jar in missing))
        local = self.repository.local
        used = f" and {local}" if local is not None and local.is_dir() else ""
        text = (
            f"Kestra {self.lock.version} for the embedded engine, needed once: "
            f"{len(items)} files, {size}, from {self.repository}{used} to {self.home}"
        )
        remedy = (
            f"or fill {local or f'a folder that {LOCAL_VARIABLE} names'} with Maven, or run `pytest-kestra engine "
            f"install` where there is a network, copy its folder to {self.home} (or where {VARIABLE} says) and run it "
            "there again"
        )
        download(items, self.repository, self.progress, text, remedy)

    def _whole(self, jar: Jar) -> bool:
        file = self.home.jar(jar)
        if intact(file, jar.size, jar.sha256 if self.verify else None):
            return True
        if file.exists():
            self.progress.note(f"{file} is damaged: it is fetched again")
        return False

    def _compile(self, marker: Marker) -> Marker:
        with self.progress.step("Compiling the script tasks"), writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            (program,) = (self.home.jar(tool) for tool in self.lock.tools)
            class_path = [self.home.jar(jar) for jar in self.lock.jars]
            java = compiler.Compiler(self.runtime.java, program, class_path)
            for name, of_jar in trees(self.lock).items():
                java.compile(of_jar, self.folder / name)
                marker = marker.adding(self.folder / name)
        return marker

    def _trained(self, marker: Marker, train: Train) -> Marker:
        with writing(self.folder):
            self.cache.unlink(missing_ok=True)
        try:
            with self.progress.step("Making the start-up cache (about 25 s, once)"):
                # In its final place, since the cache names the jars by their paths.
                train(self._installation(marker), self.cache, self.tables)
                return replace(marker.adding(self.cache).adding(self.tables), place=str(self.folder))
        except (EngineError, OSError) as error:
            with contextlib.suppress(OSError):
                self.cache.unlink()
            reason = str(error) or type(error).__name__
            self.progress.note(
                "The start-up cache could not be made, so the engine takes some seconds longer to start; "
                f"`pytest-kestra engine install` tries again. {reason.splitlines()[0]} "
                f"({self.folder / FILE_NAME} has the whole text)"
            )
            return replace(marker.without(self.cache, self.tables), aot_failure=reason)

    def _compiled(self, marker: Marker) -> bool:
        return all(marker.intact(self.folder / name, verify=self.verify) for name in trees(self.lock))

    def _untrained(self, marker: Marker) -> bool:
        moved = self.verify and marker.place != str(self.folder)
        whole = all(marker.intact(file, verify=self.verify) for file in (self.cache, self.tables))
        return marker.aot_failure is None and (moved or not whole)

    def _installation(self, marker: Marker) -> Installation:
        return Installation(
            version=self.lock.version,
            folder=self.folder,
            jars=[self.home.jar(jar) for jar in self.lock.jars],
            scripts_jar=self.folder / SCRIPTS_JAR,
            engine_jar=self.folder / ENGINE_JAR,
            aot_cache=self.cache if marker.intact(self.cache) else None,
            tables=self.tables if marker.intact(self.tables) else None,
            jvm=self.runtime.library,
        )
