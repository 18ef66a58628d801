"""The command `pytest-kestra`: the embedded engine, and checks of flows, without pytest."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from pytest_kestra.cli import clean, engine, image, plugin, record, upgrade, validate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        # Into a file on Windows there may be no sign for an arrow; all else counts more.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    # The engine's modules need its extra; what is missing is told by them, not by a failed import here.
    from pytest_kestra.engine.errors import EngineError
    from pytest_kestra.errors import KestraError

    try:
        return int(options.run(options))
    except (EngineError, KestraError) as error:
        print(f"pytest-kestra: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\npytest-kestra: interrupted; what was downloaded is kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pytest-kestra", description="Kestra's engine for tests, without Docker.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (engine, image, plugin, validate, upgrade, record, clean):
        command.add(commands)
    return parser
