from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from pytest_kestra import ServerError, Settings
from pytest_kestra.engine import extra
from pytest_kestra.engine.alive import hold
from pytest_kestra.server.chooser import open_server
from pytest_kestra.server.embedded import EmbeddedServer
from pytest_kestra.server.existing import ExistingServer
from pytest_kestra.server.run import Run
from tests.unit.conftest import Stub


def opened(**values: object) -> object:
    run = Run.join(Path("nowhere"))
    return open_server(Settings().override(values, "test"), config={}, secrets={}, plugins=(), run=run)


@pytest.mark.parametrize(
    ("server", "first"),
    [
        ("auto", "No Kestra server to run the tests on: the extra is not installed (missing: JPype1, rich)."),
        ("embedded", "The embedded engine cannot run: the extra is not installed (missing: JPype1, rich)."),
    ],
)
def test_missing_extra_names_the_ways_out(monkeypatch: pytest.MonkeyPatch, server: str, first: str) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name in ("jpype", "rich") else object())

    with pytest.raises(ServerError) as raised:
        opened(server=server)

    assert str(raised.value).splitlines() == [
        first,
        "To fix this, either:",
        '  - install the embedded engine: pip install "pytest-kestra[embedded]"',
        "  - use a server that runs: --kestra-server=http://localhost:8080",
    ]


def test_existing_server_tells_its_version(stub: Stub) -> None:
    stub.on("GET", "/api/v1/configs", json.dumps({"version": "1.3.19"}))

    server = opened(server=stub.url, token="t0ken", tenant="team")

    assert isinstance(server, ExistingServer)
    assert (server.address.version, server.address.tenant) == ("1.3.19", "team")
    assert stub.asked[0].headers["Authorization"] == "Bearer t0ken"
    assert (server.kind, server.capabilities, server.log_tail()) == ("url", frozenset({"pages"}), "")
    assert server.ending() is None
    server.close()


def test_existing_server_without_a_user_that_wants_one(stub: Stub) -> None:
    stub.on("GET", "/api/v1/configs", json.dumps({"version": "1.3.19"}))
    stub.on("GET", "/api/v1/main/flows/search", "", 401)
    with pytest.raises(
        ServerError, match=r"refused who gives no user \(401\)\.\nSet the credentials in PYTEST_KESTRA_USER"
    ):
        opened(server=stub.url)


def test_proxy_before_a_server_that_wants_a_user(stub: Stub) -> None:
    stub.on("GET", "/api/v1/configs", "", 401)
    with pytest.raises(ServerError, match=r"refused user 'ada' \(401\)\."):
        opened(server=stub.url, user="ada", password="wrong")


def test_something_else_than_kestra(stub: Stub) -> None:
    stub.on("GET", "/api/v1/configs", "<html>", 200)
    with pytest.raises(ServerError, match=r"is not Kestra: /api/v1/configs gave status 200\."):
        opened(server=stub.url)


def test_plugin_that_is_not_there(tmp_path: Path) -> None:
    run = Run.create()
    server = EmbeddedServer(Settings(), run, config={}, secrets={}, plugins=["nothing.jar"])
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
    for folder in (ended, begun, lives, owned):
        folder.mkdir()
        (folder / "owner.lock").touch()
    for folder in (ended, lives, owned):
        (folder / "engine-x").mkdir()
        (folder / "engine-x" / "alive.lock").touch()
    # Nothing of ours, though it is called so.
    shutil.copytree(ended, tmp_path / "elsewhere")
    (link := tmp_path / "pytest-kestra-link").symlink_to(tmp_path / "elsewhere")
    locks = [hold(lives / "engine-x"), FileLock(owned / "owner.lock").acquire().lock]

    run = Run.create()

    assert sorted(tmp_path.iterdir()) == sorted([begun, tmp_path / "elsewhere", link, lives, owned, run.folder])
    assert list((tmp_path / "elsewhere").glob("*/*"))
    run.finish()
    for lock in locks:
        lock.release()


def test_run_without_a_place_for_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))

    with pytest.raises(ServerError, match=r"^The run cannot have a folder of its own in .*/nowhere: No such file"):
        Run.create()


def test_engines_differ_by_what_they_were_started_with() -> None:
    run = Run.join(Path("run"))
    folders = {
        EmbeddedServer(Settings(), run, config=config, secrets=secrets, plugins=plugins).folder
        for config, secrets, plugins in (({}, {}, ()), ({"a": 1}, {}, ()), ({}, {"a": "s3cret"}, ()), ({}, {}, ("x",)))
    }

    assert len(folders) == 4
    assert not any("s3cret" in str(folder) for folder in folders)
