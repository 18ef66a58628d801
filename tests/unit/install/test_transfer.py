from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.files import CHANGED
from pytest_kestra.engine.lock import Jar
from pytest_kestra.engine.remote import RETRIES, Remote
from pytest_kestra.engine.repository import Repository
from pytest_kestra.engine.transfer import Item, StoppedError, Transfer

if TYPE_CHECKING:
    from tests.unit.install.conftest import Maven

CONTENT = bytes(range(256)) * 8
SIZE = len(CONTENT)


@pytest.fixture
def jar(maven: Maven) -> Jar:
    """Return a jar that the repository has."""
    return maven.publish("core", CONTENT)


@pytest.fixture
def item(jar: Jar, tmp_path: Path) -> Item:
    """Return what is known of that jar, and where it shall go."""
    return Item(jar.path, tmp_path / "core.jar", jar.sha256, jar.size)


@pytest.fixture
def reports() -> list[int]:
    """Return the numbers of bytes that a transfer reported."""
    return []


@pytest.fixture
def transfer(item: Item, remote: Remote, reports: list[int]) -> Transfer:
    """Return the transfer of the jar."""
    return Transfer(item, remote, Event(), reports.append, SIZE)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_arrives_whole(transfer: Transfer, item: Item, reports: list[int]) -> None:
    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert item.target.stat().st_mtime == CHANGED
    assert not item.part.exists()
    assert sum(reports) == SIZE


def test_a_file_of_unknown_size_arrives(transfer: Transfer, item: Item, maven: Maven) -> None:
    transfer.item = Item(item.path, item.target, hashlib.sha1(CONTENT).hexdigest(), algorithm="sha1")

    transfer.run()

    assert item.target.read_bytes() == CONTENT


def test_a_damaged_file_is_replaced(transfer: Transfer, item: Item) -> None:
    item.target.write_bytes(b"damaged")

    transfer.run()

    assert item.target.read_bytes() == CONTENT


def test_an_answer_that_breaks_off_is_resumed(transfer: Transfer, item: Item, maven: Maven, reports: list[int]) -> None:
    maven.cut(item.path, after=1000)
    maven.cut(item.path, after=500)

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert maven.asked(item.path) == [None, "bytes=1000-", "bytes=1500-"]
    assert sum(reports) == SIZE


def test_a_transfer_that_gets_further_is_never_given_up(transfer: Transfer, item: Item, maven: Maven) -> None:
    maven.cut(item.path, after=100, times=RETRIES * 3)

    transfer.run()

    assert item.target.read_bytes() == CONTENT


def test_what_an_earlier_run_left_is_resumed(transfer: Transfer, item: Item, maven: Maven, reports: list[int]) -> None:
    item.part.write_bytes(CONTENT[:700])

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert maven.asked(item.path) == ["bytes=700-"]
    assert reports[0] == 700
    assert sum(reports) == SIZE


def test_what_an_earlier_run_left_whole_is_used(transfer: Transfer, item: Item, maven: Maven) -> None:
    item.part.write_bytes(CONTENT)

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert maven.requests == []


def test_what_is_whole_but_of_unknown_size_is_asked_for_no_more_than_once(
    transfer: Transfer, item: Item, maven: Maven
) -> None:
    transfer.item = Item(item.path, item.target, item.digest)
    item.part.write_bytes(CONTENT)

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert maven.asked(item.path) == [f"bytes={SIZE}-"]


@pytest.mark.parametrize("left", [b"x" * 700, b"x" * SIZE, b"x" * (SIZE + 1)], ids=["part", "whole", "too long"])
def test_wrong_bytes_that_an_earlier_run_left_are_replaced(
    transfer: Transfer, item: Item, reports: list[int], left: bytes
) -> None:
    item.part.write_bytes(left)

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert sum(reports) == SIZE


def test_a_server_that_knows_no_ranges_sends_everything_again(
    transfer: Transfer, item: Item, maven: Maven, reports: list[int]
) -> None:
    maven.ranges = False
    maven.cut(item.path, after=1000)

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert maven.asked(item.path) == [None, "bytes=1000-"]
    assert sum(reports) == SIZE


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_is_asked_again(transfer: Transfer, item: Item, maven: Maven, status: int) -> None:
    maven.fail(item.path, status, times=RETRIES)

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert len(maven.requests) == RETRIES + 1


def test_a_server_that_stays_busy_is_given_up(transfer: Transfer, item: Item, maven: Maven) -> None:
    maven.fail(item.path, 503, times=RETRIES + 1)

    with pytest.raises(InstallError) as caught:
        transfer.run()

    assert str(caught.value) == (
        f"{item.path} could not be downloaded from {maven.address}: it answered 503 Service Unavailable. "
        "Set PYTEST_KESTRA_REPOSITORY to a mirror that can be reached, or do without."
    )
    assert len(maven.requests) == RETRIES + 1


