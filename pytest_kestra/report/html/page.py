"""One HTML file that tells a whole run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import resources
from string import Template
from typing import Any

from pytest_kestra.report.html.listing import BAD, OUTCOMES, Json, escaped, items, listed, outcome_of, seconds

# In their order: each uses those before it.
SCRIPT = ("elements", "gantt", "logs", "executions", "tests", "search")
# With more failed tests than this the others stay closed: nobody reads them all at once.
OPENED = 20
# Values whose JSON the page shows as text, so that a number keeps all its digits.
VALUES = ("inputs", "outputs", "labels", "variables", "trigger")
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%23{colour}'/%3E%3Cpath d='{path}' fill='none' stroke='%23fff' "
    "stroke-width='2.2' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"
)
PASSED = ICON.format(colour="0a7a5c", path="M4 8.5l2.7 2.7L12 5.5")
FAILED = ICON.format(colour="c02a20", path="M5 5l6 6M11 5l-6 6")
NOTHING = '<p class="note">No test ran.</p>'


def page(run: Json) -> str:
    """Return the HTML of a run: tests and failures as text, all else as data that the page's script shows.

    Any value may be missing. No text of the run can become markup: what stands in HTML is escaped, the data are JSON
    without `<`, and the page's policy allows this style and this script only.
    """
    tests = sorted(items(run, "tests"), key=_passed)
    counted = Counter(outcome_of(test) for test in tests)
    failed = sum(counted[outcome] for outcome in BAD)
    opened = min(failed, OPENED)
    style, script = _file("page.css"), _script()
    return Template(_file("page.html")).substitute(
        policy=_policy(style, script),
        summary=escaped(_summary(counted)),
        title=escaped(run.get("title") or "pytest-kestra"),
        icon=FAILED if failed else PASSED,
        style=style,
        facts=" ".join(_facts(run)),
        counts="".join(_count(outcome, counted[outcome]) for outcome in OUTCOMES if counted[outcome]),
        unlisted=_unlisted(run, tests),
        tests="\n".join(listed(test, opened=index < opened) for index, test in enumerate(tests)) or NOTHING,
        data=_data({"tests": [_lean(test) for test in tests]}),
        script=script,
    )


def _script() -> str:
    """Return the files of the script as one, in which they know each other."""
    # Everything that a run tells is put into the page as text, never as markup.
    files = "\n".join(_file(f"script/{name}.js") for name in SCRIPT)
    return f'"use strict";\n(() => {{\n{files}\n}})();'


def _file(name: str) -> str:
    """Return a file of this package without indentation: every page carries it."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return "\n".join(line.strip() for line in text.splitlines())


def _policy(style: str, script: str) -> str:
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _passed(test: Json) -> bool:
    """Sort what failed first; the rest stays in its order."""
    return outcome_of(test) not in BAD


def _summary(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{counted[outcome]} {outcome}" for outcome in OUTCOMES if counted[outcome]) or "no tests"


def _facts(run: Json) -> Iterable[str]:
    server = ", ".join(str(run[name]) for name in ("version", "server") if run.get(name))
    if server:
        yield f"<span>Kestra {escaped(server)}</span>"
    if run.get("started"):
        yield f"<span>{escaped(_date(str(run['started'])))}</span>"
    if duration := seconds(run.get("duration")):
        yield f"<span>{duration}</span>"
    if run.get("command"):
        yield f"<code>{escaped(run['command'])}</code>"


def _date(text: str) -> str:
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)", text)
    return f"{found[1]} {found[2]} UTC" if found else text


def _count(outcome: str, number: int) -> str:
    return f'<li data-outcome="{outcome}" class="{outcome}"><b>{number}</b> {outcome}</li>'


def _unlisted(run: Json, tests: list[Json]) -> str:
    counts = run.get("counts") or {}
    left = sum(number for number in counts.values() if isinstance(number, int)) - len(tests)
    return f"{left} more without Kestra" if left > 0 else ""


def _lean(test: Json) -> dict[str, Any]:
    """Return what the script needs of a test: its failure stands in the page already, as text."""
    return {"id": test.get("id"), "executions": [_execution_data(item) for item in items(test, "executions")]}


def _execution_data(execution: Json) -> dict[str, Any]:
    tasks = [{**task, "outputs": _value(task.get("outputs"))} for task in items(execution, "tasks")]
    return {**execution, **{name: _value(execution.get(name)) for name in VALUES}, "tasks": tasks}


def _value(value: object) -> str | None:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) if value else None


def _data(data: Json) -> str:
    """Return JSON that stands safely in a script element: plain ASCII, and nothing that HTML knows."""
    try:
        text = json.dumps(data, default=str, allow_nan=False)
    except ValueError:
        # NaN and Infinity, which Python reads and writes and browsers do not.
        text = json.dumps(json.loads(json.dumps(data, default=str), parse_constant=str))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
