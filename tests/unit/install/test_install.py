from __future__ import annotations

import errno
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.engine import compiler, extra
from pytest_kestra.engine import install as install_module
from pytest_kestra.engine.compiler import Compiler
from pytest_kestra.engine.errors import EngineError, InstallError
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.install import (
    AOT_CACHE,
    ENGINE_JAR,
    SCRIPTS_JAR,
    TABLES,
    UNUSED_S,
    Installation,
    damaged,
    install,
)
from pytest_kestra.engine.lock import Lock
from pytest_kestra.engine.marker import FILE_NAME
from pytest_kestra.engine.repository import Repository
from pytest_kestra.engine.runtime import Runtime
from tests.waits import WAIT_S

if TYPE_CHECKING:
    from tests.unit.install.conftest import Heard, Maven

Install = Callable[..., Installation]
SIZE = 100_000
CORE, H2, ECJ = (letter * SIZE for letter in (b"c", b"h", b"e"))


class Trainer:
    """Stand in for the training run."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None

    def __call__(self, installation: Installation, cache: Path, tables: Path) -> None:
        self.runs += 1
        assert installation.engine_jar.is_file()
        cache.write_bytes(b"cache")
        tables.write_bytes(b"tables")
        if self.error:
            raise self.error


# The tree that each jar is made of.
TREES = {ENGINE_JAR: "common 1.3", SCRIPTS_JAR: "scripts"}


@pytest.fixture
def lock(maven: Maven) -> Lock:
    """Return a lock of two jars and a tool that the repository has."""
    return Lock("1.3.31", (maven.publish("core", CORE), maven.publish("h2", H2)), (maven.publish("ecj", ECJ),))


@pytest.fixture(autouse=True)
def no_java(lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a version of that lock, with sources, a compiler and a runtime that are none."""

    def compile_(_: Compiler, trees: list[Path], jar: Path) -> None:
        jar.write_text("compiled " + " ".join(tree.name for tree in trees))

    for tree in " ".join(TREES.values()).split():
        (tmp_path / "java" / tree).mkdir(parents=True)
        (tmp_path / "java" / tree / "One.java").write_text("class One {}")
    monkeypatch.setattr(compiler, "SOURCES", tmp_path / "java")
    monkeypatch.setattr(Compiler, "compile", compile_)
    monkeypatch.setattr(Runtime, "find", lambda: Runtime(tmp_path / "bin" / "java", tmp_path / "libjvm.so", "25"))
    monkeypatch.setattr(extra, "find_spec", lambda module: module)
    monkeypatch.setattr(Lock, "read", lambda version: {"1.3.31": lock}[version])
    monkeypatch.setattr(install_module, "resolve_version", lambda wanted: {"1.3": "1.3.31"}[wanted])


@pytest.fixture
def engine(home: Home, repository: Repository, heard: Heard) -> Install:
    """Return `install` for this test's home and repository; what differs can be given."""

    def engine(**differences: object) -> Installation:
        arguments: dict[str, object] = {"home": home, "repository": repository, "progress": heard}
        return install("1.3", **(arguments | differences))  # type: ignore[arg-type]

    return engine


@pytest.fixture
def trainer() -> Trainer:
    """Return a training run that makes its files."""
    return Trainer()


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def fill(jar: Path, content: bytes) -> None:
    """Give a jar other content, and leave it as old as it was."""
    status = jar.stat()
    jar.write_bytes(content)
    os.utime(jar, (status.st_mtime, status.st_mtime))


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


