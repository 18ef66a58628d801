from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kestra.engine import launcher
from pytest_kestra.engine.progress import AnnouncedProgress, LineProgress, SilentProgress


def test_engine_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setitem(launcher._STARTED, process.pid, process)

    launcher.wait_for_end(process.pid, 0.01)

    assert process.returncode != 0
    assert process.stdin is not None
    process.stdin.close()


def test_engine_of_another_process_is_not_waited_for() -> None:
    launcher.wait_for_end(0, 60)


def test_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert launcher.log_tail(tmp_path) == ""


def test_progress_is_announced_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    progress = AnnouncedProgress(LineProgress(sys.stdout), lambda: print("---"))

    progress.note("a note")
    with progress.step("a step"):
        pass
    with progress.transfer("a transfer", 10) as advance:
        advance(10)

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "---",
        "a note",
        "---",
        "a step",
        "---",
        "a transfer",
    ]


def test_silent_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    AnnouncedProgress(SilentProgress(), lambda: None).note("nothing")

    assert capsys.readouterr() == ("", "")
