"""Write docs/failures.md: what pytest shows of typical failures, from a real run: `python -m tools.make_gallery`."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

DOCS = Path(__file__).resolve().parent.parent / "docs"
GALLERY = DOCS / "gallery"
TESTS = GALLERY / "test_gallery.py"
SUITE = GALLERY / "prices_suite.yaml"
PAGE = DOCS / "failures.md"
WIDTH = 110
INTRODUCTION = f"""\
# Failures

What pytest shows when a test of a flow fails, for typical failures. This page is written by `tools/make_gallery.py`
from a real run of [`{TESTS.name}`](gallery/{TESTS.name}) and a suite, with the flows beside them; a test compares it
with another run.

Each failure has its reason in the first line, within a hundred characters. `-v` adds outputs and all logs of what
failed, `-vv` all of everything, `-q` leaves the sections out. In CI the whole story is part of the failure itself, so
that it reaches JUnit files. pytest's short summary has one line of each, which keeps the reason at 80 columns.

Logs are shown as `execution.logs()` has them, also what Kestra says after a script has failed (`Command failed with
exit code …`), which the first lines leave out. Only the frames of a Python traceback name the line of the flow's file
instead of the file that Kestra has made of the script. Secrets are stars, also in the values that pytest compares.
"""
# Where pytest and this machine say something else in every run.
CHANGING = (
    # The id of an execution may be of letters only, as a name is.
    (re.compile(r"(?<=xecution[ =:])([ \"]?)[0-9A-Za-z]{17,22}\b"), r"\1<id>"),
    (re.compile(r"([a-z-]+)-pytest-[0-9a-f]{6}-[0-9a-f]{4}\b"), r"\1-<unique>"),
    (re.compile(r" *\d+\.\d{3} s"), " <time>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+"), "<date>"),
    # Where a line breaks off depends on the length of what changes.
    (re.compile(r".…$", re.MULTILINE), "…"),
    (re.compile(r"^E?[ ~^]*[~^]+ *\n", re.MULTILINE), ""),
    (re.compile(r"^(E? *ERROR \w+:)?[ ~^]*[~^]+ *$", re.MULTILINE), ""),
)


def main() -> None:
    """Run the tests and write the page."""
    PAGE.write_text(written(output()), encoding="utf-8", newline="\n")


def output() -> str:
    """Return what pytest prints about the tests of the gallery, on an engine of their own."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS") and not name.startswith("PYTEST_")
    }
    options = ("--color=no", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", TESTS.name, SUITE.name, *options],
        cwd=GALLERY,
        env={**environment, **_home(), "PYTEST_KESTRA_SERVER": "embedded", "COLUMNS": str(WIDTH)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def written(text: str) -> str:
    """Return the page for what pytest has printed; ValueError where a test has not failed."""
    shown = dict(_failures(text))
    parts = [INTRODUCTION]
    for name, description in _told():
        if name not in shown:
            raise ValueError(f"{name} has not failed:\n{text}")
        title, _, more = description.partition("\n\n")
        more = f"{more}\n\n" if more else ""
        parts.append(f"## {title.rstrip('.')}\n\n{more}```text\n{shown[name]}\n```\n")
    return "\n".join(parts)


def _told() -> Iterator[tuple[str, str]]:
    """Return the names of the tests and cases, with what they say of themselves."""
    for node in ast.parse(TESTS.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, ast.get_docstring(node) or ""
    for case in yaml.safe_load(SUITE.read_text(encoding="utf-8"))["testCases"]:
        yield case["id"], case["description"]


def compared(page: str) -> str:
    """Return a page without what is another in every run."""
    for pattern, replacement in CHANGING:
        page = pattern.sub(replacement, page)
    return page


def _home() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PYTEST_KESTRA_HOME")}


def _failures(text: str) -> Iterator[tuple[str, str]]:
    body = re.split(r"^=+ (?:FAILURES|short test summary info) =+\n", text, flags=re.MULTILINE)[1]
    parts = re.split(r"^_{3,} (\w+) _{3,}\n", body, flags=re.MULTILINE)
    for name, shown in zip(parts[1::2], parts[2::2], strict=True):
        # The docstring stands above.
        without = re.sub(r'(    def \w+\(\w+\):\n)        """.*?"""\n', r"\1", shown, flags=re.DOTALL)
        yield name, re.sub(r"^kestra = .*\n\n", "", without.strip("\n"), flags=re.MULTILINE).rstrip()


if __name__ == "__main__":
    main()
