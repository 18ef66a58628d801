from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.runtime import Runtime
from pytest_kestra.engine.training import FLOW, LOG_LINES, MAIN, MORE, TIMEOUT_S, train


class Java:
    """Stand in for the Java program: remember what it was given, and make files."""

    def __init__(self, makes: tuple[Path, ...]) -> None:
        self.makes = makes
        self.exit_code = 0
        self.output = ""
        self.error: Exception | None = None
        self.command: list[str] = []
        self.files: dict[str, str] = {}
        self.folder = Path()

    def run(self, command: list[str], *, cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:
        if self.error:
            raise self.error
        self.command, self.folder = command, cwd
        self.files = {file.name: file.read_text(encoding="utf-8") for file in cwd.iterdir() if file.is_file()}
        for file in self.makes:
            file.touch()
        return subprocess.CompletedProcess(command, self.exit_code, self.output)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return where the AOT cache goes."""
    return tmp_path / "kestra.aot"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Return where the tables go."""
    return tmp_path / "tables.sql"


@pytest.fixture
def java(cache: Path, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Java:
    """Return what runs instead of Java."""
    java = Java((cache, tables))
    monkeypatch.setattr(subprocess, "run", java.run)
    monkeypatch.setattr(Runtime, "find", lambda: Runtime(tmp_path / "java", tmp_path / "libjvm.so", "25"))
    return java


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Return an engine with two jars."""
    return Installation(
        version="1.3.31",
        folder=tmp_path,
        jars=[tmp_path / "core.jar", tmp_path / "h2.jar"],
        scripts_jar=tmp_path / "scripts.jar",
        engine_jar=tmp_path / "engine.jar",
        aot_cache=None,
        tables=None,
        jvm=tmp_path / "libjvm.so",
    )


def test_java_is_told_what_to_make(java: Java, installation: Installation, cache: Path, tables: Path) -> None:
    train(installation, cache, tables)

    program, *_, main, properties, flow, target = java.command
    assert program == str(installation.folder / "java")
    assert f"-XX:AOTCacheOutput={cache}" in java.command
    assert (main, target) == (MAIN, str(tables))
    assert (Path(properties).name, Path(flow).name) == ("properties.json", "flow.yaml")
    assert java.files["flow.yaml"] == FLOW + MORE["1.3"]


def test_the_class_path_is_in_a_file(java: Java, installation: Installation, cache: Path, tables: Path) -> None:
    train(installation, cache, tables)

    names = ("engine.jar", "core.jar", "h2.jar")
    class_path = os.pathsep.join(str(installation.folder / name) for name in names)
    assert f"@{java.folder / 'arguments'}" in java.command
    assert java.files["arguments"] == '-cp "{}"'.format(class_path.replace("\\", "\\\\"))
    assert all("core.jar" not in word for word in java.command)


def test_no_key_is_on_the_command_line_or_left_behind(
    java: Java, installation: Installation, cache: Path, tables: Path
) -> None:
    train(installation, cache, tables)

    key = json.loads(java.files["properties.json"])["kestra.encryption.secret-key"]
    assert key not in " ".join(java.command) + java.files["arguments"]
    assert not java.folder.exists()


def test_the_tables_are_made_anew(java: Java, installation: Installation, cache: Path, tables: Path) -> None:
    train(installation, cache, tables)

    assert json.loads(java.files["properties.json"])["flyway.enabled"] is True


def test_the_flow_of_the_training_run_is_one() -> None:
    assert {yaml.safe_load(FLOW + more)["id"] for more in MORE.values()} == {"training"}


def test_a_run_that_fails_is_told_with_its_last_lines(
    java: Java, installation: Installation, cache: Path, tables: Path
) -> None:
    java.exit_code = 1
    java.output = "\n".join(f"line {number}" for number in range(100))

    with pytest.raises(EngineError) as caught:
        train(installation, cache, tables)

    first, *others = str(caught.value).splitlines()
    assert first == "The training run ended with exit code 1."
    assert others == [f"line {number}" for number in range(100 - LOG_LINES, 100)]


@pytest.mark.parametrize(("made", "missing"), [((), "kestra.aot and tables.sql"), (("kestra.aot",), "tables.sql")])
def test_a_run_that_does_not_make_everything_has_failed(
    java: Java, installation: Installation, cache: Path, tables: Path, made: tuple[str, ...], missing: str
) -> None:
    java.makes = tuple(installation.folder / name for name in made)

    with pytest.raises(EngineError, match=rf"^The training run ended with exit code 0, without {missing}\.\n"):
        train(installation, cache, tables)


def test_a_run_that_does_not_end_is_told(java: Java, installation: Installation, cache: Path, tables: Path) -> None:
    java.error = subprocess.TimeoutExpired("java", TIMEOUT_S)

    with pytest.raises(EngineError, match="was not done after 480 s"):
        train(installation, cache, tables)
