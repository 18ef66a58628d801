"""Kestra's own Python SDK stores and reads namespace files."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

T = "main"
PATH = "/scripts/ä b.sql"


def test_sdk_stores_and_reads_files(sdk: Any, namespace: str) -> None:
    for content in (b"select 1", b"select 2"):
        sdk.files.create_namespace_file(namespace, PATH, T, content)

    assert sdk.files.file_content(namespace, PATH, T) == b"select 2"
    assert sdk.files.file_content(namespace, PATH, T, revision=1) == b"select 1"
    assert [entry.revision for entry in sdk.files.file_revisions(namespace, T, PATH)] == [1, 2]
    attributes = sdk.files.file_metadatas(namespace, T, PATH)
    assert (attributes.file_name, attributes.type.value, attributes.size) == ("ä b.sql", "File", 8)
    assert sdk.files.search_namespace_files(namespace, "sql", T) == [PATH]
    exported = zipfile.ZipFile(io.BytesIO(sdk.files.export_namespace_files(namespace, T)))
    assert exported.namelist() == [PATH[1:]]


def test_sdk_moves_and_deletes_files_and_folders(sdk: Any, namespace: str) -> None:
    sdk.files.create_namespace_directory(namespace, T, "/empty")
    sdk.files.create_namespace_file(namespace, "/a.txt", T, b"1")
    sdk.files.move_file_directory(namespace, "/a.txt", "/b/c.txt", T)
    listed = sdk.files.list_namespace_directory_files(namespace, T, "/")
    assert sorted((entry.file_name, entry.type.value) for entry in listed) == [
        ("b", "Directory"),
        ("empty", "Directory"),
    ]

    sdk.files.delete_file_directory(namespace, "/b", T)
    assert sdk.files.search_namespace_files(namespace, "/", T) == []
    with pytest.raises(Exception, match="404"):
        sdk.files.file_content(namespace, "/b/c.txt", T)
    with pytest.raises(Exception, match="fileContent"):
        sdk.files.create_namespace_file(namespace, "/d.txt", T)
