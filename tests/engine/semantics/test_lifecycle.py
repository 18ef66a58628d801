"""What happens to executions that are paused, killed, restarted, replayed or limited, on the embedded engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from pytest_kestra import Client
from tests.engine.lines import is_two
from tests.engine.running import (
    GATED,
    PAUSED,
    SLEEPER,
    WORD,
    came,
    created,
    current,
    history,
    kill,
    put,
    ran,
    run_of,
    slots,
    start,
    state,
    tasks,
    value,
)
from tests.engine.scheduling import deploy, executions, until, update

PARENT = """\
id: parent
namespace: {namespace}
tasks:
  - {{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: {namespace}, flowId: {child}}}
  - {{id: after, type: io.kestra.plugin.core.debug.Return, format: after}}
"""
THREE = """\
id: three
namespace: {namespace}
tasks:
  - {{id: one, type: io.kestra.plugin.core.debug.Return, format: "1"}}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {{id: item, type: io.kestra.plugin.core.debug.Return, format: "{{{{ taskrun.value }}}}"}}
  - {{id: three, type: io.kestra.plugin.core.debug.Return, format: "3"}}
"""
LIMITED = """\
id: limited
namespace: {namespace}
concurrency: {{behavior: {behavior}, limit: 1}}
tasks:
  - {{id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT10M}}
"""
HANDLED = """\
id: handled
namespace: {namespace}
tasks:
  - {{id: fail, type: io.kestra.plugin.core.execution.Fail}}
  - {{id: after, type: io.kestra.plugin.core.debug.Return, format: after}}
errors:
  - {{id: on_error, type: io.kestra.plugin.core.debug.Return, format: "on error"}}
