"""Files of executions: their content, their size and what is shown of them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.engine.launched import Launched
from tests.engine.replay import Replay

API = "/api/v1/main"
YAML = {"content-type": "application/x-yaml"}
# The smallest GIF there is.
GIF = base64.b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAA=")

TAKES = """
id: takes
namespace: {namespace}
inputs: [{{id: data, type: FILE, required: false}}]
tasks: [{{id: log, type: io.kestra.plugin.core.log.Log, message: taken}}]
"""


class Files:
    """Executions that have been given files, and requests about these."""

    def __init__(self, api: httpx.Client, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        api.post("flows", content=TAKES.format(namespace=namespace), headers=YAML).raise_for_status()

    def store(self, name: str, content: bytes) -> tuple[str, str]:
        """Run a flow with a file; return the id of the execution and the URI of the file."""
        answer = self.api.post(
            f"executions/{self.namespace}/takes", params={"wait": "true"}, files={"data": (name, content)}
        )
        body = answer.raise_for_status().json()
        return body["id"], body["inputs"]["data"]

    def preview(self, name: str, content: bytes, **params: Any) -> Any:
        """Return what is shown of a file."""
        execution_id, uri = self.store(name, content)
        answer = self.api.get(f"executions/{execution_id}/file/preview", params={"path": uri, **params})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def files(api: httpx.Client, namespace: str) -> Files:
    return Files(api, namespace)


def test_recorded_files(http: httpx.Client, namespace: str, recorded: Callable[[str], Any]) -> None:
    replay = Replay(http, recorded, namespace)
    replay.deploy("files")
    for number in ("070", "071", "072", "073"):
        replay.same(number)
    expected, answer = replay.send("074")

    assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (301, b"", None)
    assert replay.back(answer.headers["location"]) == expected["location"]


def test_file_is_downloaded_under_its_name(files: Files) -> None:
    execution_id, uri = files.store("a;b.bin", b"\x00\xff")
    answer = files.api.get(f"executions/{execution_id}/file", params={"path": uri})

    assert answer.content == b"\x00\xff"
    name = uri.rpartition("/")[2]
    assert answer.headers["content-disposition"] == (
        f"attachment; filename=\"{name}\"; filename*=utf-8''{quote(name, safe='')}"
    )


@pytest.mark.parametrize(
    ("name", "content", "params", "shown"),
    [
        ("a.txt", b"1\n2\n3", {"maxRows": 2}, ("TEXT", "1\n2\n", 2, True)),
        ("a.txt", b"1\n2\n", {"maxRows": 2}, ("TEXT", "1\n2", 2, False)),
        ("a.txt", b"1\r\n2\r3", {}, ("TEXT", "1\n2\n3", 100, False)),
        ("a.txt", b"1\n2", {"maxRows": 0}, ("TEXT", "", 0, False)),
        ("a.txt", b"1\n2", {"maxRows": -1}, ("TEXT", "", -1, False)),
        ("a.txt", b"", {}, ("TEXT", "", 100, False)),
        ("a.txt", b"1", {"maxRows": 9_999_999}, ("TEXT", "1", 5000, False)),
        ("a.csv", b"id,name\n1,Ada", {"maxRows": 1}, ("TEXT", "id,name\n", 1, True)),
        ("a.json", b'{"a": 1}', {}, ("TEXT", '{"a": 1}', 100, False)),
        ("noextension", b"text", {}, ("TEXT", "text", 100, False)),
        ("a.txt", b"caf\xe9", {"encoding": "ISO-8859-1"}, ("TEXT", "café", 100, False)),
        ("a.txt", b"caf\xe9", {}, ("TEXT", "caf\ufffd", 100, False)),
        ("a.md", "# é".encode(), {"encoding": "ISO-8859-1"}, ("MARKDOWN", "# é", 100, False)),
        ("a.ion", b"{id:1}\n{id:2}\n", {}, ("LIST", [{"id": 1}, {"id": 2}], 100, False)),
        ("a.ion", b"{id:1}\n{id:2}\n", {"maxRows": 1}, ("LIST", [{"id": 1}], 1, True)),
        ("a.ion", b"", {}, ("LIST", [], 100, False)),
        ("a.gif", GIF, {}, ("IMAGE", base64.b64encode(GIF).decode(), 100, False)),
        ("a.PNG", b"x", {}, ("IMAGE", "eA==", 100, False)),
        ("a.pdf", b"%PDF", {}, ("PDF", "JVBERg==", 100, False)),
    ],
)
def test_what_is_shown_of_a_file(
    files: Files, name: str, content: bytes, params: dict[str, Any], shown: tuple[str, Any, int, bool]
) -> None:
    kind, text, rows, truncated = shown
    extension = name.rpartition(".")[2] if "." in name else ""

    assert files.preview(name, content, **params) == {
        "extension": extension,
        "type": kind,
        "content": text,
        "maxLine": rows,
        "truncated": truncated,
    }


def test_long_text_is_cut(files: Files) -> None:
    shown = files.preview("a.txt", b"x" * ((2 << 20) + 1))

    assert (len(shown["content"]), shown["truncated"]) == (2 << 20, True)


def test_what_cannot_be_shown(files: Files) -> None:
    execution_id, uri = files.store("a.txt", b"1")
    broken_id, broken = files.store("a.ion", b"{id: [\n")

    for of, params, status, message in (
        (execution_id, {"path": uri, "encoding": "no such"}, 422, "Illegal argument: Unable to preview using encoding"),
        (execution_id, {"path": uri, "encoding": "UTF-99"}, 422, "Illegal argument: Unable to preview using encoding"),
        (execution_id, {"path": uri, "maxRows": "many"}, 422, "Internal server error: Failed to convert argument"),
        (execution_id, {}, 422, "Invalid route params: Required QueryValue [path] not specified"),
        (broken_id, {"path": broken}, 422, "Invalid "),
        ("nothing", {"path": uri}, 404, "Not Found: Unable to find execution id 'nothing'"),
    ):
        answer = files.api.get(f"executions/{of}/file/preview", params=params)
        assert answer.status_code == status, answer.text
        assert answer.json()["message"].startswith(message)


@pytest.mark.parametrize("route", ["file", "file/metas"])
def test_file_of_another_execution_is_there(files: Files, route: str) -> None:
    (first, _), (second, uri) = files.store("a.txt", b"1"), files.store("a.txt", b"2")
    answer = files.api.get(f"executions/{first}/{route}", params={"path": uri})

    assert answer.status_code == 301
    assert answer.headers["location"] == f"{API}/executions/{second}/{route}?path={uri}"
    assert files.api.get(f"executions/{first}/file/preview", params={"path": uri}).json()["content"] == "2"


@pytest.mark.parametrize("route", ["file", "file/metas", "file/preview"])
def test_places_without_a_file(files: Files, route: str) -> None:
    execution_id, uri = files.store("a.txt", b"1")
    folder = uri.rpartition("/")[0]
    for path, status, message in (
        ("kestra:///elsewhere/x", 422, "Illegal argument: Invalid prefix path"),
        ("mailto:ada", 422, ""),
        ("kestra://[", 422, "Internal server error: Failed to convert argument [path]"),
        (f"{folder}/../../../../../other.txt", 422, "Illegal argument: "),
        (uri.replace("kestra:", "s3:"), 422, "Illegal argument: Scheme not supported: s3"),
        (f"{uri}x", 404, "Not Found: "),
        (f"file:///{secrets.token_hex(8)}", 404, "Not Found: "),
        ("file:///etc/hosts", 403, "Forbidden: The path /etc/hosts is not authorized."),
        (f"nsfile:///{secrets.token_hex(8)}", 404, "Not Found: "),
    ):
        answer = files.api.get(f"executions/{execution_id}/{route}", params={"path": path})
        assert answer.status_code == status, (path, answer.text)
        assert answer.json()["message"].startswith(message)


def test_states_of_a_flow_belong_to_its_executions(files: Files) -> None:
    execution_id, _ = files.store("a.txt", b"1")
    folder = files.namespace.replace(".", "/")
    for path in (f"kestra:///{folder}/takes/states/a", f"kestra:///{folder}/states/a"):
        answer = files.api.get(f"executions/{execution_id}/file", params={"path": path})
        assert answer.status_code == 404, answer.text


def test_flow_that_is_gone(files: Files) -> None:
    execution_id, uri = files.store("a.txt", b"1")
    files.api.delete(f"flows/{files.namespace}/takes").raise_for_status()
    path = f"executions/{execution_id}/file"

    assert files.api.get(path, params={"path": uri}).content == b"1"
    answer = files.api.get(path, params={"path": "kestra:///elsewhere/x"})
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found: Unable to find flow id 'takes'")


def test_namespace_file_is_read_through_an_execution(files: Files) -> None:
    execution_id, _ = files.store("a.txt", b"1")
    part = {"fileContent": ("a.sql", b"select 1")}
    files.api.post(f"namespaces/{files.namespace}/files", params={"path": "/a.sql"}, files=part).raise_for_status()
    path = f"executions/{execution_id}/file"

    for uri in ("nsfile:///a.sql", f"nsfile://{files.namespace}/a.sql"):
        assert files.api.get(path, params={"path": uri}).content == b"select 1"
        assert files.api.get(f"{path}/metas", params={"path": uri}).json() == {"size": 8}
        assert files.api.get(f"{path}/preview", params={"path": uri}).json()["content"] == "select 1"


@pytest.mark.parametrize("shown", [True, False])
def test_file_of_this_machine(own_engine: Launched, tmp_path: Path, *, shown: bool) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    file = allowed / "a.txt"
    file.write_text("local", encoding="utf-8")
    configuration = {
        "kestra": {
            "local-files": {"allowed-paths": [str(allowed)], "enable-preview": shown},
            "server": {"preview": {"initial-rows": 7, "max-rows": 9}},
        }
    }
    with (
        own_engine(tmp_path / "engine", configuration=configuration) as lease,
        httpx.Client(base_url=f"{lease.url}{API}/", auth=(lease.user, lease.password), timeout=600) as api,
    ):
        execution_id, _ = Files(api, "local.files").store("b.txt", b"1")
        path = f"executions/{execution_id}/file"
        params = {"path": file.as_uri()}
        if not shown:
            for route in ("", "/metas", "/preview"):
                answer = api.get(path + route, params=params)
                assert answer.status_code == 403
                assert answer.json()["message"] == "Forbidden: Local file preview is disabled"
            return
        assert api.get(path, params=params).content == b"local"
        assert api.get(f"{path}/metas", params=params).json() == {"size": 5}
        found = api.get(f"{path}/preview", params=params).json()
        assert (found["content"], found["maxLine"]) == ("local", 7)
        assert api.get(f"{path}/preview", params={**params, "maxRows": 20}).json()["maxLine"] == 9
