"""What the plugin keeps of a run and of its tests, in pytest's stashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_kestra.report.used import Made, Used

if TYPE_CHECKING:
    from pytest_kestra.client.client import Client
    from pytest_kestra.report.secrets import SubtestMask
    from pytest_kestra.server.base import Server
    from pytest_kestra.server.run import Run
    from pytest_kestra.settings import Settings

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
RUN: pytest.StashKey[Run] = pytest.StashKey()
SERVER: pytest.StashKey[Server] = pytest.StashKey()
CLIENT: pytest.StashKey[Client] = pytest.StashKey()
# What no report shows, whatever test it is of.
SECRETS: pytest.StashKey[list[str]] = pytest.StashKey()
# What fixtures have made for a test, or for all tests below a node, by the names of the fixtures.
KESTRA: pytest.StashKey[dict[str, Made]] = pytest.StashKey()
# All that are in use.
LIVE: pytest.StashKey[list[Made]] = pytest.StashKey()
# Whether workers of pytest-xdist were ended before their tests.
CUT_OFF: pytest.StashKey[bool] = pytest.StashKey()
# The test that has told how the server has ended.
ENDED: pytest.StashKey[str] = pytest.StashKey()
# The first line of what the last assertion about an execution has told.
TOLD: pytest.StashKey[str] = pytest.StashKey()
SUBTEST_MASK: pytest.StashKey[SubtestMask] = pytest.StashKey()
# The entry of xdist's worker input that names the run's folder.
WORKER_RUN = "kestra_run"
# And the one that says whether the terminal of the controller has colours.
WORKER_COLOUR = "kestra_colour"


def run_of(config: pytest.Config) -> Run:
    """Return the run of this process: the one that its controller owns, or one of its own."""
    if RUN not in config.stash:
        from pytest_kestra.server.run import Run

        folder = getattr(config, "workerinput", {}).get(WORKER_RUN)
        config.stash[RUN] = Run.create() if folder is None else Run.join(folder)
    return config.stash[RUN]


def used_by(item: pytest.Item) -> Used | None:
    """Return what a test uses and is not lost; None where that is nothing."""
    names = getattr(item, "fixturenames", ())
    made = [
        one
        for node in item.listchain()
        for name, one in node.stash.get(KESTRA, {}).items()
        if (node is item or name in names) and not one.lost
    ]
    return Used(made) if made else None


def has_colours(config: pytest.Config) -> bool:
    """Tell whether the terminal has colours, also in a worker of pytest-xdist."""
    worker = getattr(config, "workerinput", {})
    if WORKER_COLOUR in worker:
        return bool(worker[WORKER_COLOUR])
    # There may be no terminal: `-p no:terminal`.
    return config.pluginmanager.has_plugin("terminalreporter") and bool(config.get_terminal_writer().hasmarkup)
