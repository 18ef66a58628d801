"""What the fixtures give a server that is started: values that it cannot take are told in a sentence."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.errors import SettingsError
from pytest_kestra.server.equipment import Equipment

TEXT = "Give a text, or leave it out."
PLAIN = "Give a text, a number, True or False, a list or a dictionary."


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"secrets": {"A": None}}, f"kestra_secrets: 'A' is None, not a text. {TEXT}"),
        ({"secrets": {"A": 4711}}, f"kestra_secrets: 'A' is of the type int, not a text. {TEXT}"),
        ({"secrets": {1: "a"}}, "kestra_secrets: the name 1 is of the type int, not a text. Give a text."),
        ({"environment": {"": "y"}}, "kestra_environment: '' cannot be a name. Give another."),
        ({"environment": {"A=B": "y"}}, "kestra_environment: 'A=B' cannot be a name. Give another."),
        ({"secrets": None}, "kestra_secrets is None, not a dictionary. Return one; an empty one gives nothing."),
        ({"environment": {"A": True}}, f"kestra_environment: 'A' is of the type bool, not a text. {TEXT}"),
        ({"volumes": {"a": date(2026, 1, 31)}}, f"kestra_volumes: 'a' is of the type date, not a text. {TEXT}"),
        (
            {"plugins": "a.jar"},
            "kestra_plugins is of the type str, not a list. Return one; an empty one gives nothing.",
        ),
        ({"plugins": [7]}, "kestra_plugins: 7 is of the type int, not a text. Give a text."),
        (
            {"config": {"kestra": {"a": [1, {"day": date(2026, 1, 31)}]}}},
            "kestra_server_config: kestra.a.1.day is of the type date, which Kestra's configuration cannot hold. "
            + PLAIN,
        ),
        (
            {"config": ["kestra"]},
            "kestra_server_config is of the type list, not a dictionary. Return one; an empty one gives nothing.",
        ),
    ],
)
def test_value_that_no_server_takes(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Equipment(**values)

    assert str(raised.value) == told


def test_path_in_the_configuration() -> None:
    with pytest.raises(SettingsError, match=rf"^kestra_server_config: a\.b is of the type {type(Path()).__name__}, "):
        Equipment(config={"a": {"b": Path()}})


def test_values_that_servers_take() -> None:
    config = {"a": {"b": [1, 2.5, True, None, ("x",)]}}

    assert Equipment(config, {"A": ""}, ("a.jar",), {"B": "1"}, {"c": "/d"}).given == [
        "secrets",
        "plugins",
        "configuration",
    ]


def test_relative_paths_are_below_a_folder() -> None:
    jars, volumes = ("b.jar", "/c.jar", "io.a:b:1"), {"data": "/d", "/e": "/e", "~/f": "/f"}
    found = Equipment(plugins=jars, volumes=volumes).below(Path("/project"))

    assert found.plugins == ["/project/b.jar", "/c.jar", "io.a:b:1"]
    assert found.volumes == {"/project/data": "/d", "/e": "/e", "~/f": "/f"}
