from __future__ import annotations

import hashlib
import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pytest_kestra.engine.lock import Jar, Lock

SCRIPT = Path(__file__).parents[3] / "tools" / "make_lock.py"


@pytest.fixture(scope="module")
def make_lock() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("make_lock", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Maven:
    """Stand in for the program `mvn`: it resolves what a pom names to files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.poms: list[ET.Element] = []
        self.more: list[str] = []

    def line(self, coordinate: str, end: str = "") -> str:
        group, artifact, version = coordinate.split(":")
        jar = self.folder / f"{artifact}-{version}.jar"
        jar.write_bytes(artifact.encode())
        return f"   {group}:{artifact}:jar:{version}:compile:{jar}{end}"

    def run(self, command: list[str], *, cwd: Path, check: bool) -> None:
        assert command[0] == "mvn"
        assert check
        self.poms.append(ET.parse(cwd / "pom.xml").getroot())
        lines = ["", "The following files have been resolved:", *map(self.line, self.wanted()), *self.more, ""]
        (output,) = (word.partition("=")[2] for word in command if word.startswith("-DoutputFile="))
        Path(output).write_text("\n".join(lines), encoding="utf-8")

    def wanted(self, place: str = "dependencies") -> list[str]:
        """Return the coordinates of the dependencies that the last pom names in a place."""
        pom = "{http://maven.apache.org/POM/4.0.0}"
        names = (f"{pom}groupId", f"{pom}artifactId", f"{pom}version")
        path = "/".join(f"{pom}{name}" for name in (*place.split("/"), "dependency"))
        return [":".join(node.findtext(name, "") for name in names) for node in self.poms[-1].findall(path)]


@pytest.fixture
def mvn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maven:
    """Return what runs instead of Maven."""
    folder = tmp_path / "m2"
    folder.mkdir()
    mvn = Maven(folder)
    monkeypatch.setattr(subprocess, "run", mvn.run)
    return mvn


def jar(group: str, artifact: str, version: str) -> Jar:
    content = artifact.encode()
    return Jar(group, artifact, version, len(content), hashlib.sha256(content).hexdigest())


def test_jars_are_sorted_by_their_file_names(make_lock: ModuleType, mvn: Maven) -> None:
    jars = make_lock.resolve(["io.kestra:core:1.3.31", "com.zaxxer:HikariCP:6.3.3"])

    assert jars == (jar("com.zaxxer", "HikariCP", "6.3.3"), jar("io.kestra", "core", "1.3.31"))


def test_the_name_of_a_module_behind_the_path_is_left_out(make_lock: ModuleType, mvn: Maven) -> None:
    mvn.more = [
        mvn.line("org.slf4j:slf4j-api:2.0.17", " -- module org.slf4j"),
        mvn.line("a:b:1", " -- module b (auto)"),
    ]

    assert make_lock.resolve([]) == (jar("a", "b", "1"), jar("org.slf4j", "slf4j-api", "2.0.17"))


def test_what_is_no_jar_is_left_out(make_lock: ModuleType, mvn: Maven) -> None:
    mvn.more = ["   io.kestra:platform:pom:1.3.31:import:/platform.pom", "   none"]

    assert make_lock.resolve([]) == ()


def test_the_versions_of_a_bom_are_imported(make_lock: ModuleType, mvn: Maven) -> None:
    make_lock.resolve(["io.kestra:core:1.3.31"], bom="io.kestra:platform:1.3.31")

    assert mvn.wanted() == ["io.kestra:core:1.3.31"]
    assert mvn.wanted("dependencyManagement/dependencies") == ["io.kestra:platform:1.3.31"]


def test_coordinates_are_escaped(make_lock: ModuleType, mvn: Maven) -> None:
    mvn.line = lambda *_: ""  # type: ignore[method-assign]

    make_lock.resolve(["a:b&c:1"])

    assert mvn.wanted() == ["a:b&c:1"]


def test_a_jar_of_another_name_is_refused(make_lock: ModuleType, mvn: Maven) -> None:
    mvn.more = [mvn.line("io.netty:netty:4.1").replace(":4.1:", ":4.2:")]

    with pytest.raises(SystemExit, match=r"does not have the expected name netty-4\.2\.jar: classifiers"):
        make_lock.resolve([])


def test_a_jar_with_a_classifier_is_refused(make_lock: ModuleType, mvn: Maven) -> None:
    mvn.more = [mvn.line("io.netty:netty:4.1").replace(":4.1:", ":linux-x86_64:4.1:")]

    with pytest.raises(SystemExit, match="classifiers are not supported"):
        make_lock.resolve([])


def test_maven_that_fails_ends_the_script(make_lock: ModuleType, mvn: Maven, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: Any) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", fail)

    with pytest.raises(subprocess.CalledProcessError):
        make_lock.resolve([])


def test_the_script_writes_a_lock_that_can_be_read(
    make_lock: ModuleType,
    mvn: Maven,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_lock.py", "1.3.31", "--folder", str(tmp_path)])

    runpy.run_path(str(SCRIPT), run_name="__main__")

    file = tmp_path / "kestra-1.3.31.lock"
    lock = Lock.parse("1.3.31", file.read_bytes().decode(), "here")
    assert {jar.artifact for jar in lock.jars} == set(make_lock.MODULES)
    assert [str(tool).split(" ")[0] for tool in lock.tools] == [make_lock.COMPILER]
    assert capsys.readouterr().out == f"{file}: 7 jars and 1 tools, 0.0 MB\n"
