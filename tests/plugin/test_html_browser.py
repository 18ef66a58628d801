"""The page of a run in a real browser, driven by the DevTools protocol over pipes."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.report.html.page import page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, in which the page could be opened")

RUN = json.loads((Path(__file__).parents[1] / "unit" / "html_run.json").read_text(encoding="utf-8"))
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
)
# The browser reads commands from descriptor 3 and answers on 4, which Python's subprocess cannot choose.
JUMP = """
import os, sys
read, write = (os.dup(int(number)) for number in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.set_inheritable(3, True), os.set_inheritable(4, True)
os.execv(sys.argv[3], sys.argv[3:])
"""
KEYS = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowRight": 39, "/": 191}


class Browser:
    """A tab of a Chromium without a window."""

    def __init__(self, home: Path) -> None:
        read, self._write = os.pipe()
        self._read, write = os.pipe()
        command = [sys.executable, "-c", JUMP, str(read), str(write), str(CHROMIUM), *FLAGS, f"--user-data-dir={home}"]
        self._process = subprocess.Popen(command, pass_fds=(read, write), stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: dict[str, str] = {}
        self.events: list[Any] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def close(self) -> None:
        self._session = {}
        self.call("Browser.close")
        self._process.wait()
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params, **self._session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> Any:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, fragment: str = "") -> None:
        self._go("about:blank")  # or another fragment would not load the page
        self.events.clear()
        self._go(path.as_uri() + fragment)

    def _go(self, url: str) -> None:
        loader = self.call("Page.navigate", url=url)["loaderId"]
        while not any(
            event["params"]["loaderId"] == loader and event["params"]["name"] == "load"
            for event in self.of("Page.lifecycleEvent")
        ):
            self.events.append(self._next())

    def js(self, code: str) -> Any:
        """Return what an expression of JavaScript gives, in JSON."""
        answer = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def painted(self) -> None:
        """Wait until the page has been painted often enough to have built what is seen."""
        frames = "for (let i = 0; i < 6; i++) await new Promise(requestAnimationFrame)"
        self.js(f"(async () => {{ {frames} }})()")

    def until(self, condition: str) -> None:
        """Wait until an expression is true, for a minute at most."""
        turn = "if (performance.now() > end) throw new Error('never'); await new Promise(requestAnimationFrame)"
        self.js(f"(async () => {{ const end = performance.now() + 60000; while (!({condition})) {{ {turn} }} }})()")

    def all(self, selector: str, what: str = "node.textContent") -> Any:
        return self.js(f"[...document.querySelectorAll({selector!r})].map(node => {what})")

    def key(self, key: str) -> None:
        text = {"Enter": "\r", "/": "/"}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=KEYS[key], **more)

    def fill(self, selector: str, value: str, event: str = "input") -> None:
        """Give a field a value, as if it had been typed or chosen."""
        self.js(f"document.querySelector({selector!r}).value = {value!r}")
        self.js(f"document.querySelector({selector!r}).dispatchEvent(new Event({event!r}))")

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def problems(self) -> list[str]:
        """Return what the browser complained about, and addresses that were asked for."""
        asked = [event["params"]["request"]["url"] for event in self.of("Network.requestWillBeSent")]
        told = [event["params"]["entry"]["text"] for event in self.of("Log.entryAdded")]
        raised = [str(event["params"]) for event in self.of("Runtime.exceptionThrown")]
        return [*told, *raised, *(url for url in asked if not url.startswith(("file:", "data:", "about:")))]

    def of(self, method: str) -> list[Any]:
        return [event for event in self.events if event.get("method") == method]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    chromium.call("Emulation.setDeviceMetricsOverride", width=1280, height=1400, deviceScaleFactor=1, mobile=False)
    yield chromium
    assert chromium.problems() == []


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """Return what opens the page of a run in the browser."""

    def show(run: Any = RUN, fragment: str = "") -> Browser:
        path = tmp_path / "run.html"
        path.write_text(page(run), encoding="utf-8")
        browser.open(path, fragment)
        browser.painted()
        return browser

    return show


def execution(**more: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "flow": "orders",
        "state": "SUCCESS",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-01T00:00:10Z",
        "history": [["CREATED", at(0)], ["RUNNING", at(1)], ["SUCCESS", at(10)]],
        "read": at(40),  # when the whole test was over
        **more,
    }


def at(second: float) -> str:
    return f"2026-01-01T00:00:{second:09.6f}Z"


def task(name: str, state: str = "SUCCESS", start: float = 2, end: float = 4, **more: Any) -> dict[str, Any]:
    history = [["CREATED", at(start - 1)], ["RUNNING", at(start)], [state, at(end)]]
    return {"id": name, "task": name, "state": state, "start": at(start), "end": at(end), "history": history, **more}


def one(*executions: Any, **more: Any) -> dict[str, Any]:
    """Return a run of one failed test."""
    test = {"id": "a.py::test_a", "outcome": "failed", "failure": "E   boom", "executions": list(executions), **more}
    return {"tests": [test]}


def test_failed_tests_are_open_and_tell_their_executions(show: Callable[..., Browser]) -> None:
    browser = show()

    assert browser.all(".test[open]", "node.dataset.outcome") == [
        "failed",
        "failed",
        "failed",
        "error",
        "failed",
        "failed",
    ]
    browser.js("document.querySelectorAll('.test')[4].scrollIntoView()")
    browser.painted()
    browser.js("window.opened = document.querySelectorAll('.test')[4]")
    states = "[...opened.querySelectorAll('.execution > summary .state')].map(node => node.textContent)"
    assert browser.js(states) == ["FAILED", "SUCCESS", "FAILED", "SUCCESS"]
    # Each task run has its row, and so has the execution.
    assert browser.js("opened.querySelector('.execution').querySelectorAll('.row').length") == 8
    assert browser.js("opened.querySelector('.chosen')") is None


def test_bars_stand_at_their_times(show: Callable[..., Browser]) -> None:
    tasks = [
        task("plain", attempts=[{"state": "SUCCESS", "start": at(2), "end": at(4)}]),
        task("nothing", start=5, end=5),
        task("paused", history=[["RUNNING", at(5)], ["PAUSED", at(6)], ["SUCCESS", at(8)]]),
        task(
            "again",
            attempts=[
                {"state": "FAILED", "start": at(2), "end": at(2.5)},
                {"state": "SUCCESS", "start": at(3), "end": at(4)},
            ],
        ),
        task(
            "retried",
            history=[
                ["RUNNING", at(1)],
                ["FAILED", at(2)],
                ["RETRYING", at(3)],
                ["RUNNING", at(4)],
                ["SUCCESS", at(5)],
            ],
        ),
        task("skipped", "SKIPPED", history=[["CREATED", at(9)], ["SKIPPED", at(9.1)]]),
        {"task": "plainest", "state": "SUCCESS", "start": at(5), "end": at(10)},
    ]
    browser = show(one(execution(tasks=tasks)))

    bars = browser.js("""
        [...document.querySelectorAll('.row')].map(row => [...row.querySelectorAll('.seg')].map(bar => {
            const lane = bar.parentElement.getBoundingClientRect(), place = bar.getBoundingClientRect();
            const second = pixels => Math.round((pixels - lane.left - 1) / lane.width * 100) / 10;
            return [bar.className.replace('seg ', ''), second(place.left), second(place.right)];
        }))
    """)

    def near(name: str, start: float, end: float) -> Any:
        return [name, pytest.approx(start, abs=0.1), pytest.approx(end, abs=0.1)]

    assert bars == [
        [near("wait CREATED", 0, 1), near("run SUCCESS", 1, 10)],
        [near("wait CREATED", 1, 2), near("run SUCCESS", 2, 4)],
        [near("wait CREATED", 4, 5), near("run SUCCESS", 5, 5)],
        [near("run SUCCESS", 5, 6), near("pause PAUSED", 6, 8)],
        [near("wait CREATED", 1, 2), near("wait SUCCESS", 2, 4), near("run FAILED", 2, 2.5), near("run SUCCESS", 3, 4)],
        [near("run FAILED", 1, 2), near("wait FAILED", 2, 3), near("wait RETRYING", 3, 4), near("run SUCCESS", 4, 5)],
        [near("wait CREATED", 9, 9.1), near("mark SKIPPED", 9.1, 9.1)],
        [near("run SUCCESS", 5, 10)],
    ]
    assert browser.js("document.querySelectorAll('.row')[2].querySelector('.run').getBoundingClientRect().width") >= 3
    assert browser.all(".axis span") == ["0", "2 s", "4 s", "6 s", "8 s"]
    assert browser.all(".row .state")[6] == "SKIPPED"


def test_what_still_runs_has_an_open_end(show: Callable[..., Browser]) -> None:
    running = {
        "id": "t",
        "task": "sleep",
        "state": "RUNNING",
        "start": at(1),
        "history": [["CREATED", at(0)], ["RUNNING", at(1)]],
    }
    history = [["CREATED", at(0)], ["RUNNING", at(1)]]
    browser = show(one(execution(state="RUNNING", end=None, history=history, tasks=[running], read=at(3))))

    assert browser.all(".row .open", "node.className") == ["seg run RUNNING open"] * 2
    assert browser.all(".row .took") == ["…", "…"]
    assert "it had not ended" in browser.all(".legend")[0]


@pytest.mark.parametrize("times", [{}, {"start": None, "end": None, "history": None}, {"history": []}])
def test_execution_in_which_no_task_ran(show: Callable[..., Browser], times: Any) -> None:
    browser = show(one(execution(state="FAILED", error={"message": "over the limit"}, **times)))

    assert "no task ran" in browser.all("[aria-label='Task runs']")[0]
    assert browser.all(".cause") == ["over the limit"]
    assert "Logsnone" in browser.all("[aria-label=Logs]")[0]


HOSTILE = (
    "</script><img src=x onerror='window.broken = 1'><!--<script>\u2028\ud800 {{ x }} javascript:alert(1) \x1b[31mred"
)


def hostile(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item if key in ("outcome", "time") else hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def test_hostile_texts_stay_texts(show: Callable[..., Browser]) -> None:
    flow = execution(
        namespace="a",
        file="b",
        error={"message": "c", "expression": "d", "context": "e"},
        inputs={"a": "b"},
        labels={"a": "b"},
        trigger={"id": "x", "type": "y"},
        source="id: x",
        tasks=[task("a", value="v", type="t", outputs={HOSTILE: "b"})],
        logs=[{"time": at(1), "level": "INFO", "task": "a", "run": "a", "message": "m"}],
    )
    run = hostile(one(flow, worker="gw0", reproduce="pytest"))
    for name in ("start", "end", "history"):
        run["tests"][0]["executions"][0][name] = flow[name]
    browser = show(run)
    browser.js("document.querySelectorAll('details').forEach(node => node.open = true)")
    browser.painted()
    browser.js("document.querySelectorAll('.row')[1].click()")

    assert browser.js("window.broken") is None
    assert browser.js("document.querySelectorAll('img, iframe, object, main script, a[target]').length") == 0
    shown = HOSTILE.replace("\x1b[31m", "")
    assert browser.all(".logs td:nth-child(4)") == [shown]
    assert browser.all(".cause b") == [shown]
    # What Python writes as HTML cannot hold half of a pair.
    assert browser.all(".failure") == [shown.replace("\ud800", "\ufffd")]
    assert browser.all(".chosen .json")[0].count(HOSTILE.partition("\x1b")[0]) == 2


def test_browser_refuses_markup_and_scripts_that_are_not_the_page_s(show: Callable[..., Browser]) -> None:
    browser = show()
    attempt = "try {{ {}; return 'done' }} catch (error) {{ return error.name }}"
    markup = browser.js(f"(() => {{ {attempt.format('document.createElement(`p`).innerHTML = `<b>x</b>`')} }})()")
    browser.js("""(() => {
        const frame = document.createElement('iframe');
        frame.src = 'data:text/html,x';
        document.body.append(frame);
    })()""")
    browser.painted()

    assert markup == "TypeError"
    refused = browser.problems()
    assert any("frame-src" in text or "default-src" in text for text in refused), refused
    browser.events.clear()  # these complaints were meant to come


def test_url_is_a_link_only_where_it_is_one(show: Callable[..., Browser]) -> None:
    urls = [
        "javascript:alert(1)",
        "http://127.0.0.1:8080/ui/main/executions/a/b/c",
        "data:text/html,x",
        "nothing",
        None,
    ]
    browser = show(one(*(execution(id=f"e{number}", url=url, state="FAILED") for number, url in enumerate(urls))))
    browser.js("document.querySelectorAll('.execution').forEach(node => node.open = true)")
    browser.painted()

    assert browser.all("a[target]", "[node.href, node.rel]") == [[urls[1], "noopener noreferrer"]]


def test_search_finds_counts_and_paints(show: Callable[..., Browser]) -> None:
    browser = show()

    browser.key("/")
    assert browser.js("document.activeElement.type") == "search"
    browser.type("Division by ZERO")
    browser.until("document.querySelector('output').textContent")

    assert browser.all("output") == ["3 matches in 1 test"]
    assert browser.all(".test:not([hidden]) .id") == ["tests/test_reports.py::test_statistics[zeros]"]
    assert browser.all(".test:not([hidden]) > summary .hits") == ["3 matches"]
    browser.until("CSS.highlights.get('found')?.size === 3")
    assert browser.js("location.hash") == "#q=Division%20by%20ZERO"
    browser.key("Enter")
    browser.until("CSS.highlights.get('current')?.size === 1")

    browser.key("Escape")

    assert browser.js("document.querySelectorAll('.test[hidden]').length") == 0
    assert browser.js("[location.hash, document.querySelector('output').textContent]") == ["", ""]
    browser.until("!CSS.highlights.has('found')")


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ("test_rounding", 1),
        ("nightly_export", 1),
        ("KILLED", 1),
        ("tidied up", 1),
        ('"team"', 3),
        ("port 5433", 1),
        ("[zeros]", 1),
    ],
)
def test_search_looks_everywhere(show: Callable[..., Browser], text: str, tests: int) -> None:
    browser = show(fragment=f"#q={text}")

    assert browser.js("document.querySelectorAll('.test:not([hidden])').length") == tests


def test_search_without_a_match_says_so(show: Callable[..., Browser]) -> None:
    browser = show(fragment="#q=nowhere%20at%20all")

    assert browser.all("output") == ["0 matches in 0 tests"]
    browser.js("document.querySelector('.note button').click()")
    assert browser.js("document.querySelectorAll('.test[hidden]').length") == 0


def test_match_does_not_hide_behind_the_level(show: Callable[..., Browser]) -> None:
    logs = [{"time": at(1), "level": level, "message": f"line of {level}"} for level in ("TRACE", "INFO")]
    browser = show(one(execution(logs=logs), outcome="passed", failure=None), "#q=line%20of%20trace")
    browser.js("document.querySelector('[type=search]').focus()")
    browser.key("Enter")
    browser.painted()

    assert browser.all(".logs td:nth-child(4)") == ["line of TRACE", "line of INFO"]


def test_counts_filter(show: Callable[..., Browser]) -> None:
    browser = show()
    assert browser.all(".counts button") == ["5 failed", "1 error", "7 passed", "1 skipped", "1 xfailed"]

    browser.js("document.querySelector('.counts [data-outcome=skipped] button').click()")
    assert browser.all(".test:not([hidden])", "node.dataset.outcome") == ["skipped"]
    assert browser.js("location.hash") == "#show=skipped"
    browser.js("document.querySelector('.counts [data-outcome=error] button').click()")
    assert browser.all(".test:not([hidden])", "node.dataset.outcome") == ["error", "skipped"]
    assert browser.all(".counts button", "node.getAttribute('aria-pressed')") == [
        "false",
        "true",
        "false",
        "true",
        "false",
    ]


def test_strip_has_the_durations_in_seconds(show: Callable[..., Browser]) -> None:
    tests = [{"id": f"t{seconds}", "outcome": "passed", "duration": seconds} for seconds in (125, 4.5)]
    browser = show({"tests": [{**test, "executions": [execution()]} for test in tests]})

    assert browser.all(".strip i", "[node.title, node.style.flexGrow]") == [["t125", "125"], ["t4.5", "4.5"]]


def test_link_opens_a_test(show: Callable[..., Browser]) -> None:
    name = "tests/test_shop.py::test_refund_waits_for_approval"
    browser = show()
    (link,) = (link for link in browser.all(".test .link", "node.getAttribute('href')") if "approval" in link)
    browser = show(fragment=f"{link}&show=failed")
    browser.painted()
    browser.painted()

    (last,) = (
        test
        for test in browser.all(".test", "[node.open, node.hidden, node.querySelector('.id').textContent]")
        if test[2] == name
    )
    assert last == [True, False, name]
    assert browser.js("document.activeElement.closest('.test').querySelector('.id').textContent") == name
    assert 0 <= browser.js("document.activeElement.getBoundingClientRect().top") < 1400


def test_link_in_the_page_keeps_the_search(show: Callable[..., Browser]) -> None:
    browser = show(fragment="#q=approve")
    browser.js("document.querySelector('.test:not([hidden]) .link').click()")

    assert browser.js("location.hash") == "#test=tests%2Ftest_shop.py%3A%3Atest_refund_waits_for_approval&q=approve"


def test_subflows_are_linked_with_their_parents(show: Callable[..., Browser]) -> None:
    parent = execution(id="p", state="FAILED", tasks=[task("call", "FAILED", outputs={"executionId": "c"})])
    child = execution(id="c", flow="charge", state="FAILED", parent="p")
    lost = execution(id="l", parent="unknown")
    browser = show(one(child, lost, parent))

    assert browser.all(".execution", "node.dataset.id") == ["l", "p", "c"]
    assert browser.all(".facts-of a") == ["charge", "orders"]
    browser.js("[...document.querySelectorAll('.facts-of a')][0].click()")
    assert browser.js("document.activeElement.closest('.execution').dataset.id") == "c"
    assert browser.js("location.hash") == "#execution=c"
    browser.js("document.querySelectorAll('.execution')[1].querySelectorAll('.row')[1].click()")
    assert browser.all(".chosen a") == ["its execution"]


def test_row_selects_a_task_run(show: Callable[..., Browser]) -> None:
    tasks = [task("first", outputs={"id": 12345678901234567890, "text": "one\ntwo"}), task("second", value="A-1")]
    logs = [
        {"time": at(2), "level": "INFO", "task": name, "run": name, "message": f"by {name}"}
        for name in ("first", "second")
    ]
    browser = show(
        one(execution(tasks=tasks, logs=[*logs, {"time": at(3), "level": "WARN", "message": "of the flow"}]))
    )
    assert browser.all(".logs td:nth-child(4)") == ["by first", "by second", "of the flow"]

    browser.js("document.querySelector('.row').focus()")
    browser.key("ArrowDown")
    browser.key("Enter")

    assert browser.all(".row", "node.getAttribute('aria-selected')") == ["false", "true", "false"]
    assert browser.all(".logs td:nth-child(4)") == ["by first"]
    assert browser.all(".chosen .json") == ['{\n  "id": 12345678901234567890,\n  "text": "one\ntwo"\n}']
    browser.key("ArrowDown")
    browser.key("Enter")
    assert browser.all(".chosen h4") == ["second [A-1]"]
    browser.js("document.querySelector('.chip').click()")
    assert len(browser.all(".logs td:nth-child(4)")) == 3
    assert browser.all(".chosen") == []


def test_row_in_focus_tells_exact_times(show: Callable[..., Browser]) -> None:
    browser = show(one(execution(tasks=[task("first", type="io.kestra.Log", start=2.25)])))
    browser.js("document.querySelector('.row').focus()")
    browser.key("ArrowDown")

    told = browser.all(".tip:not([hidden])")[0]
    assert told == (
        "first SUCCESS 1.75 sio.kestra.Log"
        "CREATED+1.250 s1.00 s00:00:01.250 UTCRUNNING+2.250 s1.75 s00:00:02.250 UTCSUCCESS+4.000 s00:00:04.000 UTC"
    )
    browser.key("Escape")
    assert browser.all(".tip:not([hidden])") == []


def loop(number: int, bad: int) -> list[dict[str, Any]]:
    rows = [
        task(f"r{index}", "FAILED" if index == bad else "SUCCESS", task="store", value=str(index), parent="each")
        for index in range(number)
    ]
    return [task("each", "FAILED"), *rows]


def test_large_loop_is_folded_to_what_failed(show: Callable[..., Browser]) -> None:
    browser = show(one(execution(tasks=loop(700, 77))))
    names = "node.querySelector('.name').textContent.trim()"

    assert browser.all(".row", names) == ["orders", "▸each 700 runs", "store [77]"]
    browser.js("document.querySelector('.row').focus()")
    browser.key("ArrowDown")
    browser.key("ArrowRight")
    assert len(browser.all(".row")) == 501
    assert browser.js("document.querySelector('.gantt').getBoundingClientRect().height") < 600
    browser.js("document.querySelector('.more').click()")
    assert len(browser.all(".row")) == 702
    browser.fill("[placeholder^='Filter by task']", "[69")
    assert browser.all(".row", names) == ["orders", "store [69]", *(f"store [{number}]" for number in range(690, 700))]


def test_task_runs_in_a_circle_are_told_once(show: Callable[..., Browser]) -> None:
    browser = show(
        one(execution(tasks=[task("a", parent="b"), task("b", parent="a"), task("c", parent="c"), task("c")]))
    )

    assert sorted(browser.all(".row", "node.getAttribute('aria-label').split(',')[0]")) == [
        "a",
        "b",
        "c",
        "c",
        "orders",
    ]


def test_thousands_of_log_lines_are_cut_in_the_middle(show: Callable[..., Browser]) -> None:
    logs = [
        {"time": at(1), "level": "ERROR" if number % 1000 == 0 else "INFO", "message": f"line {number}"}
        for number in range(6000)
    ]
    browser = show(one(execution(logs=logs)))

    lines = browser.all(".logs tbody tr")
    assert (len(lines), lines[199].endswith("line 199"), lines[200]) == (2001, True, "Show 4,000 lines in between")
    browser.js("document.querySelector('.logs .more').click()")
    assert len(browser.all(".logs tbody tr")) == 6000
    browser.fill(".part select", "4", "change")
    assert browser.all(".logs td:nth-child(4)") == [f"line {number}" for number in range(0, 6000, 1000)]
    browser.fill(".part [type=search]", "LINE 3")
    assert browser.all(".logs td:nth-child(4)") == ["line 3000"]
    browser.fill(".part [type=search]", "nothing")
    assert browser.all(".logs") == ["No line is like this."]


def test_long_message_is_cut(show: Callable[..., Browser]) -> None:
    message = "\n".join(f"at {number}" for number in range(100))
    browser = show(one(execution(logs=[{"time": at(1), "level": "INFO", "message": message}])))

    assert browser.all(".logs td button") == ["Show all 100 lines"]
    browser.js("document.querySelector('.logs td button').click()")
    assert browser.all(".logs td:nth-child(4)") == [message]


def test_values_and_source_are_folded(show: Callable[..., Browser]) -> None:
    source = "id: orders\ntasks:\n  - id: charge\n    type: io.kestra.Log\n"
    more = {
        "inputs": {"day": "x"},
        "outputs": {"sum": 1},
        "labels": {"a": "b"},
        "variables": {"v": None},
        "trigger": {"id": "daily"},
    }
    browser = show(one(execution(**more, source=source, tasks=[task("charge", "FAILED")])))

    assert browser.all(".fold summary b") == ["Inputs", "Outputs", "Labels", "Variables", "Trigger", "Flow"]
    assert browser.all(".fold .json, .fold .source") == []
    browser.js("document.querySelectorAll('.fold').forEach(node => node.open = true)")
    browser.until("document.querySelectorAll('.fold .json, .fold .source').length === 6")
    assert browser.all(".fold .json")[3] == '{\n  "v": null\n}'
    assert browser.all(".source span", "[node.className, node.textContent]")[1:3] == [
        ["", "tasks:"],
        ["FAILED", "  - id: charge"],
    ]


def test_command_is_copied(show: Callable[..., Browser]) -> None:
    browser = show(one(reproduce="pytest 'a.py::test_a'"))
    browser.js("document.addEventListener('copy', () => { window.copied = String(document.activeElement.value) })")
    browser.js("Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject() } })")

    browser.call("Runtime.evaluate", expression="document.querySelector('.reproduce button').click()", userGesture=True)

    browser.until("document.querySelector('.reproduce button').textContent === 'Copied'")
    assert browser.js("window.copied") == "pytest 'a.py::test_a'"


def test_colours_follow_the_system_and_the_button(show: Callable[..., Browser]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    browser = show()
    seen = []
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen.append(browser.js(ground))
    browser.js("document.querySelector('.theme').click()")

    assert seen == ["rgb(247, 247, 249)", "rgb(19, 18, 23)"]
    assert browser.js(ground) == seen[0]
    assert browser.all(".theme", "node.getAttribute('aria-label')") == ["Dark colours"]
    browser.js("localStorage.clear()")
    browser.call("Emulation.setEmulatedMedia", features=[])


@pytest.mark.parametrize("width", [400, 800])
def test_narrow_page_does_not_scroll_sideways(show: Callable[..., Browser], width: int) -> None:
    browser = show()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=True)
    browser.js("document.querySelectorAll('details').forEach(node => node.open = true)")
    browser.js("dispatchEvent(new Event('beforeprint'))")
    browser.painted()

    assert browser.js("[document.documentElement.scrollWidth, innerWidth]") == [width, width]


def test_printing_builds_all_that_is_open(show: Callable[..., Browser]) -> None:
    browser = show()
    before = len(browser.all(".row"))

    browser.js("dispatchEvent(new Event('beforeprint'))")

    assert len(browser.all(".row")) > before
    assert len(browser.all(".execution[open]:not(:has(.body))")) == 0


def test_without_a_script_failures_can_be_read(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    path.write_text(page(RUN), encoding="utf-8")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
        root = browser.call("DOM.getDocument")["root"]["nodeId"]
        body = browser.call("DOM.querySelector", nodeId=root, selector="body")["nodeId"]
        text = browser.call("DOM.getOuterHTML", nodeId=body)["outerHTML"]
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)

    assert "JavaScript is off" in text
    assert "ConnectionRefusedError: the archive does not listen on port 5433" in text


def test_large_run_builds_only_what_is_seen(show: Callable[..., Browser]) -> None:
    flows = [
        execution(state="FAILED", tasks=[task(f"t{number}") for number in range(30)]),
        execution(logs=[{"time": at(1), "level": "INFO", "message": "a line"}] * 50),
    ]
    outcomes = ["failed", *["passed"] * 9] * 50
    tests = [{"id": f"test[{n}]", "outcome": name, "executions": flows} for n, name in enumerate(outcomes)]
    browser = show({"tests": tests})

    assert len(browser.all(".test")) == 500
    assert len(browser.all(".test[open]")) == 20
    assert browser.js("document.querySelectorAll('.row, .logs tr').length") < 20 * 31


@pytest.mark.parametrize(
    "run", [{}, {"tests": [{}]}, {"tests": [{"outcome": "failed", "executions": [{}, {"tasks": [{}], "logs": [{}]}]}]}]
)
def test_page_copes_with_what_is_missing(show: Callable[..., Browser], run: Any) -> None:
    browser = show(run)
    browser.js("document.querySelectorAll('details').forEach(node => node.open = true)")
    browser.painted()

    assert browser.js("document.documentElement.dataset.ready") == ""
