"""All recorded exchanges in the order of their recording, sent to an engine that nobody else uses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import polling2

from tests.conftest import CONTRACTS
from tests.engine.replay import NAMESPACE, Replay, differences, shape
from tests.waits import WAIT_S

API = "/api/v1/main"
TEXT = {"content-type": "text/plain"}
FINAL = {"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED"}
# Sent without credentials when they were recorded.
ANONYMOUS = {"125", "126", "127", "128", "150", "151", "155"}
NUMBERS = sorted(file.name[:3] for file in (CONTRACTS / "recorded-1.3.19").glob("*.json"))


@dataclass(frozen=True)
class Exchange:
    """Tell how an answer differs from the recorded one, if it does."""

    number: str
    name: str
    status: int
    differences: tuple[str, ...] = field(default=())
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(200), repr=False)


class Conformance(Replay):
    """Send all recorded requests, each when the server is as it was when it was recorded."""

    def __init__(self, http: httpx.Client, recorded: Callable[[str], Any]) -> None:
        super().__init__(http, recorded, NAMESPACE)
        self.napping: list[str] = []

    def run(self) -> Iterator[Exchange]:
        """Yield one exchange after the other."""
        for number in NUMBERS:
            if number in PREPARATIONS:
                PREPARATIONS[number](self)
            expected, answer = self.send(number, anonymous=number in ANONYMOUS)
            yield self._compare(number, expected, answer)

    def _compare(self, number: str, expected: dict[str, Any], answer: httpx.Response) -> Exchange:
        found = list(self._differences(number, expected, answer))
        (file,) = (CONTRACTS / "recorded-1.3.19").glob(f"{number}-*.json")
        return Exchange(number, file.stem[4:], answer.status_code, tuple(found), answer)

    def _differences(self, number: str, expected: dict[str, Any], answer: httpx.Response) -> Iterator[str]:
        if answer.status_code != expected["status"]:
            yield f"status {answer.status_code}, recorded {expected['status']}: {answer.text[:200]}"
            return
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind != (expected["content_type"] or "").partition(";")[0]:
            yield f"content type {kind}, recorded {expected['content_type']}"
            return
        if "location" in expected and self.back(answer.headers.get("location", "")) != expected["location"]:
            yield f"location {answer.headers.get('location')}, recorded {expected['location']}"
        recorded = expected["body"]
        if kind == "text/event-stream":
            yield from differences(stream_shape(recorded), stream_shape(answer.text))
            return
        if kind != "application/json":
            if text_shape(answer.text) != text_shape(recorded or ""):
                yield f"text {answer.text!r}, recorded {recorded!r}"
            return
        body = answer.json()
        if number == "152":  # the recorder kept the first three plugins
            recorded = {plugin["name"]: plugin for plugin in recorded}
            body = {plugin["name"]: plugin for plugin in body if plugin["name"] in recorded}
        yield from differences(shape(recorded), shape(body))
        if answer.is_error and self.back(body["message"]) != self.back(recorded["message"]):
            yield f"message {body['message']!r}, recorded {recorded['message']!r}"

    # What the recorder did between the exchanges.

    def execute(self, flow: str) -> str:
        """Start an execution and return its id."""
        answer = self.http.post(f"{API}/executions/{NAMESPACE}/{flow}").raise_for_status()
        return str(answer.json()["id"])

    def until(self, execution_id: str, *states: str) -> Any:
        """Return an execution when it has come to one of some states, or to its end."""

        def reached(body: Any) -> bool:
            state = body.get("state", {}).get("current")
            # The task runs of one that was killed end a moment later.
            runs = [run["state"]["current"] for run in body.get("taskRunList") or ()]
            if state == "KILLED" and not {*runs} <= FINAL:
                # A worker misses a kill that comes just when it begins a task.
                self.http.delete(f"{API}/executions/{execution_id}/kill").raise_for_status()
            return state in states or (not states and {state, *runs} <= FINAL)

        return self.found(f"executions/{execution_id}", reached)

    def start(self, number: str, flow: str, *states: str) -> None:
        """Start the execution that a recorded request is about, and return when it is in one of some states."""
        body = self.until(self.execute(flow), *states)
        self.alias(number, body["id"])
        request = self.recorded(number)["request"]
        if "taskRunId" in (request.get("body") or ()):
            self.ids[request["body"]["taskRunId"]] = body["taskRunList"][0]["id"]

    def start_task(self, number: str, flow: str) -> None:
        """Start the execution that a recorded request is about, and return when a task of it runs."""
        self.start(number, flow, "RUNNING")

        def runs(body: Any) -> bool:
            return [run["state"]["current"] for run in body.get("taskRunList") or ()] == ["RUNNING"]

        self.found(f"executions/{self.here(number)}", runs)

    def here(self, number: str) -> str:
        """Return the id, here, of the execution in the path of a recorded request."""
        return self.text(self.recorded(number)["request"]["path"]).split("/")[5]

    def put(self, key: str, value: str) -> None:
        """Set a key of the key-value store."""
        path = f"{API}/namespaces/{NAMESPACE}/kv/{key}"
        self.http.put(path, content=json.dumps(value), headers=TEXT).raise_for_status()

    def saturate(self, flow: str) -> None:
        """Let as many executions of a flow run as its limit allows, until `desaturate`."""
        self.put("nap", LONG)
        self.deploy(flow, replace=(r"duration: PT\dS", f'duration: "{NAP}"'))
        started = [self.execute(flow) for _ in range(2)]
        self.napping += [self.until(execution_id, "RUNNING")["id"] for execution_id in started]

    def desaturate(self) -> None:
        """End what `saturate` has started."""
        for execution_id in self.napping:
            self.http.delete(f"{API}/executions/{execution_id}/kill").raise_for_status()
            self.until(execution_id)
        self.http.delete(f"{API}/namespaces/{NAMESPACE}/kv/nap").raise_for_status()

    def pause(self) -> None:
        """Start the execution that is paused."""
        self.deploy("paused", "sleeper", "gated", "failing")
        self.start("075", "paused", "PAUSED")

    def see_downstream(self) -> None:
        """Run the flow that another one waits for."""
        self.execute("upstream")
        self.alias("130", self.see_executions("downstream"))

    def see_triggers(self) -> None:
        """Return when the scheduler knows the triggers of the flow that is scheduled."""
        self.deploy("scheduled", "hooked", "upstream", "downstream")

        def known(body: Any) -> bool:
            return len(body["results"]) == 2 and all("nextExecutionDate" in item for item in body["results"])

        self.found(f"triggers/{NAMESPACE}/scheduled", known)

    def see_unlocked(self) -> None:
        """Return when no trigger waits for its execution any more, which is told a moment after its end."""
        path = f"triggers/{NAMESPACE}/scheduled"
        self.found(path, lambda body: not any("executionId" in item for item in body["results"]))

    def see_executions(self, flow: str) -> str:
        """Return the id of a flow's execution when there is one that has ended."""

        def ended(body: Any) -> bool:
            return bool(body["results"]) and all(item["state"]["current"] in FINAL for item in body["results"])

        path = f"executions/search?namespace={NAMESPACE}&flowId={flow}"
        return str(self.found(path, ended)["results"][0]["id"])

    def found(self, path: str, wished: Callable[[Any], bool]) -> Any:
        """Ask until an answer is as wished, and return it."""
        return polling2.poll(
            lambda: self.http.get(f"{API}/{path}").json(), check_success=wished, step=0.05, timeout=WAIT_S
        )


