from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kestra.checks.findings import Finding, errors_only
from pytest_kestra.checks.reports import as_json, github, summary, text

FINDINGS = [
    Finding("a,b.yaml", 3, "error", "100% wrong:\nsee there"),
    Finding("c.yaml", 0, "warning", "doubtful"),
]


def test_text() -> None:
    assert text(FINDINGS, 2).splitlines() == [
        "a,b.yaml:3: error: 100% wrong:",
        "see there",
        "c.yaml: warning: doubtful",
        "2 flows, 1 error, 1 warning",
    ]


def test_colours() -> None:
    assert text(FINDINGS[1:], 1, colour=True).splitlines() == [
        "\033[1mc.yaml:\033[0m \033[33mwarning:\033[0m doubtful",
        "1 flow, 0 errors, 1 warning",
    ]
    assert "\033[31merror:\033[0m" in text(FINDINGS[:1], 1, colour=True)


def test_json() -> None:
    assert json.loads(as_json(FINDINGS, 2)) == {
        "flows": 2,
        "errors": 1,
        "warnings": 1,
        "findings": [
            {"file": "a,b.yaml", "line": 3, "severity": "error", "message": "100% wrong:\nsee there"},
            {"file": "c.yaml", "line": 0, "severity": "warning", "message": "doubtful"},
        ],
    }


def test_github_takes_signs_of_its_own_in_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)

    assert github(FINDINGS, 2).splitlines() == [
        "::error file=a%2Cb.yaml,line=3::100%25 wrong:%0Asee there",
        "::warning file=c.yaml::doubtful",
        "2 flows, 1 error, 1 warning",
    ]


def test_github_is_told_files_from_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows").mkdir()
    monkeypatch.chdir(tmp_path / "flows")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    beside = Finding("../more/d.yaml", 1, "error", "no")

    assert github([FINDINGS[0], beside], 2).splitlines()[:2] == [
        "::error file=flows/a%2Cb.yaml,line=3::100%25 wrong:%0Asee there",
        "::error file=more/d.yaml,line=1::no",
    ]


def test_summary_of_nothing() -> None:
    assert summary([], 0) == "0 flows, 0 errors, 0 warnings"


def test_strict_makes_warnings_errors() -> None:
    assert [finding.severity for finding in errors_only(FINDINGS)] == ["error", "error"]
