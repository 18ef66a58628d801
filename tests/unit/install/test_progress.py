from __future__ import annotations

import importlib.util
import io

import pytest

from pytest_kestra.engine.progress import (
    BarProgress,
    LineProgress,
    Progress,
    SilentProgress,
    megabytes,
    progress_for,
)


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal that can draw, whatever the tests run in."""
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal()


def work(progress: Progress) -> None:
    with progress.transfer("Fetching", 2_000_000) as advance:
        advance(1_000_000)
        advance(1_000_000)
    with progress.step("Compiling"):
        pass
    progress.note("Done")


def test_a_log_gets_lines() -> None:
    stream = io.StringIO()

    work(progress_for(stream))

    first, half, end, *others = stream.getvalue().splitlines()
    assert (first, half) == ("Fetching", "  50 % of 2.0 MB")
    assert end.startswith("  2.0 MB in 0.0 s (")
    assert others == ["Compiling", "Done"]


def test_a_log_gets_a_line_for_each_tenth_at_most() -> None:
    stream = io.StringIO()

    with LineProgress(stream).transfer("Fetching", 1000) as advance:
        for _ in range(1000):
            advance(1)

    assert len(stream.getvalue().splitlines()) == 11


def test_a_tenth_that_is_passed_again_is_not_told_again() -> None:
    stream = io.StringIO()

    with LineProgress(stream).transfer("Fetching", 100) as advance:
        for count in (55, -55, 30, 30):
            advance(count)

    assert [line for line in stream.getvalue().splitlines() if "%" in line] == ["  50 % of 0.0 MB", "  60 % of 0.0 MB"]


def test_a_log_gets_a_line_for_each_100_mb_of_unknown_size() -> None:
    stream = io.StringIO()
    with LineProgress(stream).transfer("Pulling", 0) as advance:
        for _ in range(5):
            advance(50_000_000)

    assert stream.getvalue().splitlines()[:-1] == ["Pulling", "  100.0 MB", "  200.0 MB"]


def test_a_terminal_bears_a_transfer_of_unknown_size(terminal: Terminal) -> None:
    with BarProgress(terminal).transfer("Fetching", 0) as advance:
        advance(10)


def test_a_log_hears_of_an_end_only_if_there_is_one() -> None:
    stream = io.StringIO()

    with pytest.raises(ZeroDivisionError), LineProgress(stream).transfer("Fetching", 100):
        raise ZeroDivisionError

    assert stream.getvalue() == "Fetching\n"


def test_a_terminal_gets_a_bar(terminal: Terminal) -> None:
    progress = progress_for(terminal)

    work(progress)

    text = terminal.getvalue()
    assert isinstance(progress, BarProgress)
    assert "━" in text
    assert "2.0/2.0 MB" in text
    assert "Compiling: done in 0.0 s" in text


def test_a_note_in_a_terminal_is_neither_wrapped_nor_marked_up(terminal: Terminal) -> None:
    text = "[bold]" + "a long path" * 30

    BarProgress(terminal).note(text)

    assert terminal.getvalue() == f"{text}\n"


def test_a_terminal_without_rich_gets_lines(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    assert isinstance(progress_for(terminal), LineProgress)


def test_silence_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    work(SilentProgress())

    assert capfd.readouterr() == ("", "")


def test_bytes_are_told_as_megabytes() -> None:
    assert megabytes(86_042_123) == "86.0 MB"
