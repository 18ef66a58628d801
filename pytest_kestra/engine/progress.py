"""Telling how far the installation is: a bar in a terminal, lines in a log, or nothing."""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TextIO

Advance = Callable[[int], None]
HUNDRED = 100_000_000


class Progress(Protocol):
    """Hear of what the installer does."""

    def transfer(self, text: str, total: int) -> AbstractContextManager[Advance]:
        """Show a transfer of so many bytes while the context lasts; the value takes bytes as they arrive."""
        ...

    def step(self, text: str) -> AbstractContextManager[None]:
        """Show a phase while the context lasts."""
        ...

    def note(self, text: str) -> None:
        """Show a line that stays."""
        ...


class SilentProgress:
    """Show nothing."""

    @contextlib.contextmanager
    def transfer(self, _text: str, _total: int) -> Iterator[Advance]:
        """Show nothing."""
        yield lambda _: None

    @contextlib.contextmanager
    def step(self, _text: str) -> Iterator[None]:
        """Show nothing."""
        yield

    def note(self, _text: str) -> None:
        """Show nothing."""


class LineProgress:
    """Write lines, few enough for the log of a CI job."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    @contextlib.contextmanager
    def transfer(self, text: str, total: int) -> Iterator[Advance]:
        """Write a line at the start, at each further tenth, and at the end; each 100 MB of an unknown total."""
        done = tenths = hundreds = 0
        started = time.monotonic()

        def advance(count: int) -> None:
            nonlocal done, tenths, hundreds
            done += count
            if total and tenths < done * 10 // total < 10:
                tenths = done * 10 // total
                self.note(f"  {tenths * 10} % of {megabytes(total)}")
            elif not total and hundreds < done // HUNDRED:
                hundreds = done // HUNDRED
                self.note(f"  {megabytes(hundreds * HUNDRED)}")

        self.note(text)
        yield advance
        self.note(_done(total or done, time.monotonic() - started))

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write a line at the start."""
        self.note(text)
        yield

    def note(self, text: str) -> None:
        """Write a line."""
        self.stream.write(f"{text}\n")
        self.stream.flush()


class BarProgress:
    """Draw one bar in a terminal."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self.console = Console(file=stream, highlight=False)

    @contextlib.contextmanager
    def transfer(self, text: str, total: int) -> Iterator[Advance]:
        """Draw bytes, speed and the time that is left, and leave a line with the result."""
        from rich import progress as bars

        columns = (
            bars.BarColumn(),
            bars.TaskProgressColumn(),
            bars.DownloadColumn(),
            bars.TransferSpeedColumn(),
            bars.TimeRemainingColumn(),
        )
        self.note(text)
        started = time.monotonic()
        with bars.Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(text, total=total or None)
            yield lambda count: bar.update(task, advance=count)
            done = int(bar.tasks[task].completed)
        self.note(_done(total or done, time.monotonic() - started))

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Draw a spinner with the seconds that went by, and leave a line with the result."""
        from rich import progress as bars

        started = time.monotonic()
        columns = (bars.SpinnerColumn(), bars.TextColumn("{task.description}"), bars.TimeElapsedColumn())
        with bars.Progress(*columns, console=self.console, transient=True) as bar:
            bar.add_task(text, total=None)
            yield
        self.note(f"{text}: done in {time.monotonic() - started:.1f} s")

    def note(self, text: str) -> None:
        """Write a line."""
        self.console.print(text, markup=False, soft_wrap=True)


class AnnouncedProgress:
    """Show what another progress does, and call `announce` before: it may have to make room for it."""

    def __init__(self, progress: Progress, announce: Callable[[], None]) -> None:
        self.progress = progress
        self.announce = announce

    def transfer(self, text: str, total: int) -> AbstractContextManager[Advance]:
        """Show a transfer."""
        self.announce()
        return self.progress.transfer(text, total)

    def step(self, text: str) -> AbstractContextManager[None]:
        """Show a phase."""
        self.announce()
        return self.progress.step(text)

    def note(self, text: str) -> None:
        """Show a line."""
        self.announce()
        self.progress.note(text)


def progress_for(stream: TextIO, announce: Callable[[], None] | None = None) -> Progress:
    """Return a bar for a terminal, and lines for everything else; with `announce`, it is called before each."""
    bar = stream.isatty() and importlib.util.find_spec("rich")
    progress: Progress = BarProgress(stream) if bar else LineProgress(stream)
    return progress if announce is None else AnnouncedProgress(progress, announce)


def megabytes(count: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 1e6:.1f} MB"


def _done(total: int, seconds: float) -> str:
    return f"  {megabytes(total)} in {seconds:.1f} s ({megabytes(int(total / max(seconds, 0.001)))}/s)"
