from __future__ import annotations

import pytest

from pytest_kestra.requirements import unmet

KNOWN = {"embedded", "settled", "pages"}


@pytest.mark.parametrize(
    ("version", "actual"),
    [(">=1.3", "1.3.31"), (">=1.3,<2", "v1.3.19"), (">=2", "2.0.0-SNAPSHOT"), ("==1.3.*", "1.3.31")],
)
def test_versions_that_fit(version: str, actual: str) -> None:
    assert unmet(actual, (), known=KNOWN, version=version) is None


def test_version_that_does_not_fit() -> None:
    assert unmet("1.3.31", (), known=KNOWN, version=">=2") == "needs Kestra >=2, and the server is 1.3.31"
    assert unmet(None, (), known=KNOWN, version=">=2") == "needs Kestra >=2, and the server is of an unknown version"


def test_capabilities() -> None:
    assert unmet("1.3.31", {"embedded"}, known=KNOWN, capability="embedded") is None
    reason = unmet("1.3.31", {"settled", "embedded"}, known=KNOWN, capability="pages")
    assert reason == "needs a server with the capability 'pages', and this one has: embedded, settled"


def test_range_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"'new' is not a range of versions such as '>=1.3.20'"):
        unmet("1.3.31", (), known=KNOWN, version="new")


def test_capability_that_there_is_not() -> None:
    with pytest.raises(ValueError, match=r"there is no capability 'embeded'; did you mean 'embedded'\?"):
        unmet("1.3.31", (), known=KNOWN, capability="embeded")
