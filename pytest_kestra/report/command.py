"""The command that runs a test again."""

from __future__ import annotations

import os
import shlex

import pytest


def run_again(test_id: str, config: pytest.Config) -> str:
    """Return what runs a test again, from the folder in which this run was begun, on the versions that were named."""
    path, separator, name = test_id.partition("::")
    # The ids of tests begin at pytest's root folder.
    place = os.path.relpath(config.rootpath / path, config.invocation_params.dir)
    # Where there are several, its id names one of them.
    versions = [f"--kestra-version={version}" for version in config.getoption("kestra_version") or ()]
    return shlex.join(["pytest", place + separator + name, *versions])
