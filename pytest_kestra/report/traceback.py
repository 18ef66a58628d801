"""Tracebacks that end where the user's own code does."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def shorten(error: BaseException) -> None:
    """Cut the frames of this package and below off an error, and forget the errors that led to it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        if PACKAGE in Path(trace.tb_next.tb_frame.f_code.co_filename).parents:
            # Once shown, nobody needs the rest; pytest itself reads the chain anew at every step.
            trace.tb_next = None
        trace = trace.tb_next
    error.__cause__ = None
    error.__suppress_context__ = True
