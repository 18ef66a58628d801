"""One HTML file that tells a whole run."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import resources
from string import Template
from typing import Any
from urllib.parse import quote

# In the order in which tests are listed and counted.
OUTCOMES = {"failed": "F", "error": "E", "xpassed": "X", "passed": "✓", "skipped": "s", "xfailed": "x"}
BAD = ("failed", "error")
# With more failed tests than this the others stay closed: nobody reads them all at once.
OPENED = 20
# Values whose JSON the page shows as text, so that a number keeps all its digits.
VALUES = ("inputs", "outputs", "labels", "variables", "trigger")
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%23{colour}'/%3E%3Cpath d='{path}' fill='none' stroke='%23fff' "
    "stroke-width='2.2' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"
)
NOTHING = '<p class="note">No test ran.</p>'
PASSED = ICON.format(colour="0a7a5c", path="M4 8.5l2.7 2.7L12 5.5")
FAILED = ICON.format(colour="c02a20", path="M5 5l6 6M11 5l-6 6")
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# What cannot be written as UTF-8, or not shown in HTML.
UNFIT = re.compile("[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Json = Mapping[str, Any]


def page(run: Json) -> str:
    """Return the HTML of a run: tests and failures as text, all else as data that the page's script shows.

    Any value may be missing. No text of the run can become markup: what stands in HTML is escaped, the data are JSON
    without `<`, and the page's policy allows this style and this script only.
    """
    tests = sorted(_items(run, "tests"), key=_rank)
    counted = Counter(_outcome(test) for test in tests)
    style, script = _file("page.css"), _file("page.js")
    return Template(_file("page.html")).substitute(
        policy=_policy(style, script),
        summary=_text(_summary(counted)),
        title=_text(run.get("title") or "pytest-kestra"),
        icon=FAILED if any(counted[outcome] for outcome in BAD) else PASSED,
        style=style,
        facts=" ".join(_facts(run)),
        counts="".join(_count(outcome, counted[outcome]) for outcome in OUTCOMES if counted[outcome]),
        unlisted=_unlisted(run, tests),
        tests="\n".join(_test(test, opened=index < OPENED) for index, test in enumerate(tests)) or NOTHING,
        data=_data({"tests": [_lean(test) for test in tests]}),
        script=script,
    )


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


def _items(data: Json, name: str) -> list[Json]:
    return [item for item in data.get(name) or () if isinstance(item, Mapping)]


def _outcome(test: Json) -> str:
    outcome = str(test.get("outcome"))
    return outcome if outcome in OUTCOMES else "error"


def _rank(test: Json) -> int:
    """Put what failed first; the rest stays in its order."""
    return _outcome(test) not in BAD


def _text(value: object) -> str:
    return html.escape(UNFIT.sub("\ufffd", ANSI.sub("", str(value))))


def _summary(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{counted[outcome]} {outcome}" for outcome in OUTCOMES if counted[outcome]) or "no tests"


def _facts(run: Json) -> Iterable[str]:
    server = ", ".join(str(run[name]) for name in ("version", "server") if run.get(name))
    if server:
        yield f"<span>Kestra {_text(server)}</span>"
    if run.get("started"):
        yield f"<span>{_text(_date(str(run['started'])))}</span>"
    if duration := _seconds(run.get("duration")):
        yield f"<span>{duration}</span>"
    if run.get("command"):
        yield f"<code>{_text(run['command'])}</code>"


def _date(text: str) -> str:
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)", text)
    return f"{found[1]} {found[2]} UTC" if found else text


def _seconds(value: object) -> str:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    if value < 60:
        return f"{value:.2f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} m {seconds:02} s"


def _count(outcome: str, number: int) -> str:
    return f'<li data-outcome="{outcome}" class="{outcome}"><b>{number}</b> {outcome}</li>'


def _unlisted(run: Json, tests: list[Json]) -> str:
    counts = run.get("counts") or {}
    left = sum(number for number in counts.values() if isinstance(number, int)) - len(tests)
    return f"{left} more without Kestra" if left > 0 else ""


def _test(test: Json, *, opened: bool) -> str:
    outcome = _outcome(test)
    name = str(test.get("id") or "a test without a name")
    path, colons, function = name.rpartition("::")
    function, bracket, parameters = function.partition("[")
    parts = [
        f'<details class="test {outcome}" data-outcome="{outcome}"{" open" if opened and outcome in BAD else ""}><summary>',
        f'<span class="mark {outcome}" aria-hidden="true">{OUTCOMES[outcome]}</span>',
        f'<span class="what"><span class="id"><span class="path">{_text(path + colons)}</span><wbr>'
        f'<b>{_text(function)}</b><span class="value">{_text(bracket + parameters)}</span></span> '
        f'<span class="word {outcome}">{outcome}</span>',
        f'<span class="why">{_text(_why(test))}</span></span>',
        f'<span class="worker">{_text(test.get("worker") or "")}</span>',
        f'<span class="took">{_seconds(test.get("duration"))}</span>',
        f'<a class="link" href="#test={quote(name.encode("utf-8", "replace"), safe="")}" '
        'title="Link to this test" aria-label="Link to this test">#</a>',
        '</summary><div class="body">',
    ]
    if test.get("failure"):
        # The first line break after <pre> is none of the text.
        parts.append(f'<pre class="failure" tabindex="0">\n{_failure(str(test["failure"]))}</pre>')
    if test.get("reproduce"):
        parts.append(f'<div class="reproduce"><code>{_text(test["reproduce"])}</code></div>')
    executions = "".join(f"<li>{_execution(execution)}</li>" for execution in _items(test, "executions"))
    parts.append(f'<ul class="executions">{executions}</ul></div></details>')
    return "".join(parts)


def _why(test: Json) -> str:
    """Return one line that tells why a test did not just pass."""
    if test.get("reason"):
        return str(test["reason"])
    lines = str(test.get("failure") or "").strip().splitlines()
    told = [line[1:].strip() for line in lines if line.startswith("E ")] or [line.strip() for line in lines[-1:]]
    return told[0][:300] if told else ""


def _failure(text: str) -> str:
    """Return a failure with the lines marked that pytest would colour."""
    lines = []
    for line in _text(text).split("\n"):
        kind = "error" if line.startswith("E ") else "here" if line.startswith("&gt; ") else ""
        lines.append(f'<span class="{kind}">{line}</span>' if kind else line)
    return "\n".join(lines)


def _execution(execution: Json) -> str:
    words = (execution.get("state"), execution.get("flow"), _seconds(execution.get("duration")), execution.get("id"))
    return " ".join(_text(word) for word in words if word)


def _lean(test: Json) -> dict[str, Any]:
    """Return what the script needs of a test: its failure stands in the page already, as text."""
    return {"id": test.get("id"), "executions": [_execution_data(item) for item in _items(test, "executions")]}


def _execution_data(execution: Json) -> dict[str, Any]:
    tasks = [{**task, "outputs": _value(task.get("outputs"))} for task in _items(execution, "tasks")]
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
