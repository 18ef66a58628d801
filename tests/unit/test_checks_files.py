from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra.checks.files import find, load, neighbours
from pytest_kestra.checks.findings import Finding
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.source import FlowSource

FLOW = "id: {name}\nnamespace: a.b\ntasks: []\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("one.yaml", "sub/two.yml", ".hidden/three.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(FLOW.format(name=path.stem))
    return tmp_path


def test_flows_of_a_folder(folder: Path) -> None:
    (folder / "docker-compose.yml").write_text("services: {}\n")
    (folder / "app.yaml").write_text("id: a\nnamespace: b\ntype: c\n")
    (folder / "suite.yaml").write_text("id: a\nnamespace: b\nflowId: c\ntestCases: []\n")
    (folder / "list.yaml").write_text("- a\n- tasks: [\n")
    (folder / "kustomization.yaml").write_text("namespace: a\nresources: [\n")
    (folder / "readme.txt").write_text(FLOW)

    found = find([Path()])

    assert [flow.name for flow in found.flows] == ["one.yaml", "sub/two.yml"]
    assert found.broken == []
    assert found.neighbours == []


def test_broken_flows_are_told_with_the_others(folder: Path) -> None:
    (folder / "a.yaml").write_text("id: a\nnamespace: b\ntasks: [\n")
    (folder / "b.yaml").write_bytes(b"id: a\ntasks: \xff\n")
    (folder / "c.yaml").write_text(FLOW + "---\n" + FLOW)

    found = find([folder])

    assert len(found.flows) == 2
    assert [str(finding) for finding in found.broken] == [
        "a.yaml:4: error: this is not YAML: expected the node content, but found '<stream end>'.",
        "b.yaml: error: the file is not UTF-8 text (byte 13).",
        "c.yaml:5: error: a second YAML document begins; write one flow into one file.",
    ]


def test_flow_in_utf_16_is_told(folder: Path) -> None:
    (folder / "a.yaml").write_bytes(FLOW.encode("utf-16"))

    (told,) = find([folder]).broken
    assert "UTF-8" in str(told)


def test_file_that_is_named_is_meant(folder: Path) -> None:
    (folder / "typo.yaml").write_text("id: a\nnamespce: b\n")
    (folder / "broken.yaml").write_text("- a\n- tasks: [\n")
    (folder / "other.yaml").write_text("a: b\n")

    found = find([folder / "typo.yaml", folder / "broken.yaml", folder / "other.yaml", folder / "typo.yaml"])

    assert [flow.name for flow in found.flows] == ["typo.yaml"]
    assert [finding.place for finding in found.broken] == ["broken.yaml:3"]
    assert [flow.name for flow in found.neighbours] == ["one.yaml"]


def test_file_by_name_and_in_its_folder_is_one(folder: Path) -> None:
    assert len(find([folder / "one.yaml", folder, Path("sub")]).flows) == 2


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["one.yaml", "none.yaml"], "none.yaml: there is no such file or folder."),
        (["empty"], "There is no flow in empty: YAML with `id`, `namespace` and `tasks`."),
        (["other.yaml", "empty"], "There is no flow in other.yaml, empty: YAML with"),
    ],
)
def test_nothing_to_check(folder: Path, paths: list[str], expected: str) -> None:
    (folder / "empty").mkdir()
    (folder / "other.yaml").write_text("a: b\n")

    with pytest.raises(FlowError) as raised:
        find(map(Path, paths))
    assert str(raised.value).startswith(expected)


def test_file_that_cannot_be_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert load(Path("one.yaml")) == Finding("one.yaml", 0, "error", "the file cannot be read: Permission denied.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("id: " + "[" * 5000, "this is nested too deeply."), ('id: "\\U99999999"', "this is not YAML: ")],
)
def test_file_that_python_cannot_take(folder: Path, text: str, expected: str) -> None:
    (folder / "odd.yaml").write_text(text)

    (finding,) = find([folder / "odd.yaml"]).broken
    assert finding.message.startswith(expected)


def test_neighbours_are_the_flows_beside(folder: Path) -> None:
    (folder / "broken.yaml").write_text("id: a\nnamespace: b\ntasks: [\n")

    assert [flow.name for flow in neighbours([folder / "sub" / "two.yml", folder / "none.yaml"]).values()] == [
        "one.yaml"
    ]


def test_load_of_a_flow(folder: Path) -> None:
    assert load(folder / "one.yaml") == FlowSource(FLOW.format(name="one"), "one.yaml")
    assert load(folder / "sub" / "two.yml") == FlowSource(FLOW.format(name="two"), "sub/two.yml")
