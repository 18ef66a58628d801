from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_kestra.engine import files
from pytest_kestra.engine.files import CHANGED, digest, intact, stamp

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of five bytes."""
    file = tmp_path / "hello.txt"
    file.write_bytes(b"hello")
    return file


def test_a_digest_is_read_in_blocks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 2)

    assert digest(file) == HELLO
    assert digest(file, "sha1") == "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"


def test_a_stamped_file_looks_as_old_as_all_others(file: Path) -> None:
    stamp(file)

    assert file.stat().st_mtime == CHANGED


def test_a_file_is_intact_by_its_size_alone(file: Path) -> None:
    assert intact(file, 5)
    assert not intact(file, 6)


def test_a_file_is_intact_by_its_digest_if_one_is_given(file: Path) -> None:
    assert intact(file, 5, HELLO)
    assert not intact(file, 5, "00" * 32)


def test_a_missing_file_is_not_intact(tmp_path: Path) -> None:
    assert not intact(tmp_path / "missing", 0)


def test_the_time_of_an_intact_file_is_set_right(file: Path) -> None:
    assert intact(file, 5)

    assert file.stat().st_mtime == CHANGED


def test_the_time_of_a_damaged_file_is_left_alone(file: Path) -> None:
    os.utime(file, (1, 1))

    assert not intact(file, 6)
    assert file.stat().st_mtime == 1


def test_a_file_that_can_only_be_read_is_intact_all_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)

    assert intact(file, 5)
