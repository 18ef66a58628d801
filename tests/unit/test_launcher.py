"""What the engine's process is started with."""

from __future__ import annotations

import errno
import json
import locale
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pytest_kestra.engine import jvm, launcher
from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.launcher import Launch


class Spawned:
    """Stand for the process that would be started: take note of what it is told."""

    orders: dict[str, Any] | None = None
    environment: ClassVar[dict[str, str]] = {}

    def __init__(self, **values: Any) -> None:
        self.values = values

    def start(self) -> None:
        Spawned.orders = json.loads(self.values["orders"]("engine.log"))
        Spawned.environment = self.values["environment"]


@pytest.fixture(autouse=True)
def _spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spawned, "orders", None)
    monkeypatch.setattr(launcher, "Spawn", Spawned)


def launch(tmp_path: Path, *plugins: Path, **values: Any) -> Launch:
    jar = tmp_path / "kestra.jar"
    installation = Installation("1.3.31", tmp_path, [jar], jar, jar, None, None, tmp_path / "libjvm.so")
    return Launch(installation, tmp_path / "engine", plugins=plugins, **values)


def jar(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("text", text)
    return path


def test_plugins_of_one_name_are_beside_each_other(tmp_path: Path) -> None:
    ours = [jar(tmp_path / folder / "our.jar", folder) for folder in ("a", "b", "c")]
    (tmp_path / "engine" / "plugins").mkdir(parents=True)
    (tmp_path / "engine" / "plugins" / "of-an-earlier-start.jar").touch()

    launch(tmp_path, *ours, ours[0]).start()

    assert Spawned.orders is not None
    folder = Path(Spawned.orders["plugins"])
    copies = {file.name: zipfile.ZipFile(file).read("text").decode() for file in folder.iterdir()}
    assert copies == {"our.jar": "a", "our-2.jar": "b", "our-3.jar": "c"}


@pytest.mark.parametrize(("owner_lock", "variable"), [(Path("owner.lock"), "TMPDIR"), (None, "PYTEST_KESTRA_HOME")])
def test_disk_that_has_no_room_for_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner_lock: Path | None, variable: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(InstallError, match=rf"^The disk of .*/engine is full: .* or set {variable} to a folder on"):
        launch(tmp_path, jar(tmp_path / "a" / "our.jar", ""), owner_lock=owner_lock).start()

    assert Spawned.orders is None


def environment(tmp_path: Path) -> dict[str, str]:
    launch(tmp_path).start()
    return Spawned.environment


@pytest.mark.skipif(sys.platform == "win32", reason="a script of a shell")
@pytest.mark.parametrize("name", ["python3", "python 3.99"])
def test_python_of_scripts_is_the_one_of_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also where it is called `python3` only, as on many systems, or another one is called `python` beside it."""
    system = tmp_path / "usr bin"
    system.mkdir()
    (system / name).symlink_to(sys.executable)
    (system / "python").write_text("#!/bin/sh\necho another\n", encoding="utf-8")
    (system / "python").chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(system / name))
    monkeypatch.setenv("PATH", f"{system}:/usr/bin:/bin")

    path = environment(tmp_path)["PATH"]

    assert path.split(":")[1:] == [str(system), "/usr/bin", "/bin"]
    for program in ("python", "python3"):
        command = [program, "-c", "import sys; print(sys.argv[1:])", "a b"]
        found = shutil.which(program, path=path)
        assert found is not None
        told = subprocess.run([found, *command[1:]], capture_output=True, text=True, check=True)
        assert told.stdout == "['a b']\n"


def test_programs_beside_python_are_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin")
    folder = Path(sys.executable).parent
    if not (folder / "python").exists():
        pytest.skip("this Python has another name")

    assert environment(tmp_path)["PATH"] == os.pathsep.join([str(folder), "/bin"])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Java does not ask the locale")
@pytest.mark.parametrize(("codes", "told"), [("ANSI_X3.4-1968", "C.UTF-8"), ("UTF-8", "de_DE")])
def test_java_is_told_of_utf8_where_the_locale_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: str, told: str
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE")
    monkeypatch.setattr(locale, "nl_langinfo", lambda _: codes)

    assert environment(tmp_path)["LC_ALL"] == told


@pytest.mark.parametrize("name", ["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"])
def test_of_options_for_all_virtual_machines_properties_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    options = "-XX:+UseG1GC -Xmx9g -javaagent:/a.jar -Dhttps.proxyHost=proxy '-Da=b c' -Duser.timezone=Asia/Tokyo"
    monkeypatch.setenv(name, options)
    assert environment(tmp_path)[name] == "-Dhttps.proxyHost=proxy '-Da=b c'"
    monkeypatch.setenv(name, "-Xmx9g '")
    assert name not in environment(tmp_path)
    assert name not in jvm.plain(os.environ)
