"""Flows come and go as files."""

from __future__ import annotations

import csv
import io
import zipfile

import httpx
import pytest

from tests.engine.replay import Replay

YAML = {"content-type": "application/x-yaml"}


def source(namespace: str, name: str) -> str:
    return f"id: {name}\nnamespace: {namespace}\ntasks:\n  - {{id: a, type: io.kestra.plugin.core.debug.Return}}\n"


def upload(api: httpx.Client, name: str, content: str | bytes, **params: str) -> httpx.Response:
    return api.post("flows/import", files={"fileUpload": (name, content)}, params=params)


def archive(*entries: tuple[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        for name, text in entries:
            written.writestr(name, text)
    return content.getvalue()


def names(api: httpx.Client, namespace: str) -> list[str]:
    return sorted(flow["id"] for flow in api.get(f"flows/{namespace}").raise_for_status().json())


def test_recorded_import(replay: Replay) -> None:
    replay.same("024")
    replay.same("025")


def test_yaml_file_is_imported(api: httpx.Client, namespace: str) -> None:
    text = f"{source(namespace, 'one')}---\nid: wrong\n---\n{source(namespace, 'two')}"

    assert upload(api, "Flows.YML", text).json() == ["flows.yml(flow number: 1)"]
    assert names(api, namespace) == ["one", "two"]
    refused = upload(api, "flows.yml", "id: wrong", failOnError="true")
    assert (refused.status_code, refused.json()["message"]) == (
        *(422, "Illegal argument: Following invalid flows were not imported: flows.yml(flow number: 0)"),
    )


def test_archive_is_exported_and_imported(api: httpx.Client, namespace: str) -> None:
    upload(api, "flows.yml", f"{source(namespace, 'one')}---\n{source(namespace, 'two')}")
    found = api.get("flows/export/by-query", params={"filters[namespace][EQUALS]": namespace})
    chosen = api.post("flows/export/by-ids", json=[{"namespace": namespace, "id": "two"}])

    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"] == 'attachment; filename="flows.zip"'
    with zipfile.ZipFile(io.BytesIO(found.content)) as files:
        assert sorted(files.namelist()) == [f"{namespace}-one.yml", f"{namespace}-two.yml"]
        assert files.read(f"{namespace}-one.yml").decode().strip() == source(namespace, "one").strip()
    with zipfile.ZipFile(io.BytesIO(chosen.content)) as files:
        assert files.namelist() == [f"{namespace}.two.yaml"]
    for name in ("one", "two"):
        api.delete(f"flows/{namespace}/{name}").raise_for_status()
    assert upload(api, "flows.zip", found.content).json() == []
    assert names(api, namespace) == ["one", "two"]


def test_files_of_an_archive_that_are_wrong_are_named(api: httpx.Client, namespace: str) -> None:
    content = archive(("a.yml", source(namespace, "one")), ("b.yaml", "id: wrong"), ("c.txt", "no flow"))

    assert upload(api, "flows.zip", content).json() == ["b.yaml"]
    assert names(api, namespace) == ["one"]


def test_archive_that_is_broken(api: httpx.Client, namespace: str) -> None:
    content = bytearray(archive(("a.yml", source(namespace, "one"))))
    content[20] = 99
    assert upload(api, "flows.zip", bytes(content[:60])).status_code == 400


@pytest.mark.parametrize(("name", "kind"), [("flows.txt", ".txt"), ("flows", "flows")])
def test_other_files_are_refused(api: httpx.Client, name: str, kind: str) -> None:
    answer = upload(api, name, "x")
    assert (answer.status_code, answer.json()["message"]) == (
        *(422, f"Illegal argument: Cannot import file of type {kind}"),
    )


def test_import_without_a_file(api: httpx.Client) -> None:
    answer = api.post("flows/import", files={"other": ("flows.yml", "x")})
    assert (answer.status_code, answer.json()["message"]) == (
        *(422, "Invalid route params: Required Part [fileUpload] not specified"),
    )


def test_flow_that_is_to_be_exported_must_be_there(api: httpx.Client) -> None:
    assert api.post("flows/export/by-ids", json=[{"namespace": "nowhere", "id": "nothing"}]).status_code == 404


def test_flows_as_lines(api: httpx.Client, namespace: str) -> None:
    upload(api, "flows.yml", source(namespace, "one") + "description: 'a, b'\n")
    answer = api.get("flows/export/by-query/csv", params={"filters[namespace][EQUALS]": namespace})
    (row,) = csv.DictReader(io.StringIO(answer.text))

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == "attachment; filename=flows.csv"
    assert (row["id"], row["revision"], row["disabled"], row["description"]) == ("one", "1", "false", "a, b")
    assert row["tasks"] == "[{id=a, type=io.kestra.plugin.core.debug.Return}]"
    assert api.get("flows/export/by-query/csv", params={"filters[namespace][EQUALS]": "nowhere"}).text == ""
