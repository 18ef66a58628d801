"""The lines of Kestra that the engine runs, each in a module of its own."""

from __future__ import annotations

from pytest_kestra.engine.kestra import Kestra


def of(line: str) -> type[Kestra]:
    """Return the class that runs a line, such as `1.3`."""
    if line == "1.3":
        from pytest_kestra.engine.lines.one_three import KestraOneThree

        return KestraOneThree
    from pytest_kestra.engine.lines.two_zero import KestraTwoZero

    return KestraTwoZero
