"""Namespace files are answered as a recorded Kestra 1.3.19 server did, and as its controller says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.engine.replay import Replay

BINARY = bytes(range(256)) * 20_000
FLOW = """\
id: {id}
namespace: elsewhere
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: hello
"""
PARENT = "Illegal argument: File should be accessed with their full path and not using relative '..' path."


class Files:
    """Ask for the files of one namespace."""

    def __init__(self, api: httpx.Client, namespace: str) -> None:
        self.api = api
        self.url = f"namespaces/{namespace}/files"

    def upload(self, path: str, content: bytes | str, name: str = "any.txt") -> httpx.Response:
        return self.api.post(self.url, params={"path": path}, files={"fileContent": (name, content)})

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.api.get(self.url, params={"path": path, **more})

    def ask(self, what: str, **params: Any) -> httpx.Response:
        return self.api.get(f"{self.url}/{what}", params=params)

    def move(self, source: str, target: str) -> httpx.Response:
        return self.api.put(self.url, params={"from": source, "to": target})

    def delete(self, path: str) -> httpx.Response:
        return self.api.delete(self.url, params={"path": path})

    def paths(self) -> list[str]:
        return sorted(self.ask("search", q="/").json())

    def names(self, path: str) -> dict[str, str]:
        return {entry["fileName"]: entry["type"] for entry in self.ask("directory", path=path).json()}


@pytest.fixture
def files(api: httpx.Client, namespace: str) -> Files:
    return Files(api, namespace)


def archive(**entries: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in entries.items():
            writer.writestr(name, content)
    return packed.getvalue()


def test_life_of_a_file(replay: Replay) -> None:
    for number in ("143", "144", "145", "146", "147", "148"):
        replay.same(number)


def test_content_and_its_type(files: Files) -> None:
    for path, content in (("/data.bin", BINARY), ("/empty", b""), ("/text.txt", "grün".encode())):
        stored = files.upload(path, content)
        assert (stored.status_code, stored.content, stored.headers.get("content-type")) == (200, b"", None)

        answer = files.get(path)
        assert answer.content == content
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "no-cache"
        assert files.ask("stats", path=path).json()["size"] == len(content)


@pytest.mark.parametrize(
    "path", ["/plain.sql", "/deep/er/file.sql", "/with space.txt", "/a+b.txt", "/dé f/日本 100%?#[1]&=.txt"]
)
def test_paths_of_every_kind(files: Files, path: str) -> None:
    assert files.upload(path, "content").status_code == 200

    # The slash in front may be left out.
    assert files.get(path).text == files.get(path[1:]).text == "content"
    assert files.paths() == [path]
    assert files.ask("stats", path=path).json()["fileName"] == path.rpartition("/")[2]
    assert files.ask("revisions", path=path).json() == [{"revision": 1}]
    assert files.names(path.rpartition("/")[0]) == {path.rpartition("/")[2]: "File"}
    assert files.delete(path[1:]).status_code == 200
    assert files.paths() == []


def test_each_upload_is_a_revision(files: Files) -> None:
    for content in ("one", "two", "three"):
        files.upload("/a/b.txt", content)

    assert files.ask("revisions", path="/a/b.txt").json() == [{"revision": number} for number in (1, 2, 3)]
    assert [files.get("/a/b.txt", revision=number).text for number in (1, 2, 3)] == ["one", "two", "three"]
    assert files.get("/a/b.txt").text == "three"
    for revision, status in ((4, 404), (0, 404), ("first", 422)):
        assert files.get("/a/b.txt", revision=revision).status_code == status
    files.delete("/a/b.txt")
    assert files.ask("revisions", path="/a/b.txt").json()["message"] == "Not Found: File not found: /a/b.txt"
    files.upload("/a/b.txt", "four")
    assert (files.get("/a/b.txt").text, len(files.ask("revisions", path="/a/b.txt").json())) == ("four", 4)


def test_archive_is_unpacked_when_its_name_says_so(files: Files, api: httpx.Client, namespace: str) -> None:
    content = archive(**{"one.txt": "1", "deep/zwei ü.txt": "2", "folder/": "", "_flows/in.yml": FLOW.format(id="in")})
    assert files.upload("/ignored", content, "All.ZIP").status_code == 200

    assert files.paths() == ["/deep/zwei ü.txt", "/one.txt"]
    assert files.get("/deep/zwei ü.txt").text == "2"
    assert [flow["id"] for flow in api.get(f"flows/{namespace}").json()] == ["in"]
    files.upload("/kept.zip", content, "file")
    assert files.get("/kept.zip").content == content


def test_wrong_archives(files: Files) -> None:
    content = archive(**{"one.txt": "1" * 1000})
    assert files.upload("/x", "no archive", "x.zip").status_code == 200
    assert files.paths() == []
    for wrong in (content[:40] + b"\xff\xff" + content[42:], archive(**{"../up.txt": "1"})):
        answer = files.upload("/x", wrong, "x.zip")
        assert (answer.status_code, answer.json()["message"].startswith("Illegal argument: ")) == (422, True)


def test_flow_is_stored_as_a_flow_of_the_namespace(files: Files, api: httpx.Client, namespace: str) -> None:
    assert files.upload("/_flows/mine.yml", FLOW.format(id="mine")).status_code == 200

    assert api.get(f"flows/{namespace}/mine").json()["namespace"] == namespace
    assert files.paths() == []
    answer = files.upload("/_flows/deeper/mine.yml", FLOW.format(id="mine"))
    assert (answer.status_code, answer.json()["message"]) == (
        422,
        "Illegal argument: Invalid flow file path: /_flows/deeper/mine.yml",
    )
    assert files.upload("/_flows/mine.yml", "{").status_code == 422


def test_export_has_files_and_flows(files: Files, namespace: str) -> None:
    assert zipfile.ZipFile(io.BytesIO(files.ask("export").content)).namelist() == []
    files.upload("/b.bin", BINARY)
    files.upload("/a/ü.txt", "old")
    files.upload("/a/ü.txt", "new")
    files.upload("/_flows/mine.yml", FLOW.format(id="mine"))

    answer = files.ask("export")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{namespace}_files.zip"'
    exported = zipfile.ZipFile(io.BytesIO(answer.content))
    assert exported.namelist() == ["a/ü.txt", "b.bin", "_flows/mine.yml"]
    assert (exported.read("a/ü.txt"), exported.read("b.bin")) == (b"new", BINARY)
    assert exported.read("_flows/mine.yml").decode() == FLOW.format(id="mine").replace("elsewhere", namespace)


def test_folders_are_made_and_listed(files: Files) -> None:
    assert files.ask("directory").json() == []
    root = files.ask("stats").json()
    assert (root["type"], root["fileName"], root["size"]) == ("Directory", "_files", 0)
    for path in ("/new folder", "/new folder/inner"):
        made = files.api.post(f"{files.url}/directory", params={"path": path})
        assert (made.status_code, made.content) == (200, b"")
    files.upload("/top.txt", "1")
    files.upload("/other/a.txt", "1")

    assert files.names("/") == {"top.txt": "File", "other": "Directory", "new folder": "Directory"}
    assert files.names("/new folder") == {"inner": "Directory"}
    assert files.names("/new folder/inner") == {}
    assert files.ask("stats", path="/new folder/inner").json()["type"] == "Directory"
    missing = files.ask("directory", path="/nothing")
    assert (missing.status_code, missing.json()["message"]) == (404, "Not Found: Directory not found: /nothing")


def test_stats_make_the_root(files: Files) -> None:
    assert files.ask("stats", path="/").json()["type"] == "Directory"
    assert files.api.post(f"{files.url}/directory").status_code == 200


def test_files_and_folders_are_moved_with_their_revisions(files: Files) -> None:
    files.upload("/a/b.txt", "one")
    files.upload("/a/b.txt", "two")
    assert files.move("/a/b.txt", "/c/d.txt").status_code == 200
    assert files.get("/a/b.txt").status_code == 404
    assert files.get("/c/d.txt", revision=1).text == "one"

    assert files.move("/c", "/e").status_code == 200
    assert (files.paths(), files.get("/e/d.txt").text) == (["/e/d.txt"], "two")
    files.upload("/other.txt", "1")
    taken = files.move("/e/d.txt", "/other.txt")
    assert (taken.status_code, "'/other.txt' already exists" in taken.json()["message"]) == (409, True)
    # Paths to move are URIs: what is not allowed in one must be encoded once more.
    assert files.move("/other.txt", "/with%20space.txt").status_code == 200
    assert files.paths() == ["/e/d.txt", "/with space.txt"]
    for source, target, message in (
        ("/with space.txt", "/x", "Internal server error: Failed to convert argument [from] for value [/with space"),
        ("", "/x", "Invalid route params: Required QueryValue [from] not specified"),
        ("/e/../x", "/x", PARENT),
        ("mail:to", "/x", "Unprocessable Entity: The path 'mail:to' is not a valid hierarchical path."),
        ("/e/d.txt", "/_flows/x.yml", "Illegal argument: Forbidden path: /_flows/x.yml"),
    ):
        answer = files.move(source, target)
        assert answer.status_code == 422
        assert answer.json()["message"].startswith(message)


def test_folders_without_content_go_with_their_last_file(files: Files, api: httpx.Client, namespace: str) -> None:
    # The same folders elsewhere do not matter.
    Files(api, f"{namespace}.team").upload("/a/b/other.txt", "1")
    for path in ("/a/b/c.txt", "/a/b/d.txt", "/z.txt"):
        files.upload(path, "1")

    files.delete("/a/b/c.txt")
    assert files.names("/a") == {"b": "Directory"}
    files.delete("/a/b/d.txt")
    assert files.names("/") == {"z.txt": "File"}
    assert files.delete("/unknown").status_code == 200
    files.upload("/a/b/c.txt", "1")
    files.delete("/a")
    assert files.paths() == ["/z.txt"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/../up.txt", PARENT),
        ("a/../../up.txt", PARENT),
        ("..\\up.txt", PARENT),
        ("/_flows", "Illegal argument: Forbidden path: /_flows"),
        ("mail:to", "Unprocessable Entity: The path 'mail:to' is not a valid hierarchical path."),
        (":x", "Illegal argument: Expected scheme name at index 0: :x"),
        ("/nul\0", "Illegal argument: Nul character not allowed: /nul\0"),
    ],
)
def test_paths_that_lead_nowhere_are_refused(files: Files, path: str, message: str) -> None:
    for answer in (
        files.upload(path, "1"),
        files.get(path),
        files.ask("stats", path=path),
        files.ask("directory", path=path),
        files.api.post(f"{files.url}/directory", params={"path": path}),
    ):
        assert (answer.status_code, answer.json()["message"]) == (422, message)
    assert files.paths() == []


@pytest.mark.parametrize("path", ["/..", "/_flows/a.yml"])
def test_protected_paths_are_not_deleted(files: Files, path: str) -> None:
    assert files.delete(path).status_code == 422


def test_long_names_and_missing_files(files: Files) -> None:
    answer = files.upload("/a/" + "n" * 256, "1")
    assert (answer.status_code, "exceeds the maximum length of 255 characters" in answer.text) == (422, True)
    assert files.upload("/a/" + "n" * 250, "1").status_code == 200
    for what in ("stats", "revisions"):
        assert files.ask(what, path="/nothing").status_code == 404
    # A folder has no content.
    assert files.get("/a").status_code == 404


@pytest.mark.parametrize(
    ("method", "more", "message"),
    [
        ("GET", "", "Required QueryValue [path] not specified"),
        ("DELETE", "", "Required QueryValue [path] not specified"),
        ("PUT", "?from=/a", "Required QueryValue [to] not specified"),
        ("GET", "/search", "Required QueryValue [q] not specified"),
        ("POST", "", "Required QueryValue [path] not specified"),
        ("POST", "?path=/a", "Required Part [fileContent] not specified"),
    ],
)
def test_missing_parameters(files: Files, method: str, more: str, message: str) -> None:
    answer = files.api.request(method, files.url + more)

    assert (answer.status_code, answer.json()["message"]) == (422, f"Invalid route params: {message}")


def test_upload_takes_a_file_in_a_form_only(files: Files) -> None:
    field: Callable[..., httpx.Response] = files.api.post
    text = field(files.url, params={"path": "/a"}, files={"fileContent": (None, "1")})
    assert (text.status_code, "Required Part [fileContent]" in text.text) == (422, True)
    plain = field(files.url, params={"path": "/a"}, content=b"1", headers={"content-type": "text/plain"})
    assert plain.status_code == 415


def test_search_looks_at_paths(files: Files) -> None:
    for path in ("/folder/File.txt", "/other.py", "/file.py"):
        files.upload(path, "some file")

    assert sorted(files.ask("search", q="file").json()) == ["/file.py", "/folder/File.txt"]
    assert files.ask("search", q="folder").json() == ["/folder/File.txt"]
    assert files.ask("search", q="some").json() == []
