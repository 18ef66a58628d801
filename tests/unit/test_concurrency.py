from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import ApiError, ConcurrencyLimitError, KestraError, NotFoundError, ServerError, WaitTimeout
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.records import ExecutionRecord, FlowRecord, LogEntry
from pytest_kestra.run.concurrency import ConcurrencyProof, Proving, most_at_a_time
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.saturation import Saturation
from pytest_kestra.run.session import Session
from tests.unit.conftest import Stub

API = "/api/v1/main"
TASKS: list[dict[str, Any]] = [{"id": "off", "disabled": True}, {"id": "first"}, {"id": "second"}]


@dataclass
class Answer:
    body: Any

    def json(self) -> Any:
        return self.body


@dataclass
class Executor:
    """A client of a Kestra that has one flow with a limit, whose executions end at once; it does `wrong`."""

    limit: int = 2
    behavior: str = "FAIL"
    wrong: str = ""
    tasks: list[dict[str, Any]] = field(default_factory=lambda: list(TASKS))
    running: int = 0
    seconds: int = 0
    histories: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)

    @property
    def executions(self) -> Executor:
        return self

    @property
    def flows(self) -> Executor:
        return self

    @property
    def flow(self) -> FlowRecord:
        concurrency = {"limit": self.limit, "behavior": self.behavior}
        return FlowRecord.of({"id": "f", "namespace": "a.b", "revision": 1, "concurrency": concurrency})

    def request(self, *_: str) -> Answer:
        return Answer({"tasks": self.tasks})

    def logs(self, _: str) -> list[LogEntry]:
        return []

    def counted(self, *_: str) -> int:
        return self.running + (self.wrong == "counts one too many" and self.running == self.limit)

    def of_flow(self, *_: object) -> list[ExecutionRecord]:
        return [self.record(name) for name, history in self.histories.items() if history[-1][0] == "BREAKPOINT"]

    def get(self, *name: Any) -> Any:
        return self.record(name[0]) if len(name) == 1 else self.flow

    def record(self, name: str) -> ExecutionRecord:
        histories = [
            {"state": state, "date": f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"}
            for state, second in self.histories[name]
        ]
        state = {"current": histories[-1]["state"], "histories": histories}
        return ExecutionRecord.of({"id": name, "namespace": "a.b", "flowId": "f", "state": state})

    def start(self, *breakpoints: str) -> ExecutionRecord:
        name = f"e{len(self.histories) + 1}"
        self.histories[name] = []
        self.come(name, "CREATED")
        full = self.running >= self.limit - (self.wrong == "has one slot too few")
        if self.wrong == "stays closed":
            full = full or len(self.histories) > self.limit + 2
        if self.wrong == "has no limit" or not full:
            self.run(name, held=breakpoints == ("first",))
        else:
            self.refuse(name)
        return self.record(name)

    def run(self, name: str, *, held: bool = False) -> None:
        self.running += 1
        self.come(name, "RUNNING")
        if held:
            self.come(name, "BREAKPOINT")
        else:
            self.end(name)

    def refuse(self, name: str) -> None:
        self.come(name, {"QUEUE": "QUEUED", "CANCEL": "CANCELLED", "FAIL": "FAILED"}[self.behavior])
        if self.wrong == "cancels":
            self.histories[name][-1] = ("CANCELLED", self.seconds)
        if self.wrong == "frees a slot" or (self.wrong == "frees a slot late" and len(self.histories) > self.limit + 1):
            self.running -= 1
        if self.wrong == "kills another":
            self.come("e1", "KILLED")
        if self.behavior == "QUEUE":
            self.waiting.append(name)

    def end(self, name: str) -> None:
        if self.wrong == "never ends":
            return
        self.come(name, "SUCCESS")
        self.running -= self.wrong != "keeps slots"
        if self.wrong == "kills the queue":
            for queued in self.waiting:
                self.come(queued, "KILLED")
            self.waiting.clear()
        if self.wrong == "runs two of the queue" and self.waiting:
            for queued in self.waiting:
                self.come(queued, "RUNNING")
            for queued in self.waiting:
                self.come(queued, "SUCCESS")
            self.waiting.clear()
        if self.waiting:
            self.run(self.waiting.pop(-1 if self.wrong == "runs the last first" else 0))

    def come(self, name: str, state: str) -> None:
        self.seconds += 1
        self.histories[name].append((state, self.seconds))

    def resume_from_breakpoint(self, name: str) -> None:
        if self.wrong == "goes away":
            raise ServerError("gone")
        if self.wrong == "refuses":
            raise ApiError(500, "no", "POST")
        if self.wrong == "forgets":
            raise NotFoundError(404, "no", "POST")
        if self.histories[name][-1][0] != "BREAKPOINT":
            raise ApiError(409, "not suspended", "POST")
        self.come(name, "RUNNING")
        self.end(name)

    def kill(self, name: str) -> None:
        self.killed.append(name)

    @property
    def saturation(self) -> Saturation:
        client = cast("Client", self)
        session = Session(client, Deployer(client, Namespaces("t")), 0.02, settled=True)

        def start(*breakpoints: str) -> Execution:
            return Execution.reading(self.start(*breakpoints), session)

        return Saturation(self.flow, "flows/f.yaml", session, start, 0.02)

    def proof(self) -> ConcurrencyProof:
        return Proving(self.saturation).proof()


@pytest.mark.parametrize("limit", [1, 2, 7])
@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED"), ("QUEUE", "SUCCESS")])
def test_limit_that_holds_is_proven(behavior: str, state: str, limit: int) -> None:
    proof = Executor(limit, behavior).proof()

    assert (proof.limit, proof.behavior, proof.most, len(proof.held)) == (limit, behavior, limit, limit)
    assert [run.state for run in proof.over] == [state, state]
    assert proof.further.state == "SUCCESS"


def test_ids_of_many_are_cut() -> None:
    assert "  held before their first task: e1, e2, e3 and 4 more; Kestra counts 7 running" in str(Executor(7).proof())


@pytest.mark.parametrize(
    ("behavior", "wrong", "first"),
    [
        ("FAIL", "frees a slot", "has FAILED one over its limit, but Kestra counts 1 running, not 2"),
        ("CANCEL", "frees a slot", "has CANCELLED one over its limit, but Kestra counts 1 running, not 2"),
        ("FAIL", "frees a slot late", "has FAILED one over its limit, but Kestra counts 1 running, not 2"),
        ("FAIL", "has no limit", "let one run over its limit of 2"),
        ("FAIL", "cancels", "made one over its limit CANCELLED, not FAILED"),
        ("FAIL", "kills another", "no longer holds e1: it is KILLED"),
        ("FAIL", "counts one too many", "fills its limit, but Kestra counts 3 running, not 2"),
        ("QUEUE", "runs the last first", "ran what it had queued in the order 2, 1, not as it came"),
        ("QUEUE", "kills the queue", "never ran one that it had queued: it is KILLED"),
        ("QUEUE", "runs two of the queue", "let 3 executions run at a time, over its limit of 2"),
        ("FAIL", "keeps slots", "has kept slots: Kestra counts 2 running, though all have ended"),
        ("QUEUE", "stays closed", "let none run, though all its slots were free: it is QUEUED"),
        ("CANCEL", "stays closed", "let none run, though all its slots were free: it is CANCELLED"),
        ("FAIL", "has one slot too few", "let only 1 executions run, not the 2 of its limit"),
    ],
)
def test_limit_that_does_not_hold_is_told(behavior: str, wrong: str, first: str) -> None:
    with pytest.raises(ConcurrencyLimitError) as caught:
        Executor(behavior=behavior, wrong=wrong).proof()

    lines = str(caught.value).splitlines()
    assert lines[0] == f"f {first}"
    assert len(lines[0]) <= 100
    assert lines[-1].startswith("Execution: ")


@pytest.mark.parametrize(
    ("behavior", "why"), [("FAIL", ": refusing the one before has freed a slot"), ("QUEUE", ", after others over it")]
)
def test_slot_that_a_refusal_has_freed_is_found_by_who_takes_it(
    behavior: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Kestra 1.0.x did, which has no number to look at until later.
    monkeypatch.setattr(Executor, "counted", lambda executor, *_: executor.limit if executor.running else 0)

    with pytest.raises(ConcurrencyLimitError) as caught:
        Executor(behavior=behavior, wrong="frees a slot").proof()

    lines = str(caught.value).splitlines()
    assert lines[0] == f"f let one run over its limit of 2{why}"
    assert lines[2].startswith("  1 over the limit: e3 is ")
    assert lines[3] == "f is SUCCESS"


def test_execution_that_does_not_end_is_told() -> None:
    with pytest.raises(WaitTimeout, match=r"^f was still RUNNING after 0\.02 s\n"):
        Executor(wrong="never ends").proof()


def fill(executor: Executor, *, hold: bool = True) -> None:
    with executor.saturation.filled(hold=hold):
        pass


def test_holds_before_the_first_task_that_is_not_disabled() -> None:
    executor = Executor()
    with executor.saturation.filled(hold=True) as held:
        assert [run.state for run in held] == ["BREAKPOINT", "BREAKPOINT"]
        executor.resume_from_breakpoint("e1")

    assert [history[-1][0] for history in executor.histories.values()] == ["SUCCESS", "SUCCESS"]


def test_what_goes_wrong_at_the_end_of_a_block_is_told_only_where_the_block_was_right() -> None:
    for wrong, kind in (("goes away", ServerError), ("refuses", ApiError)):
        with pytest.raises(kind):
            fill(Executor(wrong=wrong))
        with pytest.raises(ZeroDivisionError), Executor(wrong=wrong).saturation.filled(hold=True):
            raise ZeroDivisionError
    fill(Executor(wrong="forgets"))


@pytest.mark.parametrize(("behavior", "killed"), [("FAIL", ["e1"]), ("QUEUE", ["e2", "e1"])])
def test_what_was_started_in_vain_is_killed(behavior: str, killed: list[str]) -> None:
    executor = Executor(behavior=behavior, wrong="has one slot too few")
    with pytest.raises(ConcurrencyLimitError, match=r"^f let only 1 executions run, not the 2 of its limit\nf is "):
        fill(executor)

    assert executor.killed == killed


def test_slots_that_somebody_takes_meanwhile_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    executor = Executor()
    counted: Callable[..., int] = Executor.counted

    def late(other: Executor, *names: str) -> int:
        count = counted(other, *names)
        other.start("first")
        return count

    monkeypatch.setattr(Executor, "counted", late)

    with pytest.raises(
        KestraError,
        match=r"^flows/f\.yaml: other executions of f take 1 of the 2 slots .*: e1 is BREAKPOINT since 00:00:03\. Wait",
    ):
        fill(executor)


def test_flow_that_ends_before_it_is_held_is_told() -> None:
    executor = Executor()
    executor.tasks[1] = {"id": "another"}  # the executor stops only at `first`

    with pytest.raises(KestraError, match=r"^flows/f\.yaml: the flow f cannot be held: 2 of 2 executions had ended"):
        fill(executor)
    with pytest.raises(KestraError, match=r"^flows/f\.yaml: the flow f is too fast to be saturated without hold=True"):
        fill(Executor(), hold=False)


def test_execution_that_nobody_begins_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Executor, "run", lambda *_, held: None)

    with pytest.raises(WaitTimeout, match=r"^f was still CREATED after 0\.02 s, never BREAKPOINT or QUEUED\n"):
        fill(Executor())


def test_slots_that_are_lost_are_told() -> None:
    with pytest.raises(
        ConcurrencyLimitError, match=r"^f has lost 1 of the 2 slots of its limit: .*\nPUT concurrency-l"
    ):
        fill(Executor(running=1))


def test_flow_without_tasks_or_limit_is_told() -> None:
    with pytest.raises(KestraError, match=r"^flows/f\.yaml: all tasks of f are disabled"):
        fill(Executor(tasks=TASKS[:1]))
    saturation = replace(Executor().saturation, flow=replace(Executor().flow, concurrency=None))
    with (
        pytest.raises(KestraError, match=r"^flows/f\.yaml: the flow f has no `concurrency`"),
        saturation.filled(hold=True),
    ):
        pass


def ran(*spans: tuple[int, int]) -> list[Execution]:
    executor = Executor()
    for name, (start, end) in enumerate(spans):
        executor.histories[str(name)] = [("CREATED", 0), ("RUNNING", start), ("SUCCESS", end)]
    session = executor.saturation.session
    return [Execution.reading(executor.record(name), session) for name in executor.histories]


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([(1, 2), (2, 3)], 1),
        ([(1, 3), (2, 3)], 2),
        ([(1, 9), (2, 3), (4, 5), (4, 6)], 3),
    ],
)
def test_most_at_a_time(spans: list[tuple[int, int]], most: int) -> None:
    assert most_at_a_time(ran(*spans)) == most