def text_shape(text: str) -> str:
    """Return a text with what differs from run to run taken out."""
    return re.sub(r"[0-9A-Za-z]{17,22}|\d{4}-\d\d-\d\dT[\d:.]+Z|PT[\d.]+S", "…", text)


def stream_shape(text: str) -> Any:
    """Return the shapes of the first and the last event of a stream, and the names of those between."""
    events = [dict(line.split(": ", 1) for line in event.splitlines()) for event in text.strip().split("\n\n")]
    first, *between, last = events
    return {
        "first": [first["id"], shape(json.loads(first["data"]))],
        "between": sorted({event["id"] for event in between}),
        "last": [last["id"], shape(json.loads(last["data"]))],
    }


# The flows of the recording whose tasks sleep while their limit is reached sleep as long as a value of the key-value
# store says: no test depends on how fast it is.
NAP = "{{ kv('nap') }}"
LONG, SHORT = "PT10M", "PT0.01S"
SHAPES = ("child", "parent", "foreach", "branches", "errors", "finally", "retry", "warning", "timeout", "skipped")

PREPARATIONS: dict[str, Callable[[Conformance], Any]] = {
    "016": lambda run: run.deploy("one_return", "disabled", "logs_only"),
    "031": lambda run: run.deploy("inputs", "mandatory", "secret_input"),
    "053": lambda run: run.alias("053", run.execute("hello_world")),
    "068": lambda run: run.deploy("metrics", "files"),
    "075": lambda run: run.pause(),
    "078": lambda run: run.until(run.here("078")),
    "080": lambda run: run.start_task("080", "sleeper"),
    "081": lambda run: run.until(run.here("081")),
    "083": lambda run: run.start("083", "one_return"),
    "087": lambda run: run.put("gate", "open"),
    "088": lambda run: run.until(run.here("088"), "SUCCESS"),
    "091": lambda run: run.until(run.here("091")),
    "092": lambda run: run.start("092", "failing"),
    "093": lambda run: run.until(run.here("093"), "SUCCESS"),
    "095": lambda run: run.deploy(*SHAPES),
    "106": lambda run: run.saturate("limit_fail"),
    "107": lambda run: run.until(run.here("107")),
    "108": lambda run: run.saturate("limit_cancel"),
    "109": lambda run: run.until(run.here("109")),
    "110": lambda run: run.saturate("limit_queue"),
    "111": lambda run: run.until(run.here("111"), "QUEUED"),
    "112": lambda run: run.start("114", "limit_queue", "QUEUED"),
    "113": lambda run: run.put("nap", SHORT),
    "115": lambda run: run.until(run.here("115")),
    "116": lambda run: run.desaturate(),
    "117": lambda run: run.see_triggers(),
    "120": lambda run: run.see_executions("scheduled"),
    "121": lambda run: run.see_unlocked(),
    "129": lambda run: run.until(run.here("129")),
    "130": lambda run: run.see_downstream(),
    "138": lambda run: run.deploy("reads_kv", "reads_secret"),
}
