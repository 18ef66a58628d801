from __future__ import annotations

import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.engine import download as download_module
from pytest_kestra.engine.download import download
from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.remote import CONNECTIONS
from pytest_kestra.engine.repository import Repository
from pytest_kestra.engine.transfer import Item, Transfer
from tests.waits import WAIT_S

if TYPE_CHECKING:
    from tests.unit.install.conftest import Heard, Maven


@pytest.fixture
def items(maven: Maven, tmp_path: Path) -> list[Item]:
    """Return more files than there are connections, of 1, 2, 3 … bytes."""
    jars = [maven.publish(f"jar-{number}", b"x" * number) for number in range(1, CONNECTIONS + 3)]
    return [Item(jar.path, tmp_path / "jars" / jar.file_name, jar.sha256, jar.size) for jar in jars]


def test_all_files_arrive(items: list[Item], repository: Repository, heard: Heard, maven: Maven) -> None:
    download(items, repository, heard, "Fetching", "or do without")

    total = sum(range(1, CONNECTIONS + 3))
    assert [len(item.target.read_bytes()) for item in items] == [item.size for item in items]
    assert heard.transfers == [("Fetching", total)]
    assert heard.received == total
    assert len(maven.requests) == len(items)


def test_nothing_to_fetch_needs_no_network(nowhere: Repository, heard: Heard) -> None:
    download([], nowhere, heard, "Fetching", "or do without")

    assert heard.transfers == []


def test_the_first_error_is_raised_and_whole_files_stay(
    items: list[Item], repository: Repository, heard: Heard, maven: Maven
) -> None:
    maven.fail(items[-1].path, 404)

    with pytest.raises(InstallError, match=r"does not have .* or do without\.$"):
        download(items, repository, heard, "Fetching", "or do without")

    assert not items[-1].target.exists()
    for item in items:
        assert not item.target.exists() or len(item.target.read_bytes()) == item.size


def test_after_an_error_nothing_more_is_begun(
    items: list[Item], repository: Repository, heard: Heard, maven: Maven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "CONNECTIONS", 1)
    maven.fail(items[0].path, 404)

    with pytest.raises(InstallError):
        download(items, repository, heard, "Fetching", "or do without")

    assert len(maven.requests) == 1


def test_after_ctrl_c_the_threads_stop(
    items: list[Item], repository: Repository, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[threading.Event] = []

    def run(self: Transfer) -> None:
        stopped.append(self.stopped)
        self.report(1)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Transfer, "run", run)
    monkeypatch.setattr(heard, "advance", interrupt)

    with pytest.raises(KeyboardInterrupt):
        download(items, repository, heard, "Fetching", "or do without")

    assert stopped[0].is_set()


def test_silence_is_waited_through(
    items: list[Item], repository: Repository, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(range(4))
    enough = threading.Event()

    class Events(SimpleQueue[object]):
        def get(self, block: bool = True, timeout: float | None = None) -> object:
            if next(looks, None) is None:
                enough.set()
                return super().get(timeout=WAIT_S)
            return super().get(timeout=0.001)

    def run(_: Transfer) -> None:
        assert enough.wait(WAIT_S)

    monkeypatch.setattr(download_module, "queue", SimpleNamespace(SimpleQueue=Events, Empty=Empty))
    monkeypatch.setattr(Transfer, "run", run)

    download(items, repository, heard, "Fetching", "or do without")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, repository: Repository, heard: Heard) -> None:
    (tmp_path / "file").touch()
    item = Item("core.jar", tmp_path / "file" / "core.jar", "ab" * 32, 1)

    with pytest.raises(InstallError, match=r"^Cannot write to .*file"):
        download([item], repository, heard, "Fetching", "or do without")
