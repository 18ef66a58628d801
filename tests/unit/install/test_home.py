from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import platformdirs
import pytest

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.home import DISK_FULL, Home, writing
from pytest_kestra.engine.lock import Jar
from tests.waits import WAIT_S

if TYPE_CHECKING:
    from tests.unit.install.conftest import Heard


def test_the_environment_names_the_home(tmp_path: Path) -> None:
    assert Home.configured({"PYTEST_KESTRA_HOME": str(tmp_path)}).root == tmp_path


@pytest.mark.parametrize("environ", [{}, {"PYTEST_KESTRA_HOME": ""}])
def test_the_home_is_the_systems_place_for_caches(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name, *, appauthor: tmp_path / f"{name} {appauthor}")

    assert Home.configured(environ).root == tmp_path / "pytest-kestra False"


def test_home_of_nobody_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        InstallError, match=r"home folder that ~nobody-here/cache begins with\. Set PYTEST_KESTRA_HOME to"
    ):
        Home.configured({"PYTEST_KESTRA_HOME": "~nobody-here/cache"})


def test_a_user_without_a_home_folder_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has a number only."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)

    with pytest.raises(InstallError, match=r"home folder of this user\. Set PYTEST_KESTRA_HOME to a whole path"):
        Home.configured({})


def test_a_home_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert Home(Path("cache")).root == tmp_path / "cache"
    assert Home(Path("~/cache")).root == tmp_path / "user" / "cache"


def test_jars_are_shared_and_engines_are_not(home: Home) -> None:
    jar = Jar("io.kestra", "core", "1.3.31", 1, "ab" * 32)

    assert home.jar(jar) == home.root / "jars" / "core-1.3.31.jar"
    assert home.engine("1.3.31", "0123456789abcdef") == home.root / "engines" / "1.3.31-0123456789ab"


def test_the_text_of_a_home_is_its_folder(home: Home) -> None:
    assert str(home) == str(home.root)


def test_whoever_comes_first_does_not_wait(home: Home, heard: Heard) -> None:
    with home.alone("install", heard):
        pass

    assert heard.notes == []


def test_whoever_comes_second_says_that_it_waits(home: Home, heard: Heard) -> None:
    waits = threading.Event()
    order = []

    def hear(text: str) -> None:
        heard.notes.append(text)
        waits.set()

    def second() -> None:
        with home.alone("install", heard):
            order.append("second")

    heard.on_note = hear
    thread = threading.Thread(target=second)
    with home.alone("install", heard):
        thread.start()
        assert waits.wait(WAIT_S)
        order.append("first")
    thread.join(WAIT_S)

    assert order == ["first", "second"]
    assert heard.notes == [f"Waiting for another process that works in {home}"]


def test_different_work_is_done_at_the_same_time(home: Home, heard: Heard) -> None:
    with home.alone("install", heard), home.alone("plugins", heard):
        pass

    assert heard.notes == []


def test_the_next_may_enter_after_an_error(home: Home, heard: Heard) -> None:
    with pytest.raises(ZeroDivisionError), home.alone("install", heard):
        raise ZeroDivisionError

    with home.alone("install", heard):
        pass

    assert heard.notes == []


def test_a_home_that_is_a_file_is_told(home: Home, heard: Heard) -> None:
    home.root.write_text("not a folder")

    with pytest.raises(InstallError, match=r"^Cannot write to ") as caught, home.alone("install", heard):
        pass

    assert str(home.locks) in str(caught.value)
    assert "set PYTEST_KESTRA_HOME to a folder that is" in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_home_that_can_only_be_read_is_told(home: Home, heard: Heard) -> None:
    home.root.mkdir(mode=0o500)

    with pytest.raises(InstallError, match="Permission denied"), home.alone("install", heard):
        pass


@pytest.mark.parametrize("code", DISK_FULL)
def test_a_full_disk_is_told_in_megabytes(code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_500_000))

    with pytest.raises(InstallError) as caught, writing(tmp_path, 86_000_000):
        raise OSError(code, "full")

    assert str(caught.value) == (
        f"The disk of {tmp_path} is full: 86.0 MB are needed, 1.5 MB are free. "
        "Make room, or set PYTEST_KESTRA_HOME to a folder on another disk; what was downloaded is kept."
    )


def test_a_disk_that_does_not_tell_its_room_is_told_without(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="too few are free"), writing(tmp_path / "missing", 1):
        raise OSError(errno.ENOSPC, "full")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (lambda: PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (lambda: OSError("odd"), "odd"),
    ],
)
def test_what_the_system_has_against_writing_is_told(error: Callable[[], OSError], reason: str, tmp_path: Path) -> None:
    with pytest.raises(InstallError) as caught, writing(tmp_path):
        raise error()

    assert str(caught.value).startswith(f"Cannot write to {tmp_path}: {reason}. ")
    assert isinstance(caught.value.__cause__, OSError)


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        raise ZeroDivisionError
