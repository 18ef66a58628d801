"""What the marks of a test, its class and its module say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.errors import KestraError, SettingsError
from pytest_kestra.settings import Settings

if TYPE_CHECKING:
    from pytest_kestra.report.guard import Allowed
    from pytest_kestra.server.base import Server

# What the mark `kestra` may set: the rest belongs to the server, which all tests share.
PER_TEST = ("timeout", "isolation", "keep", "fail_on_log_level", "strict_mocks")


def told(message: str) -> BaseException:
    """Return a failure that shows its message and nothing else."""
    return pytest.fail.Exception(message, pytrace=False)


def settings_of(node: pytest.Item | pytest.Collector, settings: Settings) -> Settings:
    """Return the settings with what marks of a test, or of all tests below a node, say."""
    for mark in reversed(list(node.iter_markers("kestra"))):
        where = _checked(mark, PER_TEST, node)
        try:
            settings = settings.override(mark.kwargs, where)
        except SettingsError as error:
            raise told(str(error)) from None
    if settings.isolation == "none" and settings.prefix is not None:
        raise told(
            f"isolation=none ({settings.source('isolation')}) deploys flows where they say, but "
            f"prefix={settings.prefix} ({settings.source('prefix')}) wants them below it: leave one of them out."
        )
    return settings


def allowed_logs(node: pytest.Item | pytest.Collector) -> list[Allowed]:
    """Return the logs that are expected at a level which the settings forbid."""
    return [_allowed(mark, node) for mark in node.iter_markers("kestra_allow_logs")]


def _allowed(mark: pytest.Mark, node: pytest.Item | pytest.Collector) -> Allowed:
    from pytest_kestra.report.guard import Allowed
    from pytest_kestra.run.logs import Logs

    where = _checked(mark, ("matching", "task", "level"), node)
    allowed = Allowed(**mark.kwargs)
    try:
        allowed.of(Logs())
    except KestraError as error:
        raise told(f"{where}: {error}") from None
    return allowed


def skip_unless(node: pytest.Item | pytest.Collector, server: Server) -> None:
    """Skip where the server has not what a test, or all tests below a node, require."""
    for mark in node.iter_markers("kestra_requires"):
        from pytest_kestra.requirements import unmet
        from pytest_kestra.server.base import CAPABILITIES

        where = _checked(mark, ("version", "capability"), node)
        try:
            reason = unmet(server.address.version, server.capabilities, known=CAPABILITIES, **mark.kwargs)
        except ValueError as error:
            raise told(f"{where}: {error}") from None
        if reason:
            pytest.skip(reason)


def _checked(mark: pytest.Mark, names: Sequence[str], node: pytest.Item | pytest.Collector) -> str:
    """Return how a mark is called in errors; fail where it has other arguments than these names."""
    where = f"the mark `{mark.name}` of {node.name}"
    wrong = [*map(repr, mark.args), *(name for name in mark.kwargs if name not in names)]
    if wrong:
        raise told(f"{where} takes {', '.join(f'{name}=' for name in names)}, not {', '.join(wrong)}.")
    return where
