"""Compile the stand-in of mocked tasks into the jar that is shipped, which servers take as a plugin.

It is shipped compiled, since who uses containers needs no Java. The engine has to be installed: its jars are compiled
against. The same sources make the same bytes; `tests/engine/test_stand_in.py` compares them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_kestra.engine.compiler import Compiler
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.lock import Lock, resolve_version
from pytest_kestra.engine.plugins import STAND_IN
from pytest_kestra.engine.runtime import Runtime

SOURCES = STAND_IN.parent / "java"


def make(jar: Path) -> None:
    """Compile the sources into a jar."""
    lock, home = Lock.read(resolve_version("1.3")), Home.configured()
    (program,) = map(home.jar, lock.tools)
    Compiler(Runtime.find().java, program, [home.jar(one) for one in lock.jars]).compile([SOURCES], jar)


def main() -> int:
    """Write the jar that is shipped."""
    make(STAND_IN)
    return 0


if __name__ == "__main__":
    sys.exit(main())
