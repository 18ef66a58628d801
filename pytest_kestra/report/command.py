"""The command that runs a test again."""

from __future__ import annotations

import os
import shlex

import pytest


def run_again(test_id: str, config: pytest.Config) -> str:
    """Return what runs a test again, from the folder in which this run was begun."""
    path, separator, name = test_id.partition("::")
    # The ids of tests begin at pytest's root folder.
    place = os.path.relpath(config.rootpath / path, config.invocation_params.dir)
    return f"pytest {shlex.quote(place + separator + name)}"