class TestAFirstInstall:
    def test_puts_everything_into_its_place(self, engine: Install, home: Home, trainer: Trainer) -> None:
        installation = engine(train=trainer)

        assert installation.version == "1.3.31"
        assert installation.jars == [home.jars / "core-1.0.jar", home.jars / "h2-1.0.jar"]
        assert [jar.read_bytes() for jar in installation.jars] == [CORE, H2]
        assert installation.engine_jar.read_text() == "compiled common 1.3"
        assert installation.scripts_jar.read_text() == "compiled scripts"
        assert names(home.jars) == ["core-1.0.jar", "ecj-1.0.jar", "h2-1.0.jar"]
        assert names(installation.folder) == sorted([FILE_NAME, ENGINE_JAR, SCRIPTS_JAR, AOT_CACHE, TABLES])
        assert installation.aot_cache == installation.folder / AOT_CACHE
        assert installation.tables == installation.folder / TABLES
        assert installation.jvm.name == "libjvm.so"

    def test_says_what_it_does(self, engine: Install, home: Home, maven: Maven, heard: Heard, trainer: Trainer) -> None:
        engine(train=trainer)

        text = f"Kestra 1.3.31 for the embedded engine, needed once: 3 files, 0.3 MB, from {maven.address} to {home}"
        assert heard.transfers == [(text, 3 * SIZE)]
        assert heard.steps == ["Compiling the script tasks", "Making the start-up cache (about 25 s, once)"]
        assert heard.notes == []

    def test_can_do_without_training(self, engine: Install) -> None:
        installation = engine()

        assert installation.aot_cache is None
        assert installation.tables is None

    def test_asks_for_the_extra(self, engine: Install, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extra, "find_spec", lambda module: None if module == "jpype" else module)

        with pytest.raises(InstallError, match=r'pip install "pytest-kestra\[embedded\]" \(missing: JPype1\)'):
            engine()

        assert not home.root.exists()

    def test_resumes_what_breaks_off(self, engine: Install, lock: Lock, maven: Maven) -> None:
        maven.cut(lock.jars[0].path, after=60_000)

        assert engine().jars[0].read_bytes() == CORE
        assert maven.asked(lock.jars[0].path) == [None, "bytes=60000-"]

    def test_resumes_what_an_earlier_one_began(self, engine: Install, home: Home, lock: Lock, maven: Maven) -> None:
        home.jars.mkdir(parents=True)
        (home.jars / "core-1.0.jar.part").write_bytes(CORE[:60_000])

        assert engine().jars[0].read_bytes() == CORE
        assert maven.asked(lock.jars[0].path) == ["bytes=60000-"]


