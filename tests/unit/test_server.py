from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

from pytest_kestra import ServerError, Settings
from pytest_kestra.containers.daemon import REMEDIES
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.engine import extra
from pytest_kestra.engine.alive import hold
from pytest_kestra.server import embedded
from pytest_kestra.server.chooser import open_server
from pytest_kestra.server.container import ContainerServer
from pytest_kestra.server.embedded import EmbeddedServer
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run
from pytest_kestra.server.started import StartedServer

VERSIONS = ("1.3", "1.3.31", "2.0", "2.0.0")


def opened(**values: object) -> object:
    run = Run.join(Path("nowhere"))
    return open_server(Settings().override(values, "test"), Equipment(), run)


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what servers are started with: packages of the extra, and Docker."""
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name in ("jpype", "rich") else object())
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.mark.usefixtures("nothing")
def test_missing_extra_names_the_ways_out() -> None:
    with pytest.raises(ServerError) as raised:
        opened(server="embedded")

    assert str(raised.value).splitlines() == [
        "The embedded engine cannot run: the extra is not installed (missing: JPype1, rich).",
        "To fix this, either:",
        '  - install the embedded engine: pip install "pytest-kestra[embedded]"',
        "  - use a container: --kestra-server=container",
        "  - use a server that runs: --kestra-server=http://localhost:8080",
    ]


@pytest.mark.usefixtures("nothing")
def test_auto_tells_what_was_tried(owned: Run) -> None:
    with pytest.raises(ServerError) as raised:
        open_server(Settings(), Equipment(), owned)

    assert str(raised.value).splitlines() == [
        "No Kestra server to run the tests on. What was tried:",
        "  - the embedded engine: the extra is not installed (missing: JPype1, rich)",
        "  - a container: No Docker engine answers at unix:///nowhere/docker.sock: its socket does not exist. Start "
        "Docker (`docker info` shows when it answers), or say with DOCKER_HOST where it is.",
        "To fix this, either:",
        '  - install the embedded engine: pip install "pytest-kestra[embedded]"',
        "  - start Docker",
        "  - use a server that runs: --kestra-server=http://localhost:8080",
    ]


@pytest.mark.usefixtures("nothing")
def test_auto_names_what_the_container_lacks(owned: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> NoReturn:
        raise ContainerError(f"The image a/b:c cannot be pulled: no network.{REMEDIES}  - bring it here")

    monkeypatch.setattr("pytest_kestra.containers.daemon.connected", refused)
    with pytest.raises(ServerError) as raised:
        open_server(Settings(), Equipment(), owned)

    assert str(raised.value).splitlines()[2:] == [
        "  - a container: The image a/b:c cannot be pulled: no network.",
        "To fix this, either:",
        '  - install the embedded engine: pip install "pytest-kestra[embedded]"',
        "  - bring it here",
        "  - use a server that runs: --kestra-server=http://localhost:8080",
    ]


@pytest.mark.parametrize("version", ["1.2", "latest"])
def test_version_without_an_official_image(version: str) -> None:
    with pytest.raises(ServerError) as raised:
        opened(server="container", version=version)

    assert str(raised.value) == (
        f"No official image is known for Kestra {version}: name a whole version with --kestra-version, such as 1.3.31, "
        "or an image with --kestra-image."
    )


@pytest.mark.usefixtures("nothing")
def test_auto_tells_that_there_is_no_official_image() -> None:
    with pytest.raises(ServerError, match=r"(?m)^  - a container: No official image is known for Kestra 1\.2: name a"):
        opened(version="1.2")


@pytest.fixture
def owned() -> Iterator[Run]:
    run = Run.create()
    yield run
    run.finish()


def test_plugin_that_is_not_there(tmp_path: Path) -> None:
    run = Run.create()
    server = EmbeddedServer(Settings(), run, Equipment(plugins=["nothing.jar"]))
    with pytest.raises(ServerError, match=r"There is no plugin 'nothing.jar'"):
        server.open()
    assert server.ending() is None
    run.finish()


def test_run_has_one_owner() -> None:
    owner = Run.create()
    member = Run.join(owner.folder)

    assert member.owner_lock == owner.owner_lock
    member.finish()
    assert owner.folder.is_dir()
    owner.finish()
    owner.finish()
    assert not owner.folder.exists()


def test_run_whose_owner_and_server_were_killed_is_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended, begun, lives, owned = (tmp_path / f"pytest-kestra-{name}" for name in ("ended", "begun", "lives", "owned"))
    (other := tmp_path / "pytest-kestra-training-x").mkdir()
    for folder in (ended, begun, lives, owned):
        folder.mkdir()
        (folder / "owner.lock").touch()
    for folder in (ended, lives, owned):
        (folder / "engine-x").mkdir()
        (folder / "engine-x" / "alive.lock").touch()
    # Runs whose owner's lock one of their servers has removed, and what else begins with that name.
    for path in ("unlocked/engine-x/plugins", "unlocked/kept", "last/kept", "source/engine-x", "source/.git", "new"):
        (tmp_path / f"pytest-kestra-{path}").mkdir(parents=True)
    others = [other, *(tmp_path / f"pytest-kestra-{name}" for name in ("source", "new"))]
    # Nothing of ours, though it is called so.
    shutil.copytree(ended, tmp_path / "elsewhere")
    (link := tmp_path / "pytest-kestra-link").symlink_to(tmp_path / "elsewhere")
    locks = [hold(lives / "engine-x"), FileLock(owned / "owner.lock").acquire().lock]

    run = Run.create()

    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "elsewhere", link, lives, owned, run.folder])
    assert list((tmp_path / "elsewhere").glob("*/*"))
    run.finish()
    for lock in locks:
        lock.release()


def test_run_without_a_place_for_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))

    with pytest.raises(ServerError, match=r"^The run cannot have a folder of its own in .*/nowhere: No such file"):
        Run.create()


@pytest.mark.parametrize("kind", [EmbeddedServer, ContainerServer])
def test_version_and_its_line_are_one_server(kind: type[StartedServer]) -> None:
    folders = {kind(Settings(version=of, reuse=True), Run.join(Path("run")), Equipment()).folder for of in VERSIONS}  # type: ignore[call-arg]

    assert len(folders) == 2


def test_warm_engine_of_other_code_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ENGINE", tmp_path)

    def folder() -> Path:
        return EmbeddedServer(Settings(reuse=True), Run.join(Path("run")), Equipment()).folder

    folders = [folder()]
    for name in ("api/app.py", "java/1.3/Queue.java", "locks/kestra-1.3.31.lock"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("other", encoding="utf-8")
        folders.append(folder())
    assert len(set(folders)) == 4
    # What Python has made of the same code.
    (tmp_path / "api" / "__pycache__").mkdir()
    (tmp_path / "api" / "__pycache__" / "app.pyc").touch()
    assert folder() == folders[-1]


@pytest.mark.parametrize("kind", [EmbeddedServer, ContainerServer])
def test_servers_differ_by_what_they_were_started_with(kind: type[StartedServer], tmp_path: Path) -> None:
    def folder(**equipment: object) -> Path:
        return kind(Settings(), Run.join(Path("run")), Equipment(**equipment)).folder  # type: ignore[call-arg, arg-type]

    jar = tmp_path / "plugin.jar"
    jar.write_bytes(b"built")
    folders = [
        *(folder(), folder(config={"a": 1}), folder(secrets={"a": "s3cret"}), folder(plugins=[str(jar)])),
        *(folder(environment={"TZ": "UTC"}), folder(volumes={"/data": "/data"})),
    ]
    jar.write_bytes(b"built anew")
    folders.append(folder(plugins=[str(jar)]))

    assert len(set(folders)) == 7
    assert folder() == folders[0]
    assert not any("s3cret" in str(folder) for folder in folders)
