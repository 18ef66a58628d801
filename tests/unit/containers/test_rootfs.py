from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_kestra.containers.rootfs import Files, search_path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="images are made of a Linux machine's files")


def test_folder_comes_with_all_in_it_but_what_python_makes_again(tmp_path: Path) -> None:
    for name in ("a/b/c.py", "a/__pycache__/c.pyc", "a/tests/test_c.py", "a/attested.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = Files()
    found.add(tmp_path / "a")

    assert [str(path.relative_to(tmp_path)) for path in found] == ["a", "a/attested.py", "a/b", "a/b/c.py"]


def test_link_comes_with_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "program-1.2").write_text("x")
    (tmp_path / "program").symlink_to("program-1.2")
    found = Files()
    found.add(tmp_path / "program")

    assert [path.name for path in found] == ["program", "program-1.2"]


def test_file_in_a_linked_folder_is_where_the_link_leads_and_the_link_is_there(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/x.so").touch()
    (tmp_path / "lib").symlink_to("usr/lib")
    found = Files()
    found.add(tmp_path / "lib/x.so")

    assert [str(path.relative_to(tmp_path)) for path in found] == ["lib", "usr/lib/x.so"]


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    found = Files()
    found.add(tmp_path / "nothing")
    found.add_link(tmp_path)

    assert list(found) == []


def test_links_in_a_ring_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    found = Files()
    found.add(tmp_path / "a")

    assert sorted(path.name for path in found) == ["a", "b"]


def test_program_comes_with_its_libraries() -> None:
    program = shutil.which("ls")
    assert program is not None
    found = Files()
    found.add(Path(program))

    assert any(path.name.startswith("libc.") for path in found)


def test_library_of_many_programs_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "libx.so"
    told = SimpleNamespace(stdout=f"\tlibx.so => {library} (0x00007f0000000000)\n")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: told)
    added = []

    class Counting(Files):
        def add(self, path: Path) -> None:
            added.append(path)
            super().add(path)

    programs = [tmp_path / "a", tmp_path / "b"]
    for path in (*programs, library):
        path.write_bytes(b"\x7fELF")
    found = Counting()
    for path in programs:
        found.add(path)

    assert list(found) == [programs[0], library, programs[1]]
    assert added.count(library) == 1


def test_packages_are_found_where_they_are() -> None:
    assert search_path()[0] == str(Path(__file__).parents[3])
