"""The page of a run, without a browser; tests/plugin/test_html_browser.py opens it in one."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.report.html.page import OPENED, page

RUN = json.loads((Path(__file__).parent / "html_run.json").read_text(encoding="utf-8"))
HOSTILE = "</script><script>alert(1)</script><!--<script>]]>&lt;\u2028\ud800\x00\"'<img src=x onerror=alert(1)>"


def named(outcome: str, **more: Any) -> dict[str, Any]:
    return {"id": f"tests/test_a.py::test_{outcome}", "outcome": outcome, **more}


def element(text: str, name: str, more: str = "") -> str:
    found = re.search(f"<{name}{more}>(.*?)</{name}>", text, re.DOTALL)
    assert found
    return found[1]


def data(text: str) -> Any:
    return json.loads(element(text, "script", ' type="application/json" id="data"'))


class Elements(HTMLParser):
    """Collect the elements of a page, its tests and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.tests: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        given = dict(attrs)
        if (given.get("class") or "").startswith("test "):
            self.tests.append(given)

    def handle_data(self, data: str) -> None:
        if self.elements[-1:] != ["script"]:
            self.text += data


def test_failed_tests_come_first_and_are_open() -> None:
    tests = Elements(page(RUN)).tests

    assert [test["data-outcome"] for test in tests[:6]] == ["failed", "failed", "failed", "error", "failed", "failed"]
    assert ["open" in test for test in tests] == [True] * 6 + [False] * (len(RUN["tests"]) - 6)


def test_head_tells_the_run() -> None:
    text = page(RUN)

    assert element(text, "title") == "5 failed, 1 error, 7 passed, 1 skipped, 1 xfailed - pytest-kestra"
    facts = re.sub("<[^>]*>", "", element(text, "p", ' class="facts"'))
    assert re.fullmatch(r"Kestra 1\.3\.31, embedded 2026-11-25 \d\d:\d\d:\d\d UTC 24\.03 s pytest tests", facts)
    assert element(text, "p", ' class="unlisted"') == "3 more without Kestra"
    assert "%23c02a20" in text


def test_executions_that_were_left_out_are_told() -> None:
    told = Elements(page({"tests": [named("passed", kept="100 of 300 executions kept, failing first")]})).text

    assert "100 of 300 executions kept, failing first" in told
    assert "executions kept" not in Elements(page({"tests": [named("passed", kept="")]})).text


def test_page_of_a_run_that_passed_has_another_icon() -> None:
    assert "%230a7a5c" in page({"tests": [named("passed")]})


@pytest.mark.parametrize(
    ("value", "told"), [("2026-11-25T18:00:00.123+00:00", "2026-11-25 18:00:00 UTC"), ("yesterday", "yesterday")]
)
def test_date_of_the_run(value: str, told: str) -> None:
    assert f"<span>{told}</span>" in page({"started": value})


def test_long_runs_are_told_in_minutes() -> None:
    assert "<span>13 m 05 s</span>" in page({"duration": 785.3})


@pytest.mark.parametrize(("duration", "told"), [(125.304, "125.30"), (0, "0.00"), (None, None), (float("nan"), None)])
def test_durations_are_told_in_seconds_for_the_script(duration: float | None, told: str | None) -> None:
    (test,) = Elements(page({"tests": [named("passed", duration=duration)]})).tests

    assert test.get("data-seconds") == told


def test_page_reads_without_a_script() -> None:
    told = Elements(page(RUN)).text

    for test in RUN["tests"]:
        assert test["id"] in told
        assert (test["failure"] or "") in told
        for execution in test["executions"]:
            assert f"{execution['state']} {execution['flow']}" in told
    assert "JavaScript is off" in told
    assert "needs the mail server of the office" in told


def test_closed_test_tells_why_it_failed() -> None:
    failure = "def test():\n>   assert flow.run().ok\nE   AssertionError: assert False\nE    +  where False"

    assert '<span class="why">AssertionError: assert False</span>' in page(
        {"tests": [named("failed", failure=failure)]}
    )
    assert '<span class="why">Boom</span>' in page({"tests": [named("error", failure="some\nBoom\n")]})


def test_failure_stands_in_the_page_once() -> None:
    text = page({"tests": [named("failed", failure="only once in here")]})

    assert text.count("only once in here") == 2  # and in the line that tells why
    assert "failure" not in data(text)["tests"][0]


