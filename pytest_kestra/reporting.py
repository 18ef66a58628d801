"""What the plugin does where pytest reports: of an assertion, and of a test."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.errors import KestraError, ServerError
from pytest_kestra.masking import masked
from pytest_kestra.stash import (
    ENDED,
    LIVE,
    SECRETS,
    SERVER,
    SETTINGS,
    SUBTEST_MASK,
    TOLD,
    has_colours,
    used_by,
)

if TYPE_CHECKING:
    from pytest_kestra.report.used import Used

PACKAGE = "pytest_kestra"
MASKED = "They differ in a secret, which is masked."


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """Tell the whole story where a state or the path of an execution is not as asserted, and no secrets elsewhere."""
    # What is not loaded cannot be compared.
    if "pytest_kestra.run.path" not in sys.modules:
        return None
    from pytest_kestra.report.comparison import comparison
    from pytest_kestra.report.secrets import cleaned

    # As pytest decides whether it cuts explanations; what is left out of this one stands in a section of the report.
    verbose = config.get_verbosity(pytest.Config.VERBOSITY_ASSERTIONS) >= 2
    whole = verbose or any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))
    lines = comparison(left, op, right, whole=whole)
    if lines:
        config.stash[TOLD] = lines[0]
        return lines
    clean = cleaned(left, right, _mask(config))
    if clean is None:
        return None
    # What pytest, or another plugin, says of the values without secrets.
    others = config.pluginmanager.subset_hook_caller("pytest_assertrepr_compare", [sys.modules[f"{PACKAGE}.plugin"]])
    found = others(config=config, op=op, left=clean[0], right=clean[1])
    told = next((list(one) for one in found if one), None)
    return [*told, "", MASKED] if told and clean[0] == clean[1] else told


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave our own frames and secrets out of a failure, and add what Kestra knows about it."""
    error = None if call.excinfo is None else call.excinfo.value
    server = item.config.stash.get(SERVER, None)
    if isinstance(error, ServerError) and server is not None:
        from pytest_kestra.report.ending import tell_ending

        server.doubt()
        if tell_ending(error, server, item.config.stash.get(ENDED, None)):
            item.config.stash.setdefault(ENDED, item.nodeid)
    if isinstance(error, KestraError) and not item.config.option.fulltrace:
        from pytest_kestra.report.traceback import shorten

        shorten(error)
    report = yield
    used = used_by(item)
    if report.failed:
        for made in used.made if used is not None else ():
            made.failed = True
        from pytest_kestra.report.sections import add_sections

        add_sections(
            report,
            error,
            used,
            None if ENDED in item.config.stash else server,
            colour=has_colours(item.config),
        )
    from pytest_kestra.report.secrets import SubtestMask, mask_report

    mask = _mask(item.config, used)
    mask_report(report, mask)
    if SUBTEST_MASK not in item.config.stash:
        item.config.stash[SUBTEST_MASK] = SubtestMask()
        item.config.pluginmanager.register(item.config.stash[SUBTEST_MASK])
    item.config.stash[SUBTEST_MASK].mask = mask
    if report.failed and error is not None:
        from pytest_kestra.report.summary import summarise

        summarise(report, error, item.config.stash.get(TOLD, None))
    if ENDED not in item.config.stash:
        from pytest_kestra.report.exports import add_exports

        add_exports(report, item, used, item.config.stash[SETTINGS], server)
    return report


def _mask(config: pytest.Config, used: Used | None = None) -> Callable[[str], str]:
    """Return what masks secrets in a text: those of the run, of all that lives, and of what a test has used."""
    secrets = config.stash[SECRETS]
    kestras = [made.kestra for made in config.stash.get(LIVE, ())]
    kestras += [made.kestra for made in used.made if made.kestra not in kestras] if used is not None else []

    def mask(text: str) -> str:
        for kestra in kestras:
            text = kestra.masked(text)
        return masked(text, secrets)

    return mask
