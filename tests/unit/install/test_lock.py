from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_kestra.engine import lock as lock_module
from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.lock import Jar, Lock, available_versions, resolve_version

DIGEST = "ab" * 32
CORE = Jar("io.kestra", "core", "1.3.31", 12, DIGEST)
ECJ = Jar("org.eclipse.jdt", "ecj", "3.46.0", 34, DIGEST)


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which lock files are looked for."""
    monkeypatch.setattr(lock_module, "resources", SimpleNamespace(files=lambda _: tmp_path))
    folder = tmp_path / "locks"
    folder.mkdir()
    return folder


def add(locks: Path, *versions: str) -> None:
    for version in versions:
        (locks / f"kestra-{version}.lock").write_text(Lock(version, (CORE,)).dumps(), encoding="utf-8")


def test_a_jar_knows_its_place_in_a_repository() -> None:
    assert CORE.path == "io/kestra/core/1.3.31/core-1.3.31.jar"


def test_what_is_written_is_read_again() -> None:
    lock = Lock("1.3.31", (CORE,), (ECJ,))

    assert Lock.parse("1.3.31", lock.dumps(), "here") == lock


def test_a_lock_without_tools_has_no_section_for_them() -> None:
    assert "[tools]" not in Lock("1.3.31", (CORE,)).dumps().splitlines()


def test_comments_and_empty_lines_say_nothing() -> None:
    assert Lock.parse("1", f"# a comment\n\n{CORE}\n", "here").jars == (CORE,)


def test_the_fingerprint_changes_with_a_jar_and_with_a_tool() -> None:
    other = Jar("io.kestra", "core", "1.3.31", 12, "cd" * 32)
    locks = (Lock("1", (CORE,)), Lock("1", (other,)), Lock("1", (CORE,), (ECJ,)))

    assert len({lock.fingerprint for lock in locks}) == 3
    assert Lock("1", (CORE,)).fingerprint == Lock("1", (CORE,)).fingerprint


@pytest.mark.parametrize(
    "line",
    [
        "io.kestra:core 12 " + DIGEST,
        f"io.kestra:core:1.3.31 many {DIGEST}",
        "io.kestra:core:1.3.31 12 abc",
        f"io.kestra:core:1.3.31 12 {DIGEST} more",
        f"io.kestra:co/re:1.3.31 12 {DIGEST}",
    ],
)
def test_a_wrong_line_is_named_with_its_source(line: str) -> None:
    with pytest.raises(InstallError) as caught:
        Lock.parse("1", f"{CORE}\n{line}\n", "kestra-1.lock")

    assert str(caught.value).startswith("kestra-1.lock, line 2: expected `group:artifact:version size sha256`, got ")
    assert repr(line) in str(caught.value)
    assert "install pytest-kestra anew" in str(caught.value)


def test_two_jars_of_one_file_name_are_refused() -> None:
    twin = Jar("org.other", "core", "1.3.31", 1, DIGEST)

    with pytest.raises(InstallError, match=r"^here, line 3: a second jar of the name core-1\.3\.31\.jar\.$"):
        Lock.parse("1", f"{CORE}\n[tools]\n{twin}\n", "here")


@pytest.mark.parametrize("text", ["", "# nothing\n", f"[tools]\n{ECJ}\n"])
def test_a_lock_without_jars_is_refused(text: str) -> None:
    with pytest.raises(InstallError, match=r"^here: the lock file names no jar; install pytest-kestra anew\.$"):
        Lock.parse("1", text, "here")


def test_a_lock_is_read_by_its_version(locks: Path) -> None:
    add(locks, "1.3.31")

    assert Lock.read("1.3.31") == Lock("1.3.31", (CORE,))


def test_an_error_in_a_lock_file_names_the_file(locks: Path) -> None:
    file = locks / "kestra-1.3.31.lock"
    file.write_text("nonsense\n", encoding="utf-8")

    with pytest.raises(InstallError) as caught:
        Lock.read("1.3.31")

    assert str(caught.value).startswith(f"{file}, line 1: ")


def test_an_unknown_version_is_answered_with_those_there_are(locks: Path) -> None:
    add(locks, "1.3.9", "1.3.31")

    with pytest.raises(InstallError) as caught:
        Lock.read("2.0.0")

    assert "has no Kestra 2.0.0; it has: 1.3.9, 1.3.31. " in str(caught.value)
    assert "--kestra-server" in str(caught.value)


def test_versions_are_listed_oldest_first(locks: Path) -> None:
    add(locks, "1.10.0", "1.3.31", "1.3.9")
    (locks / "README.md").touch()

    assert available_versions() == ["1.3.9", "1.3.31", "1.10.0"]


def test_without_the_folder_there_is_no_version(locks: Path) -> None:
    locks.rmdir()

    assert available_versions() == []
    with pytest.raises(InstallError, match="it has: none"):
        resolve_version("1.3")


@pytest.mark.parametrize(
    ("wanted", "version"), [("1.3", "1.3.31"), ("1", "1.10.0"), ("1.3.9", "1.3.9"), ("1.10", "1.10.0")]
)
def test_a_line_means_its_newest_version(locks: Path, wanted: str, version: str) -> None:
    add(locks, "1.3.9", "1.3.31", "1.10.0")

    assert resolve_version(wanted) == version


@pytest.mark.parametrize("wanted", ["1.1", "1.3.3", "2", ""])
def test_a_line_is_not_a_prefix_of_characters(locks: Path, wanted: str) -> None:
    add(locks, "1.3.31", "1.10.0")

    with pytest.raises(InstallError, match=r"it has: 1\.3\.31, 1\.10\.0"):
        resolve_version(wanted)
