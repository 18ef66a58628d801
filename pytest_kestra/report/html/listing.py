"""The tests of a run as HTML that reads without a script."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

# In the order in which tests are counted, with the letters of pytest.
OUTCOMES = {"failed": "F", "error": "E", "xpassed": "X", "passed": "✓", "skipped": "s", "xfailed": "x"}
BAD = ("failed", "error")
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# What cannot be written as UTF-8, or not shown in HTML.
UNFIT = re.compile("[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
WHY_LENGTH = 300

Json = Mapping[str, Any]


def items(data: Json, name: str) -> list[Json]:
    """Return the items of a list that may be missing."""
    return [item for item in data.get(name) or () if isinstance(item, Mapping)]


def outcome_of(test: Json) -> str:
    """Return the outcome of a test; one that nobody knows is an error."""
    outcome = str(test.get("outcome"))
    return outcome if outcome in OUTCOMES else "error"


def escaped(value: object) -> str:
    """Return a value as text of HTML, without the colours of a terminal."""
    return html.escape(UNFIT.sub("\ufffd", ANSI.sub("", str(value))))


def seconds(value: object) -> str:
    """Return a number of seconds as people read it, nothing for what is none."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    if value < 60:
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} m {rest:02} s"


def listed(test: Json, *, opened: bool) -> str:
    """Return a test with its failure and a line for each execution, in which the page's script shows the rest."""
    outcome = outcome_of(test)
    name = str(test.get("id") or "a test without a name")
    duration = test.get("duration")
    took = f' data-seconds="{duration:.2f}"' if seconds(duration) else ""
    return (
        f'<details class="test {outcome}" data-outcome="{outcome}"{took}{" open" if opened else ""}>'
        f"<summary>{_head(test, name, outcome)}</summary>"
        f'<div class="body">{_body(test)}</div></details>'
    )


def _head(test: Json, name: str, outcome: str) -> str:
    path, colons, function = name.rpartition("::")
    function, bracket, parameters = function.partition("[")
    link = quote(name.encode("utf-8", "replace"), safe="")
    return (
        f'<span class="mark {outcome}" aria-hidden="true">{OUTCOMES[outcome]}</span>'
        f'<span class="what"><span class="id"><span class="path">{escaped(path + colons)}</span><wbr>'
        f'<b>{escaped(function)}</b><span class="value">{escaped(bracket + parameters)}</span></span> '
        f'<span class="word {outcome}">{outcome}</span><span class="why">{escaped(_why(test))}</span></span>'
        f'<span class="worker">{escaped(test.get("worker") or "")}</span>'
        f'<span class="took">{seconds(test.get("duration"))}</span>'
        f'<a class="link" href="#test={link}" title="Link to this test" aria-label="Link to this test">#</a>'
    )


def _body(test: Json) -> str:
    parts = []
    if test.get("failure"):
        # The first line break after <pre> is none of the text.
        parts.append(f'<pre class="failure" tabindex="0">\n{_failure(str(test["failure"]))}</pre>')
    if test.get("reproduce"):
        parts.append(f'<div class="reproduce"><code>{escaped(test["reproduce"])}</code></div>')
    if test.get("kept"):
        parts.append(f'<p class="note kept">{escaped(test["kept"])}</p>')
    executions = "".join(f"<li>{_execution(execution)}</li>" for execution in items(test, "executions"))
    return "".join([*parts, f'<ul class="executions">{executions}</ul>'])


def _why(test: Json) -> str:
    """Return one line that tells why a test did not just pass."""
    if test.get("reason"):
        return str(test["reason"])
    lines = str(test.get("failure") or "").strip().splitlines()
    told = [line[1:].strip() for line in lines if line.startswith("E ")] or [line.strip() for line in lines[-1:]]
    return told[0][:WHY_LENGTH] if told else ""


def _failure(text: str) -> str:
    """Return a failure with the lines marked that pytest would colour."""
    lines = []
    for line in escaped(text).split("\n"):
        kind = "error" if line.startswith("E ") else "here" if line.startswith("&gt; ") else ""
        lines.append(f'<span class="{kind}">{line}</span>' if kind else line)
    return "\n".join(lines)


def _execution(execution: Json) -> str:
    words = (execution.get("state"), execution.get("flow"), seconds(execution.get("duration")), execution.get("id"))
    return " ".join(escaped(word) for word in words if word)