def test_most_at_a_time_where_they_run_only_after_their_breakpoint() -> None:
    executor = Executor()
    for name, end in (("a", 5), ("b", 6)):
        executor.histories[name] = [("CREATED", 0), ("BREAKPOINT", 1), ("RUNNING", end - 1), ("SUCCESS", end)]
    session = executor.saturation.session

    assert most_at_a_time([Execution.reading(executor.record(name), session) for name in executor.histories]) == 2


def test_client_asks_for_breakpoints_and_counts(client: Client, stub: Stub) -> None:
    created = {"id": "e1", "namespace": "a.b", "flowId": "f", "state": {"current": "CREATED", "histories": []}}
    limits = [{"namespace": "a.b", "flowId": "g", "running": 1}, {"namespace": "a.b", "flowId": "f", "running": 2}]
    stub.on("POST", f"{API}/executions/a.b/f", json.dumps(created))
    stub.on("POST", f"{API}/executions/e1/resume-from-breakpoint", "")
    stub.on("GET", f"{API}/concurrency-limit/search", json.dumps({"results": limits, "total": 2}))

    client.executions.create("a.b", "f", breakpoints=["one", "two"])
    client.executions.resume_from_breakpoint("e1")

    assert stub.asked[0].path.endswith("?breakpoints=one%2Ctwo")
    assert (client.executions.counted("a.b", "f"), client.executions.counted("a", "f")) == (2, 0)