"""


def states_of_killed(api: httpx.Client, namespace: str, times: int) -> set[str]:
    """Return the states of executions that ran and waited when all were killed."""
    deploy(api, LIMITED.format(namespace=namespace, behavior="QUEUE"))
    states = set()
    for _ in range(times):
        ids = [start(api, namespace, "limited")]
        came(api, ids[0], "RUNNING")
        ids += [start(api, namespace, "limited") for _ in range(3)]
        for execution_id in ids[1:]:
            came(api, execution_id, "QUEUED")
        for execution_id in ids:
            api.delete(f"executions/{execution_id}/kill").raise_for_status()
        states |= {came(api, execution_id)["state"]["current"] for execution_id in ids}
    return states


def child_of(api: httpx.Client, parent: str, *states: str) -> Any:
    """Return the child of an execution when it has come to one of some states."""

    def find() -> Any:
        params = {"filters[triggerExecutionId][EQUALS]": parent}
        found = api.get("executions/search", params=params).json()["results"]
        return found[0] if found and found[0]["state"]["current"] in states else None

    return until(find)


def test_pause_waits_for_its_inputs(api: httpx.Client, namespace: str) -> None:
    deploy(api, PAUSED.format(namespace=namespace))
    paused = came(api, start(api, namespace, "paused"), "PAUSED")
    assert run_of(paused, "wait")["state"]["current"] == "PAUSED"

    files = [("reason", (None, "approved")), ("count", (None, "12"))]
    assert api.post(f"executions/{paused['id']}/resume", files=files).status_code == 204

    ended = came(api, paused["id"])
    assert (ended["state"]["current"], value(ended, "after")) == ("SUCCESS", "approved 12")
    assert history(ended) == ["CREATED", "RUNNING", "PAUSED", "RESTARTED", "RUNNING", "SUCCESS"]


def test_pause_takes_defaults_and_refuses_what_is_no_input(api: httpx.Client, namespace: str) -> None:
    deploy(api, PAUSED.format(namespace=namespace))
    paused = came(api, start(api, namespace, "paused"), "PAUSED")
    url = f"executions/{paused['id']}/resume"

    wrong = api.post(url, files=[("reason", (None, "x")), ("count", (None, "many"))])
    assert (wrong.status_code, "Invalid value for input `count`" in wrong.text) == (422, True)
    assert state(api, paused["id"]) == "PAUSED"

    assert api.post(url, files=[("reason", (None, "approved"))]).status_code == 204
    assert value(came(api, paused["id"]), "after") == "approved 7"


def test_execution_is_paused_and_resumed_from_outside(api: httpx.Client, namespace: str) -> None:
    deploy(api, PAUSED.format(namespace=namespace))
    deploy(api, PARENT.format(namespace=namespace, child="paused"))
    parent = start(api, namespace, "parent")
    child = child_of(api, parent, "PAUSED")
    came(api, parent, "RUNNING")

    assert api.post(f"executions/{parent}/pause").status_code == 200
    came(api, parent, "PAUSED")
    api.post(f"executions/{child['id']}/resume", files=[("reason", (None, "go"))]).raise_for_status()
    came(api, child["id"])
    until(lambda: run_of(current(api, parent), "call")["state"]["current"] == "SUCCESS")
    assert (state(api, parent), tasks(current(api, parent))) == ("PAUSED", ["call"])

    assert api.post(f"executions/{parent}/resume").status_code == 204
    assert value(came(api, parent), "after") == "after"


# On Kestra 2.0 the rounds of a loop are executions, which have no breakpoints.
@pytest.mark.kestra_requires(version="<2")
def test_breakpoint_stops_an_execution_until_it_is_told_to_go_on(api: httpx.Client, namespace: str) -> None:
    deploy(api, THREE.format(namespace=namespace))
    stopped = came(api, start(api, namespace, "three", breakpoints="item.b,three"), "BREAKPOINT")
    assert tasks(stopped) == ["one", "each", "item", "item"]
    states = {run.get("value"): run["state"]["current"] for run in stopped["taskRunList"] if run["taskId"] == "item"}
    assert states == {"a": "SUCCESS", "b": "BREAKPOINT"}

    url = f"executions/{stopped['id']}/resume-from-breakpoint"
    assert api.post(url, params={"breakpoints": "three"}).status_code == 200
    stopped = until(
        lambda: current(api, stopped["id"]),
        lambda found: found["state"]["current"] == "BREAKPOINT" and "three" in tasks(found),
    )
    assert run_of(stopped, "three")["state"]["current"] == "BREAKPOINT"

    assert api.post(url).status_code == 200
    ended = came(api, stopped["id"])
    assert (ended["state"]["current"], value(ended, "three")) == ("SUCCESS", "3")


def test_kill_ends_a_task_that_runs(api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    running = start(api, namespace, "sleeper")
    until(lambda: [run["state"]["current"] for run in current(api, running).get("taskRunList", ())] == ["RUNNING"])

    assert api.delete(f"executions/{running}/kill").status_code == 202
    killed = came(api, running)
    # Between them it is KILLING, unless its worker is faster than the executor.
    assert [name for name in history(killed) if name != "KILLING"] == ["CREATED", "RUNNING", "KILLED"]

    def task_has_ended() -> bool:
        # A worker misses a kill that comes just when it begins a task.
        api.delete(f"executions/{running}/kill").raise_for_status()
        return bool(run_of(current(api, running), "sleep")["state"]["current"] == "KILLED")

    until(task_has_ended)


def test_kill_ends_the_subflows_that_run(api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    deploy(api, PARENT.format(namespace=namespace, child="sleeper"))
    parent = start(api, namespace, "parent")
    child = child_of(api, parent, "RUNNING")

    kill(api, parent)
    assert state(api, parent) == "KILLED"
    assert came(api, child["id"])["state"]["current"] == "KILLED"


def test_kill_spares_the_subflows_if_told_so(api: httpx.Client, namespace: str) -> None:
    deploy(api, SLEEPER.format(namespace=namespace))
    deploy(api, PARENT.format(namespace=namespace, child="sleeper"))
    parent = start(api, namespace, "parent")
    child = child_of(api, parent, "RUNNING")

    assert api.delete(f"executions/{parent}/kill", params={"isOnKillCascade": "false"}).status_code == 202
    # On Kestra 2.0 its task waits all the same.
    came(api, parent, "KILLED", "KILLING")
    assert state(api, child["id"]) == "RUNNING"
    kill(api, child["id"])
    assert came(api, parent)["state"]["current"] == "KILLED"


def test_kill_of_what_is_paused(api: httpx.Client, namespace: str) -> None:
    deploy(api, PAUSED.format(namespace=namespace))
    paused = came(api, start(api, namespace, "paused"), "PAUSED")

    kill(api, paused["id"])
    killed = current(api, paused["id"])
    assert (killed["state"]["current"], tasks(killed)) == ("KILLED", ["wait"])


def test_restart_runs_what_has_failed(api: httpx.Client, namespace: str) -> None:
    deploy(api, GATED.format(namespace=namespace))
    failed = ran(api, namespace, "gated")
    assert [run["state"]["current"] for run in failed["taskRunList"]] == ["SUCCESS", "FAILED"]

    put(api, namespace, "gate", "open")
    restarted = api.post(f"executions/{failed['id']}/restart").json()
    # Kestra 2.0 answers with what it reads when it has restarted it, and that may have gone on.
    assert (restarted["id"], "RESTARTED" in history(restarted)) == (failed["id"], True)
    assert {"key": "system.restarted", "value": "true"} in restarted["labels"]

    ended = came(api, failed["id"], "SUCCESS")
    assert value(ended, "gate") == "open one"
    assert len(run_of(ended, "before")["attempts"]) == 1
    assert [attempt["state"]["current"] for attempt in run_of(ended, "gate")["attempts"]] == ["FAILED", "SUCCESS"]


# Kestra 2.0.0 leaves the outputs of the tasks before behind.
@pytest.mark.kestra_requires(version="<2")
def test_restart_with_a_revision_is_a_new_execution_of_it(api: httpx.Client, namespace: str) -> None:
    source = GATED.format(namespace=namespace)
    deploy(api, source)
    failed = ran(api, namespace, "gated")
    update(api, namespace, "gated", source.replace("{{ kv('gate') }}", "repaired"))

    restarted = api.post(f"executions/{failed['id']}/restart", params={"revision": "2"}).json()
    ended = came(api, restarted["id"], "SUCCESS")
    assert ended["id"] != failed["id"]
    assert (ended["flowRevision"], ended["originalId"], value(ended, "gate")) == (2, failed["id"], "repaired one")
    assert current(api, failed["id"])["state"]["current"] == "FAILED"


def test_replay_begins_anew(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    first = ran(api, namespace, "word", {"word": "two"})

    again = api.post(f"executions/{first['id']}/replay").json()
    assert again["id"] != first["id"]
    ended = came(api, again["id"])
    assert (value(ended, "second"), ended["originalId"]) == ("second two", first["id"])
    assert {"key": "system.replay", "value": "true"} in ended["labels"]
    assert {"key": "system.replayed", "value": "true"} in current(api, first["id"])["labels"]


def test_replay_from_a_task_keeps_what_was_before(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    first = ran(api, namespace, "word")
    run = run_of(first, "second")

    again = api.post(f"executions/{first['id']}/replay", params={"taskRunId": run["id"]}).json()
    ended = came(api, again["id"], "SUCCESS")
    assert value(ended, "first") == value(first, "first")
    # The first task did not run again.
    assert run_of(ended, "first")["state"]["histories"] == run_of(first, "first")["state"]["histories"]
    assert "RESTARTED" in history(run_of(ended, "second"))


def test_replay_takes_another_revision(api: httpx.Client, namespace: str) -> None:
    source = WORD.format(namespace=namespace)
    deploy(api, source)
    first = ran(api, namespace, "word")
    update(api, namespace, "word", source.replace("second {{", "changed {{"))

    same = came(api, api.post(f"executions/{first['id']}/replay").json()["id"])
    other = came(api, api.post(f"executions/{first['id']}/replay", params={"revision": "2"}).json()["id"])
    assert (same["flowRevision"], value(same, "second")) == (1, "second one")
    assert (other["flowRevision"], value(other, "second")) == (2, "changed one")


def test_replay_takes_other_inputs(api: httpx.Client, namespace: str, kestra_client: Client) -> None:
    deploy(api, WORD.format(namespace=namespace))
    first = ran(api, namespace, "word")
    url = f"executions/{first['id']}/replay-with-inputs"

    again = api.post(url, files=[("word", (None, "three"))]).json()
    assert value(came(api, again["id"]), "second") == "second three"

    run = run_of(first, "second")
    again = api.post(url, params={"taskRunId": run["id"]}, files=[("word", (None, "four"))]).json()
    ended = came(api, again["id"], "SUCCESS")
    assert (value(ended, "first"), value(ended, "second")) == ("one", "second four")
    # Kestra 1.3 saves the original with them.
    kept = "one" if is_two(kestra_client) else "four"
    assert current(api, first["id"])["inputs"] == {"word": kept}


def test_replay_stops_at_breakpoints(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    first = ran(api, namespace, "word")

    again = api.post(f"executions/{first['id']}/replay", params={"breakpoints": "second"}).json()
    stopped = came(api, again["id"], "BREAKPOINT")
    assert run_of(stopped, "first")["state"]["current"] == "SUCCESS"
    # Kestra 2.0.0 never ends one that is killed there.
    assert api.post(f"executions/{again['id']}/resume-from-breakpoint").status_code == 200
    assert came(api, again["id"])["state"]["current"] == "SUCCESS"


def test_task_run_gets_another_state_and_the_execution_goes_on(api: httpx.Client, namespace: str) -> None:
    deploy(api, HANDLED.format(namespace=namespace))
    failed = ran(api, namespace, "handled")
    assert tasks(failed) == ["fail", "on_error"]

    body = {"taskRunId": run_of(failed, "fail")["id"], "state": "SUCCESS"}
    changed = api.post(f"executions/{failed['id']}/state", json=body).json()
    assert tasks(changed) in (["fail"], ["fail", "after"])
    ended = came(api, failed["id"], "SUCCESS")
    assert (tasks(ended), value(ended, "after")) == (["fail", "after"], "after")


def test_status_of_what_has_ended_is_changed(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    ended = ran(api, namespace, "word")

    changed = api.post(f"executions/{ended['id']}/change-status", params={"status": "FAILED"}).json()
    assert changed["state"]["current"] == "FAILED"
    assert history(came(api, ended["id"], "FAILED"))[-2:] == ["SUCCESS", "FAILED"]


def test_execution_is_queued_until_a_slot_is_free(api: httpx.Client, namespace: str) -> None:
    deploy(api, LIMITED.format(namespace=namespace, behavior="QUEUE"))
    first = start(api, namespace, "limited")
    came(api, first, "RUNNING")
    second = start(api, namespace, "limited")
    came(api, second, "QUEUED")

    kill(api, first)
    assert history(came(api, second, "RUNNING")) == ["CREATED", "QUEUED", "RUNNING"]
    kill(api, second)


def test_all_that_run_and_wait_are_ended_at_once(api: httpx.Client, namespace: str) -> None:
    """The end of one frees the slot that others wait for while they are ended: Kestra's transactions meet there."""
    assert states_of_killed(api, namespace, 15) == {"KILLED"}


