from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.containers.kestra import KestraContainer, ended, made_password, merged, official_image
from pytest_kestra.engine.errors import EngineError


def test_official_image_of_a_line_is_that_of_its_newest_version() -> None:
    assert re.fullmatch(r"kestra/kestra:v1\.3\.\d+", official_image("1.3"))


def test_official_image_of_any_version() -> None:
    assert official_image("1.2.7") == "kestra/kestra:v1.2.7"


def test_line_that_is_not_known() -> None:
    with pytest.raises(EngineError, match=r"1\.7"):
        official_image("1.7")


def test_plugins_of_one_name_are_beside_each_other(tmp_path: Path) -> None:
    container = object.__new__(KestraContainer)  # one that asks for no Docker
    container.volumes = {"/data": {"bind": "/data", "mode": "ro"}}
    for folder in ("a", "b", "a", "c"):
        container.with_plugin(tmp_path / folder / "our.jar")

    assert {host: volume["bind"] for host, volume in container.volumes.items()} == {
        "/data": "/data",
        str(tmp_path / "a" / "our.jar"): "/app/plugins/our.jar",
        str(tmp_path / "b" / "our.jar"): "/app/plugins/our-2.jar",
        str(tmp_path / "c" / "our.jar"): "/app/plugins/our-3.jar",
    }


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
