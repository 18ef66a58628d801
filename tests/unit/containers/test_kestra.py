from __future__ import annotations

import contextlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from testcontainers.core.config import ConnectionMode

from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.containers.kestra import KestraContainer, ended, made_password, merged, official_image
from pytest_kestra.engine.errors import EngineError


def kestra(mode: str = "docker_host", host: str = "localhost") -> KestraContainer:
    """Return a container that asks for no Docker."""
    docker = SimpleNamespace(get_connection_mode=lambda: ConnectionMode(mode), host=lambda: host)
    with (
        patch("pytest_kestra.containers.daemon.telling", contextlib.nullcontext),
        patch("testcontainers.core.container.DockerClient", lambda **_: docker),
    ):
        return KestraContainer("kestra")


def test_official_image_of_a_line_is_that_of_its_newest_version() -> None:
    assert re.fullmatch(r"kestra/kestra:v1\.3\.\d+", official_image("1.3"))


def test_official_image_of_any_version() -> None:
    assert official_image("1.2.7") == "kestra/kestra:v1.2.7"


def test_line_that_is_not_known() -> None:
    with pytest.raises(EngineError, match=r"1\.7"):
        official_image("1.7")


def test_plugins_of_one_name_are_beside_each_other(tmp_path: Path) -> None:
    container = kestra()
    for folder in ("a", "b", "a", "c"):
        jar = tmp_path / folder / "our.jar"
        jar.parent.mkdir(exist_ok=True)
        jar.touch()
        container.with_plugin(jar)

    assert [spec[:2] for spec in container._transferable_specs] == [
        (tmp_path / "a" / "our.jar", "/app/plugins/our.jar"),
        (tmp_path / "b" / "our.jar", "/app/plugins/our-2.jar"),
        (tmp_path / "c" / "our.jar", "/app/plugins/our-3.jar"),
    ]


def test_plugin_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContainerError, match=r"^There is no plugin .*/our.jar: it is no file\.$"):
        kestra().with_plugin(tmp_path / "our.jar")


@pytest.mark.parametrize(
    ("mode", "host", "local", "direct"),
    [
        ("docker_host", "localhost", True, True),
        ("docker_host", "docker.company", False, False),
        ("bridge_ip", "localhost", False, True),
        ("gateway_ip", "localhost", False, True),
    ],
)
def test_networks_that_no_proxy_leads_to(mode: str, host: str, local: bool, direct: bool) -> None:
    container = kestra(mode, host)

    assert (container.is_local(), container.is_direct()) == (local, direct)


@pytest.mark.parametrize(
    ("mode", "bound"), [("docker_host", ("127.0.0.1",)), ("bridge_ip", ("127.0.0.1",)), ("gateway_ip", None)]
)
def test_ports_are_open_to_this_machine_where_it_is_dockers(mode: str, bound: Any) -> None:
    container = kestra(mode)
    container._configure()

    assert list(container.ports.values()) == [bound, bound]


def test_password_is_one_that_kestra_takes() -> None:
    password = made_password()

    assert re.search("[A-Z]", password)
    assert re.search("[0-9]", password)
    assert len(password) > 20
    assert password != made_password()


def test_configuration_is_merged_all_the_way_down() -> None:
    under = {"kestra": {"a": {"b": 1, "c": 2}, "list": [1, 2]}, "x": 1}
    over = {"kestra": {"a": {"c": 3}, "list": [4]}, "y": {"z": 1}}

    assert merged(under, over) == {"kestra": {"a": {"b": 1, "c": 3}, "list": [4]}, "x": 1, "y": {"z": 1}}
    assert under["kestra"] == {"a": {"b": 1, "c": 2}, "list": [1, 2]}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"ExitCode": 1}, "ended with the exit code 1"),
        ({"ExitCode": 137}, "ended with the exit code 137 (SIGKILL, as the system does where memory runs out)"),
        ({"ExitCode": 137, "OOMKilled": True}, "was ended, since its memory ran out"),
    ],
)
def test_end_of_a_container(state: dict[str, Any], text: str) -> None:
    assert ended(state) == text
