from __future__ import annotations

from pathlib import Path

from pytest_kestra.github import command
from pytest_kestra.report.github import command as annotation


def test_command_has_only_what_is_known_and_escapes_signs_of_its_own() -> None:
    assert command("warning", "100%\nno", file="a,b.yaml") == "::warning file=a%2Cb.yaml::100%25%0Ano"
    assert command("error", "no", file="a", line=3, title="x::y") == "::error file=a,line=3,title=x%3A%3Ay::no"


def test_files_are_named_from_the_root_of_the_repository(tmp_path: Path) -> None:
    told = {"file": str(tmp_path / "flows" / "a.yaml"), "line": "2", "title": "t", "message": "no"}

    assert annotation(told, {"GITHUB_WORKSPACE": str(tmp_path)}) == "::error file=flows/a.yaml,line=2,title=t::no"
    elsewhere = annotation(told, {"GITHUB_WORKSPACE": str(tmp_path / "other")})
    assert elsewhere == f"::error file={(tmp_path / 'flows/a.yaml').as_posix()},line=2,title=t::no"
