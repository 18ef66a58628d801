"""What the engine does when it is a container's process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.engine.container import orders
from pytest_kestra.engine.errors import EngineError

ENGINE = {"library": "libjvm.so", "class_path": ["a.jar"], "version": "1.3.31", "options": [], "tables": None}
CONFIGURATION = """\
kestra:
  server: {basic-auth: {username: ada@example.com, password: Secret123}}
  url: http://kestra.example.com
"""
LOCAL = ["server", "local"]


@pytest.fixture(autouse=True)
def folders_of_engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def told(configuration: str = CONFIGURATION, *, arguments: list[str] | None = None, **environ: str) -> Any:
    return orders(ENGINE, {"KESTRA_CONFIGURATION": configuration, **environ}, arguments or LOCAL, Path("nowhere"))


def test_configuration_comes_from_the_environment() -> None:
    found = told()

    assert (found.user, found.password) == ("ada@example.com", "Secret123")
    assert found.configuration == {"kestra.url": "http://kestra.example.com"}
    assert (found.host, found.ports, found.plugins) == ("0.0.0.0", [8080, 8081], None)


def test_key_for_encryption_may_be_given() -> None:
    assert told(CONFIGURATION + "  encryption: {secret-key: abc}").encryption_key == "abc"
    assert told().encryption_key != told().encryption_key


def test_plugins_are_those_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "x.jar").touch()

    assert orders(ENGINE, {"KESTRA_CONFIGURATION": CONFIGURATION}, LOCAL, tmp_path).plugins == str(tmp_path)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ("", "has no kestra.server.basic-auth.username"),
        ("kestra: {server: {basic-auth: {username: ada}}}", "has no kestra.server.basic-auth.password"),
        ("kestra: [", "is no YAML"),
        ("- kestra", "is no mapping"),
    ],
)
def test_wrong_configuration(configuration: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        told(configuration)


def test_other_commands_are_refused() -> None:
    with pytest.raises(EngineError, match="takes the command `server local` or `server standalone`, not `worker`"):
        told(arguments=["worker"])