class TestASecondInstall:
    def test_needs_no_network(self, engine: Install, nowhere: Repository, trainer: Trainer) -> None:
        first = engine(train=trainer)

        assert engine(repository=nowhere, train=trainer) == first
        assert trainer.runs == 1

    def test_says_nothing(self, engine: Install, heard: Heard) -> None:
        engine()
        heard.transfers.clear()
        heard.steps.clear()

        engine()

        assert (heard.notes, heard.steps, heard.transfers) == ([], [], [])

    def test_trains_what_was_installed_without(self, engine: Install, nowhere: Repository, trainer: Trainer) -> None:
        assert engine().aot_cache is None

        assert engine(repository=nowhere, train=trainer).aot_cache is not None

    def test_needs_no_compiler_any_more(self, engine: Install, home: Home, nowhere: Repository) -> None:
        engine()
        (home.jars / "ecj-1.0.jar").unlink()

        engine(repository=nowhere)

    def test_bears_a_cache_that_can_only_be_read(
        self, engine: Install, nowhere: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = engine()
        os.utime(first.jars[0])

        def refuse(*_: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "utime", refuse)
        monkeypatch.setattr(Path, "mkdir", refuse)

        assert engine(repository=nowhere) == first

    def test_has_a_folder_of_its_own_for_other_sources(
        self, engine: Install, tmp_path: Path, lock: Lock, maven: Maven
    ) -> None:
        first = engine()
        (tmp_path / "java" / "1.3" / "One.java").write_text("class Two {}")

        second = engine()

        assert second.folder != first.folder
        assert second.jars == first.jars
        assert len(maven.requests) == 3


class TestAnEngineOfAnOlderRelease:
    @pytest.fixture
    def older(self, engine: Install) -> Path:
        """Return the folder of an engine of the same version that was made of other sources."""
        folder = engine().folder
        (compiler.SOURCES / "1.3" / "Two.java").write_text("class Two {}")
        return folder

    def test_is_removed_when_it_was_not_used_for_a_month(self, engine: Install, heard: Heard, older: Path) -> None:
        month_ago = time.time() - UNUSED_S - 60
        os.utime(older / FILE_NAME, (month_ago, month_ago))

        engine()

        assert not older.exists()
        assert f"{older} was not used for a month: it is removed" in heard.notes

    def test_is_left_when_it_was_used_since(self, engine: Install, older: Path) -> None:
        engine()

        assert older.is_dir()

    def test_is_left_while_it_is_being_made(self, engine: Install, older: Path) -> None:
        (older / FILE_NAME).unlink()

        engine()

        assert older.is_dir()

    def test_counts_from_its_last_use(self, engine: Install) -> None:
        folder = engine().folder
        os.utime(folder / FILE_NAME, (0, 0))

        engine()

        assert (folder / FILE_NAME).stat().st_mtime > 0


class TestALocalRepository:
    def test_serves_all_without_a_network(
        self, engine: Install, maven: Maven, nowhere: Repository, heard: Heard, tmp_path: Path
    ) -> None:
        local = maven.local(tmp_path / "m2")

        installation = engine(repository=Repository(nowhere.address, local))

        assert [jar.read_bytes() for jar in installation.jars] == [CORE, H2]
        assert f"from {nowhere} and {local} to " in heard.transfers[0][0]

    def test_is_ignored_where_a_jar_is_wrong(self, engine: Install, maven: Maven, lock: Lock, tmp_path: Path) -> None:
        local = maven.local(tmp_path / "m2")
        (local / lock.jars[0].path).write_bytes(b"x" * SIZE)

        assert engine(repository=Repository(maven.address, local)).jars[0].read_bytes() == CORE
        assert [request.path for request in maven.requests] == [lock.jars[0].path]


class TestAnInstallThatFails:
    def test_deletes_a_wrong_file_and_leaves_nothing_half_made(
        self, engine: Install, home: Home, lock: Lock, maven: Maven
    ) -> None:
        maven.swap(lock.jars[0].path, b"x" * SIZE, times=2)

        with pytest.raises(InstallError, match=r"core-1\.0\.jar from .* is not the right file: .* It was deleted\."):
            engine()

        assert not [name for name in names(home.jars) if name.startswith("core")]
        assert not (home.root / "engines").exists()

    def test_is_finished_by_the_next(self, engine: Install, lock: Lock, maven: Maven) -> None:
        maven.fail(lock.jars[0].path, 404)
        with pytest.raises(InstallError):
            engine()

        assert engine().jars[0].read_bytes() == CORE

    def test_tells_a_full_disk(self, engine: Install, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "replace", full)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=12_345))

        with pytest.raises(InstallError) as caught:
            engine()

        assert str(caught.value).startswith(
            f"The disk of {home.jars} is full: 0.3 MB are needed, 0.0 MB are free. Make room, or set PYTEST_KESTRA_HOME"
        )

    def test_tells_a_folder_that_can_only_be_read(
        self, engine: Install, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)

        with pytest.raises(InstallError, match=r"^Cannot write to .*locks: Permission denied\. Make it writable"):
            engine()

    def test_tells_a_network_that_is_not_there(self, engine: Install, home: Home, nowhere: Repository) -> None:
        with pytest.raises(InstallError) as caught:
            engine(repository=nowhere)

        text = str(caught.value)
        assert f"could not be downloaded from {nowhere}: " in text
        assert "or fill a folder that PYTEST_KESTRA_M2 names with Maven" in text
        assert f"copy its folder to {home} (or where PYTEST_KESTRA_HOME says)" in text

    def test_names_the_local_repository_that_could_be_filled(
        self, engine: Install, nowhere: Repository, tmp_path: Path
    ) -> None:
        with pytest.raises(InstallError, match=f"or fill {re.escape(str(tmp_path / 'm2'))} with Maven"):
            engine(repository=Repository(nowhere.address, tmp_path / "m2"))

    def test_is_not_taken_for_whole_when_the_compiler_failed(
        self, engine: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise EngineError("no")

        with monkeypatch.context() as patch:
            patch.setattr(Compiler, "compile", fail)
            with pytest.raises(EngineError, match="no"):
                engine()

        assert engine().engine_jar.is_file()


class TestADamagedInstall:
    def test_has_its_cut_jar_fetched_again(
        self, engine: Install, home: Home, lock: Lock, maven: Maven, heard: Heard
    ) -> None:
        jar = engine().jars[0]
        jar.write_bytes(CORE[:-1])
        maven.requests.clear()

        assert engine().jars[0].read_bytes() == CORE
        assert [request.path for request in maven.requests] == [lock.jars[0].path]
        assert heard.notes == [f"{jar} is damaged: it is fetched again"]

    def test_has_its_lost_jar_fetched_again(self, engine: Install, heard: Heard) -> None:
        jar = engine().jars[0]
        jar.unlink()

        engine()

        assert jar.read_bytes() == CORE
        assert heard.notes == []

    def test_is_not_trained_again_for_a_jar(self, engine: Install, trainer: Trainer) -> None:
        jar = engine(train=trainer).jars[0]
        before = jar.stat().st_mtime
        jar.unlink()

        assert engine(train=trainer).aot_cache is not None
        assert trainer.runs == 1
        assert jar.stat().st_mtime == before

    @pytest.mark.parametrize("name", TREES)
    def test_has_a_lost_jar_of_its_own_compiled_again(self, engine: Install, name: str) -> None:
        folder = engine().folder
        (folder / name).unlink()

        engine()

        assert (folder / name).read_text() == f"compiled {TREES[name]}"

    @pytest.mark.parametrize("name", [AOT_CACHE, TABLES])
    def test_is_trained_again_for_what_training_makes(self, engine: Install, trainer: Trainer, name: str) -> None:
        folder = engine(train=trainer).folder
        (folder / name).write_bytes(b"cut")

        installation = engine(train=trainer)

        assert trainer.runs == 2
        assert installation.aot_cache is not None
        assert installation.tables is not None

    def test_works_without_what_training_made_where_none_trains(self, engine: Install, trainer: Trainer) -> None:
        folder = engine(train=trainer).folder
        (folder / AOT_CACHE).unlink()

        assert engine().aot_cache is None

    def test_is_healed_where_its_marker_is_lost(self, engine: Install) -> None:
        folder = engine().folder
        (folder / FILE_NAME).write_text("{")

        engine()

        assert '"aot_failure": null' in (folder / FILE_NAME).read_text()


class TestVerifying:
    def test_heals_a_jar_of_the_right_size(self, engine: Install, heard: Heard) -> None:
        jar = engine().jars[0]
        fill(jar, b"x" * SIZE)
        assert engine().jars[0].read_bytes() != CORE

        engine(verify=True)

        assert jar.read_bytes() == CORE
        assert heard.notes == [f"{jar} is damaged: it is fetched again"]

    @pytest.mark.parametrize("name", TREES)
    def test_heals_a_jar_of_its_own(self, engine: Install, name: str) -> None:
        jar = engine().folder / name
        fill(jar, b"x" * jar.stat().st_size)

        engine(verify=True)

        assert jar.read_text() == f"compiled {TREES[name]}"

    def test_heals_what_training_makes(self, engine: Install, trainer: Trainer) -> None:
        folder = engine(train=trainer).folder
        (folder / AOT_CACHE).write_bytes(b"wrong")

        engine(train=trainer, verify=True)

        assert (folder / AOT_CACHE).read_bytes() == b"cache"

    def test_changes_nothing_where_nothing_is_wrong(
        self, engine: Install, nowhere: Repository, trainer: Trainer
    ) -> None:
        first = engine(train=trainer)

        assert engine(train=trainer, verify=True, repository=nowhere) == first
        assert trainer.runs == 1

    def test_finds_what_is_damaged(self, engine: Install, home: Home, trainer: Trainer) -> None:
        installation = engine(train=trainer)
        assert damaged(installation, home) == []

        fill(installation.jars[1], b"x" * SIZE)
        (installation.folder / TABLES).write_bytes(b"damage")

        assert damaged(installation, home) == [installation.jars[1], installation.folder / TABLES]


class TestATrainingThatFails:
    @pytest.fixture(autouse=True)
    def failing(self, trainer: Trainer) -> None:
        """Let the training fail."""
        trainer.error = EngineError("exit code 1\nthe last line")

    def test_leaves_an_engine_without_the_cache(self, engine: Install, trainer: Trainer) -> None:
        installation = engine(train=trainer)

        assert installation.aot_cache is None
        assert AOT_CACHE not in names(installation.folder)
        assert installation.engine_jar.is_file()

    def test_is_told_in_one_line(self, engine: Install, trainer: Trainer, heard: Heard) -> None:
        folder = engine(train=trainer).folder

        (note,) = heard.notes
        assert note == (
            "The start-up cache could not be made, so the engine takes some seconds longer to start; "
            f"`pytest-kestra engine install` tries again. exit code 1 ({folder / FILE_NAME} has the whole text)"
        )
        assert "the last line" in (folder / FILE_NAME).read_text()

    def test_is_not_repeated_by_a_plain_install(self, engine: Install, trainer: Trainer, heard: Heard) -> None:
        engine(train=trainer)
        heard.notes.clear()

        assert engine(train=trainer).aot_cache is None
        assert trainer.runs == 1
        assert heard.notes == []

    def test_is_repeated_when_verifying(self, engine: Install, trainer: Trainer) -> None:
        engine(train=trainer)
        trainer.error = None

        assert engine(train=trainer, verify=True).aot_cache is not None
        assert engine(train=trainer).aot_cache is not None
        assert trainer.runs == 2

    @pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No java"), OSError(errno.ENOSPC, "Full")])
    def test_can_fail_by_the_system(self, engine: Install, trainer: Trainer, heard: Heard, error: OSError) -> None:
        trainer.error = error

        assert engine(train=trainer).aot_cache is None
        assert str(error) in heard.notes[0]

    def test_leaves_no_damage_when_it_is_repeated(self, engine: Install, home: Home, trainer: Trainer) -> None:
        error, trainer.error = trainer.error, None
        folder = engine(train=trainer).folder
        (folder / AOT_CACHE).unlink()
        trainer.error = error

        assert damaged(engine(train=trainer), home) == []

    def test_can_have_no_text(self, engine: Install, trainer: Trainer) -> None:
        trainer.error = OSError()

        assert engine(train=trainer).aot_cache is None


class TestTwoAtOnce:
    def test_fetch_each_file_once(self, engine: Install, maven: Maven, trainer: Trainer) -> None:
        installations: list[Installation] = []
        barrier = threading.Barrier(2)

        def run() -> None:
            barrier.wait(WAIT_S)
            installations.append(engine(train=trainer))

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)

        assert len(installations) == 2
        assert installations[0] == installations[1]
        assert len(maven.requests) == 3
        assert trainer.runs == 1

    def test_the_second_waits_and_says_so(
        self, engine: Install, home: Home, heard: Heard, maven: Maven, trainer: Trainer
    ) -> None:
        waits = threading.Event()
        heard.on_note = lambda _: waits.set()
        second = threading.Thread(target=engine)

        def train(installation: Installation, cache: Path, tables: Path) -> None:
            second.start()
            assert waits.wait(WAIT_S)
            trainer(installation, cache, tables)

        engine(train=train)
        second.join(WAIT_S)

        assert not second.is_alive()
        assert len(maven.requests) == 3
