"""Unit-test suites give the same verdicts in a container as on the engine, with an API for them and without."""

from __future__ import annotations

import shutil

import pytest

from tests.container.projects import Project
from tests.suites import SUITES, missing_words

# As Kestra's official open-source image is.
WITHOUT_API = """
from pytest_kestra.client.suites import Suites

Suites.served = lambda self: False
"""


@pytest.mark.parametrize(("conftest", "passed", "skipped"), [("", 32, 1), (WITHOUT_API, 31, 2)], ids=["api", "none"])
def test_verdicts_are_those_of_the_engine(project: Project, conftest: str, passed: int, skipped: int) -> None:
    for name in ("flows", "good", "twins"):
        shutil.copytree(SUITES / name, project.path / name)
    project.pytester.makeconftest(conftest)
    project.pytester.makeini("[pytest]\nmarkers =\n    slow\n    suites\n")

    good = project.pytester.runpytest_subprocess(*project.arguments, "good")
    good.assert_outcomes(passed=passed, skipped=skipped)

    twins = project.pytester.runpytest_subprocess(*project.arguments, "twins")
    assert set(twins.parseoutcomes()) == {"failed"}
    if not conftest:
        assert missing_words(twins.stdout.str()) == set()
