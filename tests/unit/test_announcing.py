from __future__ import annotations

import sys

import pytest

from pytest_kestra.engine.progress import AnnouncedProgress, LineProgress, SilentProgress


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
