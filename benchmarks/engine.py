"""What the embedded engine takes: to start, to run executions, to be idle."""

from __future__ import annotations

import contextlib
import math
import os
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.figures import Row, milliseconds, seconds, spread
from pytest_kestra import Client, Kestra, Settings
from pytest_kestra.engine.lease import Lease
from pytest_kestra.server.embedded import EmbeddedServer
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run

STARTS, WARM_UP, SINGLES, FIVES, CROWDS, CROWD, IDLE_S = 7, 30, 300, 20, 5, 100, 20.0
MOCKED = 50
LONG_WARM_UP, MANY, PART = 300, 1000, 100
LENGTHS, LOOP_TIMEOUT_S = (50, 100, 200), 600.0
ONE = """\
id: one
namespace: benchmarks
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ execution.id }}"}
"""
LOOP = """\
id: loop
namespace: benchmarks
inputs:
  - {id: length, type: INT}
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ range(1, inputs.length) }}"
    concurrencyLimit: 0
    tasks:
      - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
"""
REACHING = """\
id: reaching
namespace: benchmarks
tasks:
  - id: fetch
    type: io.kestra.plugin.core.http.Request
    uri: http://nowhere.invalid/
    retry: {type: constant, interval: PT0.01S, maxAttempts: 3}
  - {id: store, type: io.kestra.plugin.core.http.Request, uri: "http://db.invalid/{{ outputs.fetch.body }}"}
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.fetch.body }}"}
"""
FIVE = Path(__file__).resolve().parent.parent / "example_flows" / "01_hello_world.yaml"


@contextlib.contextmanager
def kestra(version: str) -> Iterator[tuple[Kestra, Lease]]:
    """Start an engine of its own and end it."""
    run = Run.create()
    try:
        server = EmbeddedServer(Settings(version=version), run, Equipment()).open()
        lease = Lease.read(server.folder)
        assert lease is not None
        with Client(server.address) as client:
            yield Kestra(client, namespace="b", settled=True, ephemeral=True), lease
    finally:
        run.finish()


def start(version: str) -> list[Row]:
    """Measure from nothing to the end of the first execution."""
    values = []
    for _ in range(STARTS):
        started = time.perf_counter()
        with kestra(version) as (engine, _):
            assert engine.deploy(ONE).run().state == "SUCCESS"
            values.append(time.perf_counter() - started)
    return [Row(f"engine started, first flow finished, median of {STARTS}", spread(values), "≤ 3 s")]


def executions(version: str) -> list[Row]:
    """Measure single executions one after the other, and many at once."""
    with kestra(version) as (engine, _):
        one, five = engine.deploy(ONE), engine.deploy(FIVE)
        for _ in range(WARM_UP):
            one.run()
        singles = [seconds(one.run) for _ in range(SINGLES)]
        fives = [seconds(five.run) for _ in range(FIVES)]

        def crowd() -> None:
            ended = [execution.wait().state for execution in [one.start() for _ in range(CROWD)]]
            assert set(ended) == {"SUCCESS"}

        crowds = [seconds(crowd) for _ in range(CROWDS)]
    return [
        Row(f"one-task flow, `flow.run()`, median / p95 of {SINGLES}", milliseconds(singles), "≤ 50 / 120 ms"),
        Row(f"five tasks with Sleep 0.5 s, median / p95 of {FIVES}", milliseconds(fives), "≤ 700 ms"),
        Row(f"{CROWD} executions at once, median of {CROWDS}", spread(crowds), "≤ 2.4 s"),
    ]


def mocks(version: str) -> list[Row]:
    """Measure a flow that asks a host which is not there, three times, and then a database."""
    with kestra(version) as (engine, _):
        answers: list[object] = []
        flow = engine.deploy(REACHING)
        fetch = engine.mock("fetch", side_effect=["FAILED", "FAILED", {"body": "42"}])
        engine.mock("store", {"code": 204})
        answers.append(flow.run().state)
        times = []
        for _ in range(MOCKED):
            # A sequence is used up by each run.
            fetch.remove()
            fetch = engine.mock("fetch", side_effect=["FAILED", "FAILED", {"body": "42"}])
            times.append(seconds(lambda: answers.append(flow.run().state)))
        assert set(answers) == {"SUCCESS"}
    what = f"mocked request with two retries, mocked store, log: `flow.run()`, median / p95 of {MOCKED}"
    return [Row(what, milliseconds(times), "≤ 300 ms")]


def loops(version: str) -> list[Row]:
    """Measure loops of some lengths, and the processor time they take; Linux only for that."""
    rows = []
    with kestra(version) as (engine, lease):
        loop = LOOP.replace("ForEach", "Loop").replace("taskrun.", "item.") if version.startswith("2") else LOOP
        flow, process = engine.deploy(loop), Path(f"/proc/{lease.pid}")
        flow.run(inputs={"length": 5})
        for length in LENGTHS:
            before = _processor_seconds(process)
            taken = seconds(partial(flow.run, inputs={"length": length}, timeout=LOOP_TIMEOUT_S))
            used = _processor_seconds(process) - before
            rows.append(Row(f"loop over {length} values", f"{taken:.1f} s, {used:.1f} s of a core", "–"))
    return rows


def endurance(version: str) -> list[Row]:
    """Compare the first and the last of many executions in one engine, count them, and look at its memory."""
    with kestra(version) as (engine, lease):
        flow = engine.deploy(ONE)
        for _ in range(LONG_WARM_UP):
            flow.run()
        process = Path(f"/proc/{lease.pid}")
        before = _megabytes(process)
        times, late, ids = [], [], set()
        for _ in range(MANY):
            started = time.perf_counter()
            execution = flow.run()
            times.append(time.perf_counter() - started)
            late.append(time.time() - execution.history[-1].date.timestamp())
            ids.add(execution.id)
        after = _megabytes(process)
        found = [execution.id for execution in flow.executions()]
        lost, doubled = len(ids - set(found)), len(found) - len(set(found))
    first, last = statistics.median(times[:PART]), statistics.median(times[-PART:])
    return [
        Row(f"{MANY} executions in one engine", f"{lost} lost, {doubled} doubled", "none"),
        Row(f"median of the last {PART} of them against the first {PART}", f"{last / first:.2f} ×", "≤ 1.1 ×"),
        Row("memory before and after them", f"{before:.0f} MB, {after:.0f} MB", "flat"),
        Row("`wait=true` answers after the end, median / p95", milliseconds(late), "≤ 20 ms"),
    ]


def idle(version: str) -> list[Row]:
    """Measure the processor time and the memory of an engine that has worked and now waits; Linux only."""
    with kestra(version) as (engine, lease):
        flow = engine.deploy(ONE)
        for _ in range(WARM_UP):
            flow.run()
        process = Path(f"/proc/{lease.pid}")
        if not process.exists():
            return [Row("idle engine", "not measured on this system", "≤ 5 % of one core, ≤ 400 MB")]
        time.sleep(3)  # what the last execution has left to do
        before = _processor_seconds(process)
        time.sleep(IDLE_S)
        share = (_processor_seconds(process) - before) / IDLE_S
        memory = _megabytes(process)
    return [Row("idle engine", f"{share:.1%} of one core, {memory:.0f} MB", "≤ 5 % of one core, ≤ 400 MB")]


def _processor_seconds(process: Path) -> float:
    """Return what a process has used of the processor; nothing where the system does not tell."""
    if not process.exists():
        return math.nan
    fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def _megabytes(process: Path) -> float:
    """Return the memory that a process has in use; nothing where the system does not tell."""
    if not process.exists():
        return math.nan
    lines = (process / "status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024