def test_no_kill_is_lost_where_many_are_killed(api: httpx.Client, namespace: str) -> None:
    """The executor tells the workers inside a transaction of its own, while the next kills are asked for."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: states_of_killed(api, f"{namespace}.n{number}", 6), range(8)))
    assert found == [{"KILLED"}] * 8


@pytest.mark.parametrize(("behavior", "final"), [("CANCEL", "CANCELLED"), ("FAIL", "FAILED")])
def test_execution_over_the_limit_is_refused_and_takes_no_slot(
    api: httpx.Client, namespace: str, behavior: str, final: str
) -> None:
    deploy(api, LIMITED.format(namespace=namespace, behavior=behavior))
    for _ in range(2):
        running = start(api, namespace, "limited")
        came(api, running, "RUNNING")
        for _ in range(2):
            refused = came(api, start(api, namespace, "limited"))
            assert (history(refused), tasks(refused)) == (["CREATED", final], [])
        assert state(api, running) == "RUNNING"
        kill(api, running)
        # Kestra frees the slot a moment after the end.
        until(lambda: slots(api, namespace), lambda taken: taken == 0)


@pytest.mark.parametrize("final", ["RUNNING", "CANCELLED", "FAILED"])
def test_queued_execution_is_let_go(api: httpx.Client, namespace: str, final: str) -> None:
    deploy(api, LIMITED.format(namespace=namespace, behavior="QUEUE"))
    first = start(api, namespace, "limited")
    came(api, first, "RUNNING")
    second = start(api, namespace, "limited")
    came(api, second, "QUEUED")

    answer = api.post(f"executions/{second}/unqueue", params={"state": final})
    assert answer.json()["state"]["current"] == final
    assert history(came(api, second, final)) == ["CREATED", "QUEUED", final]
    kill(api, first, second)


def test_force_run_lets_the_queued_and_the_paused_go(api: httpx.Client, namespace: str) -> None:
    deploy(api, LIMITED.format(namespace=namespace, behavior="QUEUE"))
    deploy(api, PAUSED.format(namespace=namespace))
    first = start(api, namespace, "limited")
    came(api, first, "RUNNING")
    second = start(api, namespace, "limited")
    came(api, second, "QUEUED")

    assert api.post(f"executions/{second}/force-run").json()["state"]["current"] == "RUNNING"
    assert state(api, first) == "RUNNING"
    # What runs stays as it is.
    assert api.post(f"executions/{second}/force-run").json()["id"] == second
    kill(api, first, second)

    paused = came(api, start(api, namespace, "paused"), "PAUSED")
    assert "RESTARTED" in history(api.post(f"executions/{paused['id']}/force-run").json())
    came(api, paused["id"])


def test_scheduled_execution_waits_for_its_date(api: httpx.Client, namespace: str) -> None:
    deploy(api, WORD.format(namespace=namespace))
    later = start(api, namespace, "word", scheduleDate="2036-01-01T00:00:00Z")
    past = created(api, namespace, "word", wait="true", scheduleDate="2026-01-01T00:00:00+02:00")
    assert past["state"]["current"] == "SUCCESS"

    # That of the past has ended, though it was created after the one that waits.
    assert state(api, later) == "CREATED"
    assert "RUNNING" in history(api.post(f"executions/{later}/force-run").json())
    assert came(api, later)["state"]["current"] == "SUCCESS"


@pytest.mark.kestra_requires(version="<2")
def test_deleted_flow_is_executed_as_in_kestra_1_3_31(api: httpx.Client, namespace: str) -> None:
    # Later versions refuse it (kestra pull request 19327); whatever the engine's version does is Kestra's own doing.
    deploy(api, WORD.format(namespace=namespace))
    api.delete(f"flows/{namespace}/word").raise_for_status()

    answer = api.post(f"executions/{namespace}/word", params={"wait": "true"})
    assert answer.json()["state"]["current"] == "SUCCESS"
    assert [found["flowRevision"] for found in executions(api, namespace, "word")] == [2]
