"""The Java virtual machine inside the engine's process."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Lightly compiled code starts fastest, and a test run is short; the heap's ceiling keeps a laptop usable.
OPTIONS = (
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xms64m",
    "-Xmx1g",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
    # As in Kestra's image: a schedule means the same hour on every machine.
    "-Duser.timezone=UTC",
    # It would stay behind where the process is ended.
    "-XX:-UsePerfData",
)
# By these a machine gives options to all virtual machines; some would keep ours from starting, or make it another one.
VARIABLES = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
OWN = ("-Dfile.encoding", "-Djava.awt.headless", "-Duser.timezone", "-Dlogback.configurationFile", "-Djava.io.tmpdir")
TEMPORARY = "temporary"
# JPype makes the Python class of a Java class when it is first met, and a thread that meets it while another one makes
# it ends the process (JPHintsConversion::matches). So no thread is interrupted in Python's own code: threads change
# where one waits or calls Java, which they do all the time here.
SWITCH_INTERVAL_S = 3600.0

LOGBACK = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{36} %msg%n</pattern></encoder>
  </appender>
  <logger name="org.flywaydb" level="ERROR"/>
  <logger name="io.micrometer.prometheusmetrics" level="ERROR"/>
  <logger name="io.kestra.core.server.AbstractServiceLivenessTask" level="ERROR"/>
  <logger name="flow" level="OFF"/>
  <logger name="worker" level="OFF"/>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
"""


def start(library: Path, class_path: Sequence[Path], folder: Path, extra: Sequence[str] = ()) -> None:
    """Start the virtual machine of this process; it can be started once.

    `library` is the runtime's `libjvm`, `folder` a place for the logging configuration, `extra` further options, such
    as those that name the AOT cache.
    """
    import jpype

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    jpype.startJVM(
        str(library),
        *options(folder),
        *extra,
        classpath=[str(jar) for jar in class_path],
        convertStrings=True,
    )


def options(folder: Path) -> list[str]:
    """Return the options of every virtual machine of the engine.

    `folder` is a place for the logging configuration, and for temporary files, which are removed with the engine.
    They are the same when the AOT cache is made and when it is used, since the machine takes it only then.
    """
    logback = folder / "logback.xml"
    logback.write_text(LOGBACK, encoding="utf-8")
    temporary = folder / TEMPORARY
    temporary.mkdir(exist_ok=True)
    return [*OPTIONS, f"-Dlogback.configurationFile={logback}", f"-Djava.io.tmpdir={temporary}"]


def properties(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what is taken of an environment's options for virtual machines: properties, but none of those set here."""
    found = {}
    for name in VARIABLES:
        given = _words(environ.get(name, ""))
        if taken := [text for text in given if text.startswith("-D") and not text.startswith(OWN)]:
            found[name] = shlex.join(taken)
    return found


def plain(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without options for virtual machines."""
    return {name: value for name, value in environ.items() if name not in VARIABLES}


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that does not end
        return text.split()


def java(name: str) -> Any:
    """Return a Java class by its full name."""
    import jpype

    return jpype.JClass(name)


def to_java(value: Any) -> Any:
    """Return a mapping or list as Java's own collections, all the way down; other values unchanged."""
    if isinstance(value, dict):
        converted = java("java.util.LinkedHashMap")()
        for key, item in value.items():
            converted.put(key, to_java(item))
        return converted
    if isinstance(value, (list, tuple)):
        items = java("java.util.ArrayList")()
        for item in value:
            items.add(to_java(item))
        return items
    return value
