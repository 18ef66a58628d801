"""What the engine's process is started with."""

from __future__ import annotations

import errno
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.engine import launcher
from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.launcher import Launch


class Spawned:
    """Stand for the process that would be started: take note of what it is told."""

    orders: dict[str, Any] | None = None

    def __init__(self, **values: Any) -> None:
        self.values = values

    def start(self) -> None:
        Spawned.orders = json.loads(self.values["orders"]("engine.log"))


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