def test_so_many_failures_that_only_the_first_are_open() -> None:
    tests = Elements(page({"tests": [named("failed")] * (OPENED + 5)})).tests

    assert ["open" in test for test in tests] == [True] * OPENED + [False] * 5


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"tests": None, "counts": None, "started": None, "duration": None, "server": None},
        {"tests": [{}, None, {"id": None, "outcome": None, "executions": None}, {"executions": [None, {}]}]},
        {
            "tests": [
                {"id": 1, "outcome": "new", "duration": "long", "executions": [{"tasks": [None, {}], "logs": None}]}
            ]
        },
        {"server": "embedded", "counts": {"passed": None}},
    ],
)
def test_anything_may_be_missing(run: dict[str, Any]) -> None:
    text = page(run)

    given = [test for test in run.get("tests") or () if test is not None]
    assert len(Elements(text).tests) == len(data(text)["tests"]) == len(given)


def test_page_without_tests_says_so() -> None:
    text = page({})

    assert "No test ran." in text
    assert element(text, "title") == "no tests - pytest-kestra"


def test_page_itself_is_small() -> None:
    assert len(page({}).encode()) < 60_000


def hostile(value: Any = RUN) -> Any:
    """Return the run with hostile texts wherever there is a text."""
    if isinstance(value, dict):
        return {key: item if key == "outcome" else hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def test_no_text_becomes_markup() -> None:
    text = page(hostile())

    assert text.lower().count("<script") == text.lower().count("</script") == 2
    assert "<img" not in text
    assert "<!--" not in text
    allowed = set(Elements(page(RUN)).elements)
    assert set(Elements(text).elements) <= allowed
    assert data(text)["tests"][0]["executions"][0]["logs"][0]["message"] == HOSTILE
    text.encode()


def test_data_are_plain_ascii_without_markup() -> None:
    text = element(page(hostile()), "script", ' type="application/json" id="data"')

    assert text.isascii()
    assert not set("<>&") & set(text)


def test_numbers_keep_their_digits_and_python_s_own_are_told() -> None:
    outputs = {"id": 12345678901234567890, "rate": 0.1, "none": float("nan")}
    run = {"tests": [named("passed", executions=[{"duration": float("inf"), "outputs": outputs}])]}

    execution = data(page(run))["tests"][0]["executions"][0]

    assert execution["outputs"] == '{\n  "id": 12345678901234567890,\n  "rate": 0.1,\n  "none": NaN\n}'
    assert execution["duration"] == "Infinity"


def test_colours_of_a_terminal_are_left_out() -> None:
    text = page({"tests": [named("failed", failure="E   \x1b[1m\x1b[31mbroken\x1b[0m")]})

    assert '<span class="error">E   broken</span>' in text


def test_link_of_a_test_is_one_value() -> None:
    text = page({"tests": [{"id": "a.py::test[x&y=1 #ü]", "outcome": "passed"}]})

    assert 'href="#test=a.py%3A%3Atest%5Bx%26y%3D1%20%23%C3%BC%5D"' in text


def test_policy_allows_this_style_and_this_script_only() -> None:
    text = page(RUN)
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])  # type: ignore[index]

    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(element(text, kind).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_page_asks_nothing_of_a_network() -> None:
    text = page({})

    assert re.findall(r"https?://[^\s'\"]*", text) == ["http://www.w3.org/2000/svg"]  # the name of a namespace
    assert not re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|document\.write", text)


def test_page_imports_the_standard_library_only() -> None:
    code = (
        "import sys, pytest_kestra.report.html.page; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'pytest', '_pytest', 'httpx', 'yaml', 'jinja2'}))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


# ---- Colours ----------------------------------------------------------------------------------------------------

STYLE = resources.files("pytest_kestra.report.html").joinpath("page.css").read_text(encoding="utf-8")
COLOURS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", STYLE)
}
STATES = ("ok", "bad", "warn", "run", "pause", "killed", "idle")


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(colour: str, share: float, other: str) -> str:
    pairs = ((int(colour[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one * share + two * (1 - share)):02x}" for one, two in pairs)


def contrast(text: str, ground: str) -> float:
    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_that_of_wcag_aa(theme: str) -> None:
    colours = {name: both[theme] for name, both in COLOURS.items()}
    grounds = ("page", "surface", "raised", "chosen")
    pairs = {(text, ground): 4.5 for text in ("ink", "soft", "accent", *STATES) for ground in grounds}
    pairs |= {("ink", "found"): 4.5, ("ink", "current"): 4.5, ("surface", "bad"): 4.5}
    colours["cause"] = mixed(colours["bad"], 0.07, colours["surface"])
    pairs |= {(text, "cause"): 4.5 for text in ("ink", "soft", "bad")}

    found = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}

    assert {pair: value for pair, value in found.items() if value < pairs[pair]} == {}
