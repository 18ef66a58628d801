from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra import cli
from pytest_kestra.engine import extra
from pytest_kestra.engine.home import VARIABLE


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("arguments", [(), ("engine",), ("engine", "restart"), ("engine", "logs", "-n", "x")])
def test_wrong_arguments_show_the_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)

    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("usage: pytest-kestra")


def test_help_names_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["engine", "--help"])

    text = capsys.readouterr().out
    assert all(f"  {action} " in text for action in ("install", "start", "stop", "status", "logs"))


def test_nothing_is_installed_and_nothing_runs(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert [cli.main(["engine", action]) for action in ("status", "stop", "logs")] == [0, 0, 0]

    assert capsys.readouterr().out.splitlines() == [
        f"Folder: {home}",
        "Installed: nothing; run: pytest-kestra engine install",
        "Running: nothing",
        "No engine was running",
        "There is no log: no warm engine was started, or it had nothing to tell",
    ]


@pytest.mark.parametrize("action", ["install", "start"])
def test_unknown_version_is_told_in_a_sentence(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["engine", action, "--version", "0.9"]) == 1
    assert capsys.readouterr().err.startswith("pytest-kestra: The embedded engine has no Kestra 0.9; it has: ")


def test_missing_extra_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda _: None)

    assert cli.main(["engine", "install"]) == 1
    assert 'needs the extra: pip install "pytest-kestra[embedded]"' in capsys.readouterr().err


def test_no_network_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTEST_KESTRA_M2", str(tmp_path / "m2"))
    monkeypatch.setattr("pytest_kestra.engine.remote.BACKOFF_S", 0)

    assert cli.main(["engine", "install", "--repository", "http://127.0.0.1:9/maven2"]) == 1

    error = capsys.readouterr().err
    assert "could not be downloaded from http://127.0.0.1:9/maven2: [Errno 111] Connection refused." in error
    assert "Set PYTEST_KESTRA_REPOSITORY to a mirror that can be reached" in error
    assert "Traceback" not in error


def test_interruption_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_kestra.server.embedded.install_engine", interrupted)

    assert cli.main(["engine", "install"]) == 130
    assert capsys.readouterr().err == "\npytest-kestra: interrupted; what was downloaded is kept\n"
