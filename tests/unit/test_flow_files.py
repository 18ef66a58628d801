from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kestra.errors import FlowError
from pytest_kestra.flows.files import one, read
from pytest_kestra.flows.source import FlowSource

FLOW = "id: {id}\nnamespace: a.b\ntasks: []\n"


def test_text_of_several_lines_is_yaml() -> None:
    assert read("id: x\nnamespace: y") == FlowSource("id: x\nnamespace: y", "<text>")


def test_file_is_looked_for_below_each_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "flow.yaml").write_text("\ufeff" + FLOW.format(id="x"), encoding="utf-8")

    found = read("flow.yaml", [tmp_path / "a", tmp_path / "b"])

    assert isinstance(found, FlowSource)
    assert found.id == "x"
    assert found.name == str(tmp_path / "b" / "flow.yaml")


def test_files_below_the_working_folder_have_short_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flow.yaml").write_text(FLOW.format(id="x"), encoding="utf-8")

    assert one("flow.yaml").name == "flow.yaml"


def test_folder_gives_its_flows_sorted_and_leaves_out_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.yaml").write_text(FLOW.format(id="b"), encoding="utf-8")
    (tmp_path / "sub" / "a.yml").write_text(FLOW.format(id="a"), encoding="utf-8")
    (tmp_path / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    (tmp_path / "suite.yaml").write_text("id: s\nnamespace: a.b\ntestCases: []\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("no flow", encoding="utf-8")

    found = read(tmp_path)

    assert isinstance(found, list)
    assert [flow.id for flow in found] == ["b", "a"]


def test_missing_file_names_the_places(tmp_path: Path) -> None:
    with pytest.raises(
        FlowError, match=r"^flow.yaml: there is no such file or folder \(.*a/flow.yaml or .*flow.yaml\)"
    ):
        read("flow.yaml", [tmp_path / "a", tmp_path])


def test_folder_without_flows(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"a folder without flows: it has no file that ends in .yaml or .yml\.$"):
        read(tmp_path)
    (tmp_path / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    with pytest.raises(FlowError, match=r"a folder without flows: none of its YAML files \(1\) is one\.$"):
        read(tmp_path)


def test_folder_where_one_flow_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(FLOW.format(id="b"), encoding="utf-8")
    with pytest.raises(FlowError, match="a folder; give the file of one flow"):
        one(tmp_path)


def test_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"id: \xff")
    with pytest.raises(FlowError, match=r"x.yaml: the file is not UTF-8 text \(byte 4\)"):
        read(tmp_path / "x.yaml")


def test_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.yaml").write_text("id: x", encoding="utf-8")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FlowError, match=r"x.yaml: the file cannot be read: Permission denied\.$"):
        read(tmp_path / "x.yaml")


def test_what_is_neither_path_nor_text_is_no_flow() -> None:
    with pytest.raises(FlowError, match=r"^A flow is given as a path or as YAML text, not as dict\.$"):
        read({"id": "f"})  # type: ignore[arg-type]


def test_empty_text_is_no_folder() -> None:
    with pytest.raises(FlowError, match=r"^An empty text is no flow, and names no file\.$"):
        read("")


def test_json_is_a_text_however_long() -> None:
    text = json.dumps({"id": "x", "namespace": "a.b", "description": "long" * 100})

    assert one(text) == FlowSource(text, "<text>")


def test_folder_leaves_out_yaml_that_is_no_flow_whatever_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FLOW.format(id="a"), encoding="utf-8")
    (tmp_path / "list.yaml").write_text("- one\n", encoding="utf-8")
    (tmp_path / "comment.yaml").write_text("# later\n", encoding="utf-8")
    (tmp_path / "several.yaml").write_text("a: 1\n---\nb: 2\n", encoding="utf-8")

    found = read(tmp_path)

    assert isinstance(found, list)
    assert [flow.id for flow in found] == ["a"]


def test_folder_with_a_flow_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FLOW.format(id="a") + "tasks: [", encoding="utf-8")

    with pytest.raises(FlowError, match=r"a\.yaml:\d+: this is not YAML"):
        read(tmp_path)
