from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from pytest_kestra.containers import archive


def written(paths: list[Path], texts: dict[str, str] | None = None, folders: tuple[str, ...] = ()) -> tarfile.TarFile:
    stream = io.BytesIO()
    archive.write(stream, paths, texts or {}, folders)
    stream.seek(0)
    return tarfile.open(fileobj=stream)


def test_files_keep_their_paths_modes_and_times_and_belong_to_root(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_text("text")
    file.chmod(0o755)
    os.utime(file, (1_000_000_000, 1_000_000_000))
    with written([file]) as read:
        entry = read.getmember(str(file).lstrip("/"))

        assert (entry.mode, entry.mtime, entry.uid, entry.gid, entry.uname) == (0o755, 1_000_000_000, 0, 0, "root")
        content = read.extractfile(entry)
        assert content is not None
        assert content.read() == b"text"


def test_every_folder_is_there_once_and_readable_for_everybody(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o700)
    files = [tmp_path / "a/x", tmp_path / "a/y"]
    for file in files:
        file.touch()
    with written(files) as read:
        folders = [entry for entry in read if entry.isdir()]

    assert len({entry.name for entry in folders}) == len(folders)
    assert {entry.mode for entry in folders if entry.name != "tmp"} == {0o755}


def test_place_for_temporary_files_is_everybodys() -> None:
    with written([]) as read:
        assert read.getmember("tmp").mode == 0o1777


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    with written([tmp_path / "link"]) as read:
        assert read.getmember(str(tmp_path / "link").lstrip("/")).linkname == "target"


def test_texts_and_empty_folders() -> None:
    with written([], {"etc/passwd": "root:é"}, ("app/plugins",)) as read:
        content = read.extractfile("etc/passwd")
        assert content is not None
        assert content.read().decode() == "root:é"
        assert read.getmember("app/plugins").isdir()