def test_an_answer_that_always_breaks_off_at_the_same_place_is_given_up(
    transfer: Transfer, item: Item, maven: Maven
) -> None:
    maven.ranges = False
    maven.cut(item.path, after=1000, times=100)

    with pytest.raises(InstallError, match="could not be downloaded"):
        transfer.run()

    assert item.part.read_bytes() == CONTENT[:1000]
    assert not item.target.exists()


@pytest.mark.parametrize(("status", "text"), [(404, "does not have"), (401, "refuses access"), (418, "unexpected")])
def test_what_will_not_change_is_not_tried_again(
    transfer: Transfer, item: Item, maven: Maven, status: int, text: str
) -> None:
    maven.fail(item.path, status)

    with pytest.raises(InstallError, match=text):
        transfer.run()

    assert len(maven.requests) == 1
    assert not item.target.exists()


def test_wrong_bytes_are_fetched_a_second_time(
    transfer: Transfer, item: Item, maven: Maven, reports: list[int]
) -> None:
    maven.swap(item.path, b"x" * SIZE)

    transfer.run()

    assert item.target.read_bytes() == CONTENT
    assert sum(reports) == SIZE


@pytest.mark.parametrize("wrong", [b"x" * SIZE, b"<html>", b"x" * (SIZE + 9)], ids=["same size", "short", "long"])
def test_wrong_bytes_twice_are_deleted_and_told(transfer: Transfer, item: Item, maven: Maven, wrong: bytes) -> None:
    maven.swap(item.path, wrong, times=2)

    with pytest.raises(InstallError) as caught:
        transfer.run()

    assert str(caught.value) == (
        f"{item.path} from {maven.address} is not the right file: expected {SIZE} bytes and sha256 {item.digest}, "
        f"got {len(wrong)} bytes and {hashlib.sha256(wrong).hexdigest()}, twice. It was deleted. "
        "A proxy or mirror may have changed it: set PYTEST_KESTRA_REPOSITORY to a repository that serves the original."
    )
    assert not item.target.exists()
    assert not item.part.exists()


def test_too_long_an_answer_is_not_read_to_its_end(transfer: Transfer, item: Item, maven: Maven) -> None:
    maven.swap(item.path, b"x" * 40_000_000)

    transfer.run()

    assert "got 40000000 bytes" not in transfer.wrong
    assert item.target.read_bytes() == CONTENT


def test_wrong_bytes_of_unknown_size_are_told_without_one(transfer: Transfer, item: Item, maven: Maven) -> None:
    transfer.item = Item(item.path, item.target, item.digest)
    maven.swap(item.path, b"wrong", times=2)

    with pytest.raises(InstallError, match=f"expected sha256 {item.digest}, got 5 bytes"):
        transfer.run()


def test_a_full_disk_is_told_and_leaves_nothing(
    transfer: Transfer, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(InstallError, match=r"is full: 0\.0 MB are needed, .* MB are free"):
        transfer.run()

    assert not item.part.exists()
    assert not item.target.exists()


def test_a_transfer_stops_when_it_is_told_to(transfer: Transfer, item: Item) -> None:
    transfer.stopped.set()

    with pytest.raises(StoppedError):
        transfer.run()

    assert not item.target.exists()


def test_a_transfer_stops_before_it_is_tried_again(transfer: Transfer, item: Item, maven: Maven) -> None:
    maven.fail(item.path, 503)
    transfer.stopped.set()

    with pytest.raises(StoppedError):
        transfer.run()

    assert len(maven.requests) == 1


class TestALocalRepository:
    @pytest.fixture
    def repository(self, maven: Maven, tmp_path: Path) -> Repository:
        """Return a repository with a local one."""
        return Repository(maven.address, tmp_path / "m2")

    @pytest.fixture
    def local(self, jar: Jar, maven: Maven, tmp_path: Path) -> Path:
        """Return the jar in the local repository."""
        return maven.local(tmp_path / "m2") / jar.path

    def test_is_used_first(self, local: Path, transfer: Transfer, item: Item, maven: Maven, reports: list[int]) -> None:
        transfer.run()

        assert item.target.read_bytes() == CONTENT
        assert local.read_bytes() == CONTENT
        assert maven.requests == []
        assert sum(reports) == SIZE

    def test_is_ignored_where_its_file_is_wrong(
        self, local: Path, transfer: Transfer, item: Item, maven: Maven
    ) -> None:
        local.write_bytes(b"x" * SIZE)

        transfer.run()

        assert item.target.read_bytes() == CONTENT
        assert len(maven.requests) == 1

    def test_is_ignored_where_it_lacks_the_file(
        self, local: Path, transfer: Transfer, item: Item, maven: Maven
    ) -> None:
        local.unlink()

        transfer.run()

        assert item.target.read_bytes() == CONTENT
        assert len(maven.requests) == 1

    def test_does_not_help_where_the_disk_is_full(
        self, local: Path, transfer: Transfer, item: Item, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Path, "write_bytes", full)

        with pytest.raises(InstallError, match="is full"):
            transfer.run()

        assert not item.target.exists()
