"""Flows of which there is another text for a line of Kestra."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra.address import Address
from pytest_kestra.checks.files import find
from pytest_kestra.errors import FlowError
from pytest_kestra.flows.files import one, read
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.flows.variants import line_of, select, variant
from pytest_kestra.suites.flows import FlowFolders
from pytest_kestra.suites.source import SuiteSource

FLOW = "id: {}\nnamespace: a.b\ntasks: []\n"
# One for all, one with a text for 2.0, one for 1.3 only, one for 2.0 only.
FILES = {
    "every.yaml": "every",
    "orders.yaml": "orders",
    "kestra-2.0/orders.yaml": "orders",
    "kestra-1.3/old.yaml": "old",
    "kestra-2.0/new.yaml": "new",
    "sub/prices.yaml": "prices",
    "sub/kestra-2.0/prices.yaml": "prices",
}
OLD = ["every.yaml", "kestra-1.3/old.yaml", "orders.yaml", "sub/prices.yaml"]
NEW = ["every.yaml", "kestra-2.0/new.yaml", "kestra-2.0/orders.yaml", "sub/kestra-2.0/prices.yaml"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, flow_id in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(FLOW.format(flow_id))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("version", "line"), [("1.3.31", "1.3"), ("v2.0.0-SNAPSHOT", "2.0"), ("2.10.1", "2.10"), (None, None), ("?", None)]
)
def test_line_of_a_server(version: str | None, line: str | None) -> None:
    assert Address("http://127.0.0.1", version=version).line == line


def test_line_of_a_file() -> None:
    assert line_of(Path("flows/kestra-2.0/a.yaml")) == "2.0"
    assert line_of(Path("kestra-2.0/flows/a.yaml")) is None
    assert line_of(Path("flows/kestra-2.0.1/a.yaml")) is None


@pytest.mark.parametrize(("line", "files"), [("1.3", OLD), ("2.0", NEW)])
def test_folder_holds_what_a_line_is_given(folder: Path, line: str, files: list[str]) -> None:
    flows = read(folder, line=line)

    assert isinstance(flows, list)
    assert sorted(flow.name for flow in flows) == files
    assert sorted(flow.name for flow in find([Path()]).on(line).flows) == files


def test_other_text_stands_at_the_place_of_the_first(folder: Path) -> None:
    files = [folder / name for name in sorted(FILES)]

    assert [file.name for file in select(files, "2.0")] == ["every.yaml", "new.yaml", "orders.yaml", "prices.yaml"]


def test_what_is_named_is_meant(folder: Path) -> None:
    assert one("kestra-2.0/orders.yaml", line="1.3").name == "kestra-2.0/orders.yaml"
    assert [flow.name for flow in read("kestra-2.0", line="1.3")] == [  # type: ignore[union-attr]  # it is a folder
        "kestra-2.0/new.yaml",
        "kestra-2.0/orders.yaml",
    ]
    named = find([Path("kestra-2.0/orders.yaml"), Path("kestra-1.3")])
    assert [flow.name for flow in named.on("1.3").flows] == ["kestra-1.3/old.yaml", "kestra-2.0/orders.yaml"]
    assert variant(folder / "every.yaml", "2.0") == folder / "every.yaml"


def test_file_is_another_on_another_line(folder: Path) -> None:
    assert [one("orders.yaml", line=line).name for line in ("1.3", "2.0", None)] == [
        "orders.yaml",
        "kestra-2.0/orders.yaml",
        "orders.yaml",
    ]
    assert one("new.yaml", line="2.0").name == "kestra-2.0/new.yaml"
    with pytest.raises(FlowError, match=r"there is no such file for Kestra 1\.3; there is kestra-2\.0/new\.yaml\."):
        one("new.yaml", line="1.3")
    (flow,) = find([Path("orders.yaml")]).on("2.0").flows
    assert flow.name == "kestra-2.0/orders.yaml"


def test_neighbours_are_those_of_the_line(folder: Path) -> None:
    found = find([Path("kestra-2.0/new.yaml")]).on("2.0")

    assert [flow.name for flow in found.neighbours] == ["every.yaml", "kestra-2.0/orders.yaml"]
    assert [flow.name for flow in find([Path("every.yaml")]).on("2.0").neighbours] == ["kestra-2.0/orders.yaml"]


def test_text_for_a_line_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "kestra-2.0" / "orders.yaml").write_text("id: orders\ntasks: [\n")

    (told,) = find([Path("orders.yaml")]).on("2.0").broken
    assert str(told).startswith("kestra-2.0/orders.yaml:3: error: this is not YAML")
    assert find([Path()]).on("1.3").broken == []


def test_folder_of_another_line_only(folder: Path) -> None:
    (folder / "sub2" / "kestra-2.0").mkdir(parents=True)
    (folder / "sub2" / "kestra-2.0" / "a.yaml").write_text(FLOW.format("a"))

    with pytest.raises(
        FlowError, match=r"sub2: a folder without flows: none of its YAML files \(1\) is one for Kestra 1\.3\."
    ):
        read("sub2", line="1.3")


@pytest.mark.parametrize(("line", "name"), [("1.3", "sub/prices.yaml"), ("2.0", "sub/kestra-2.0/prices.yaml")])
def test_suite_finds_the_flow_of_the_line(folder: Path, line: str, name: str) -> None:
    case = '{id: c, type: io.kestra.core.tests.flow.UnitTest, assertions: [{value: "1", equalTo: 1}]}'
    text = f"id: s\nnamespace: a.b\nflowId: prices\ntestCases: [{case}]\n"

    (flow,) = FlowFolders([folder], line).of_suite(SuiteSource(text, "s.yaml"))
    assert flow.name == name
    assert isinstance(flow, FlowSource)
