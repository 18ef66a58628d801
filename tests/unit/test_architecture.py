"""The import rules of ARCHITECTURE.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "pytest_kestra"
NAME = "pytest_kestra"
# What the modules of each layer may import of this package; a layer may always import itself.
BASE = {"errors", "names", "states", "times", "records", "address", "masking", "github", "options", "settings"}
BASE |= {"certificates", "connection"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "states": set(),
    "times": {"errors"},
    "names": {"errors"},
    "address": set(),
    "certificates": {"address", "engine", "errors"},
    "connection": {"address", "certificates", "engine", "errors"},
    "masking": set(),
    "github": set(),
    "options": set(),
    "records": {"states", "times", "names"},
    "settings": {"errors", "options"},
    "inifile": {"options"},
    "requirements": {"errors"},
    "client": BASE,
    "flows": BASE | {"client"},
    "checks": BASE | {"client", "flows"},
    "mocks": BASE | {"client", "flows"},
    "run": BASE | {"client", "flows", "mocks"},
    "suites": BASE | {"client", "flows", "mocks", "run", "versions"},
    "report": BASE | {"client", "flows", "run", "server"},
    "server": {"errors", "address", "connection", "settings", "engine", "containers"},
    "containers": {"engine"},
    "engine": set(),
    "marks": BASE | {"report", "requirements", "run", "server"},
    "fixtures": BASE | {"client", "flows", "marks", "run", "report", "server", "stash"},
    "cli": {"errors", "settings", "server", "engine", "containers", "checks", "client", "run", "suites"},
    "versions": set(),
    "validation": BASE | {"checks", "client", "flows", "versions"},
    "stash": BASE | {"client", "report", "run", "server"},
    "hooks": BASE
    | {"client", "inifile", "marks", "report", "run", "server", "stash", "suites", "validation", "versions"},
    "reporting": BASE | {"report", "stash"},
    "plugin": {"fixtures", "hooks", "reporting"},
    "__init__": BASE | {"client", "mocks", "run", "server"},
}
PYTEST = {
    "plugin",
    "hooks",
    "inifile",
    "marks",
    "reporting",
    "stash",
    "fixtures",
    "report",
    "suites",
    "validation",
    "versions",
}


MODULES = [
    pytest.param(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path, id=str(path.relative_to(PACKAGE)))
    for path in sorted(PACKAGE.rglob("*.py"))
]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == NAME)


@pytest.mark.parametrize(("layer", "path"), MODULES)
def test_layers_import_only_what_is_below_them(layer: str, path: Path) -> None:
    used = {name.split(".")[1] for name in imports(path) if name.startswith(f"{NAME}.")}

    assert used - {layer} <= ALLOWED[layer]


@pytest.mark.parametrize(("layer", "path"), MODULES)
def test_only_the_plugin_layers_import_pytest(layer: str, path: Path) -> None:
    assert layer in PYTEST or not {"pytest", "_pytest"} & {name.split(".")[0] for name in imports(path)}


def test_plugin_imports_nothing_heavy() -> None:
    heavy = ["testcontainers", "jpype", "starlette", "uvicorn", "httpx", "yaml", "filelock", "rich", "isodate"]
    code = f"import sys, pytest_kestra.plugin; print([name for name in {heavy} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
