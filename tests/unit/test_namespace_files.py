from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError
from pytest_kestra.run.file import File
from pytest_kestra.run.files import NamespaceFiles
from tests.unit.conftest import Stub

PATH = "/api/v1/main/namespaces/a.b/files"


@pytest.fixture
def files(client: Client) -> NamespaceFiles:
    return NamespaceFiles("a.b", client)


@pytest.mark.parametrize("content", ["select 1", b"select 1", File("nsfile:///x", b"select 1")])
def test_content_of_any_kind_is_stored(stub: Stub, files: NamespaceFiles, content: Any) -> None:
    stub.on("POST", PATH, "")
    files["scripts/a.sql"] = content

    (asked,) = stub.asked
    assert asked.path.endswith("?path=%2Fscripts%2Fa.sql")
    assert 'name="fileContent"; filename="file"' in asked.body  # whatever it is called, Kestra unpacks nothing
    assert "\r\n\r\nselect 1\r\n" in asked.body


def test_file_is_read(stub: Stub, files: NamespaceFiles) -> None:
    stub.on("GET", PATH, "select 1")

    assert files["/a.sql"] == File("nsfile:///a.sql", b"select 1")
    assert files["a.sql"].text() == "select 1"


def test_files_are_listed_and_deleted(stub: Stub, files: NamespaceFiles) -> None:
    stub.on("GET", f"{PATH}/search", '["/b.sql", "/a/x.sql"]')
    stub.on("DELETE", PATH, "[]")
    del files["b.sql"]

    assert (list(files), len(files)) == (["a/x.sql", "b.sql"], 2)
    assert [asked.path for asked in stub.asked if asked.method == "DELETE"] == [f"{PATH}?path=%2Fb.sql"]


def test_files_that_are_not_there(stub: Stub, files: NamespaceFiles, tmp_path: Path) -> None:
    stub.on("GET", f"{PATH}/search", "[]")

    with pytest.raises(KeyError):
        files["a.sql"]
    with pytest.raises(KeyError):
        del files["a.sql"]
    with pytest.raises(KestraError, match=r"missing\.sql cannot be read: No such file or directory\.$"):
        files["a.sql"] = tmp_path / "missing.sql"
    with pytest.raises(KestraError, match="is not a folder whose files could be stored"):
        files.upload(tmp_path / "missing")


def test_folder_is_stored(stub: Stub, files: NamespaceFiles, tmp_path: Path) -> None:
    stub.on("POST", PATH, "")
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "a.sql").write_text("1")
    (tmp_path / "b.txt").write_text("2")
    files.upload(tmp_path)

    assert [asked.path.partition("=")[2] for asked in stub.asked] == ["%2Fb.txt", "%2Fsql%2Fa.sql"]


def test_content_that_is_none(files: NamespaceFiles) -> None:
    wrong: Any = 3
    with pytest.raises(KestraError, match=r"^The namespace file 'a' is text, bytes or a Path, not of the type int\.$"):
        files["a"] = wrong
