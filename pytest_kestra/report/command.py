"""The command that runs a test again."""

from __future__ import annotations

import os
import shlex

import pytest

from pytest_kestra.options import OPTIONS, Option

# What a run writes or leaves besides its results.
LEFT_OUT = ("artifacts", "html", "keep")


def run_again(test_id: str, config: pytest.Config) -> str:
    """Return what runs a test again, from the folder in which this run was begun, with the options that it was given.

    Secret ones are left out, and those that only say what a run leaves behind.
    """
    path, separator, name = test_id.partition("::")
    # The ids of tests begin at pytest's root folder.
    place = os.path.relpath(config.rootpath / path, config.invocation_params.dir)
    options = [option for option in OPTIONS if not option.secret and option.attribute not in LEFT_OUT]
    given = [text for option in options for text in _given(option, config.getoption(option.ini_name))]
    return shlex.join(["pytest", place + separator + name, *given])


def _given(option: Option, value: str | list[str] | None) -> list[str]:
    """Return an option as it is given; where a test runs on several versions, its id names one of them."""
    if value is None:
        return []
    if option.flag:
        return [option.flag_name]
    return [f"{option.flag_name}={text}" for text in ([value] if isinstance(value, str) else value)]
