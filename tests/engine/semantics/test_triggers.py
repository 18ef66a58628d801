"""Triggers fire on the embedded engine when and as they do on a server; nothing here waits for a fixed time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_kestra import Client, Server
from pytest_kestra.engine.lease import Lease
from tests.engine.launched import Launched
from tests.engine.lines import is_two
from tests.engine.replay import Replay
from tests.engine.scheduling import PAUSE, YAML, daily, deploy, ended, executions, known, states, until, update

FLOW = """\
id: {id}
namespace: {namespace}
labels: {{team: blue}}
inputs:
  - {{id: name, type: STRING, defaults: nobody}}
tasks:
  - {task}
outputs:
  - {{id: said, type: STRING, value: "{{{{ inputs.name }}}}"}}
"""
RETURN = '{id: show, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.name }}"}'
FAIL = "{id: show, type: io.kestra.plugin.core.execution.Fail}"
# The shortest period that a schedule can have.
EVERY_SECOND = 'type: io.kestra.plugin.core.trigger.Schedule, cron: "* * * * * *", withSeconds: true'


def flow(namespace: str, name: str = "scheduled", triggers: str = "", task: str = RETURN, more: str = "") -> str:
    """Return the source of a flow with triggers."""
    source = FLOW.format(id=name, namespace=namespace, task=task) + more
    return f"{source}triggers:\n{triggers}" if triggers else source


def every_second(name: str = "often", more: str = "") -> str:
    """Return a trigger that fires each second."""
    return f"  - {{id: {name}, {EVERY_SECOND}{more}}}\n"


def by_trigger(found: list[Any]) -> list[str]:
    return [item["trigger"]["id"] for item in found]


def labels(execution: Any) -> dict[str, str]:
    return {label["key"]: label["value"] for label in execution["labels"]}


class Clock:
    """Tell that the scheduler has looked at all triggers since: by a schedule that has fired since then."""

    def __init__(self, api: httpx.Client, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        deploy(api, flow(namespace, "clock", every_second(more=", allowConcurrent: true")))

    def ticks(self, times: int = 2) -> None:
        """Return when the scheduler has looked at all triggers so many times from now on."""
        before = len(executions(self.api, self.namespace, "clock"))
        until(lambda: len(executions(self.api, self.namespace, "clock")) >= before + times)


@pytest.fixture
def clock(api: httpx.Client, namespace: str) -> Clock:
    return Clock(api, namespace)


class TestSchedule:
    def test_fires_each_second(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, triggers=every_second(more=', inputs: {name: "{{ trigger.id }}"}')))
        first, second = ended(api, namespace, "scheduled", 2)[:2]

        assert {first["state"]["current"], second["state"]["current"]} == {"SUCCESS"}
        assert first["trigger"]["type"] == "io.kestra.plugin.core.trigger.Schedule"
        assert first["inputs"] == {"name": "often"}
        assert (labels(first)["team"], labels(first)["system.from"]) == ("blue", "trigger")
        dates = {
            name: datetime.fromisoformat(text.replace("Z", "+00:00"))
            for name, text in first["trigger"]["variables"].items()
        }
        assert dates["date"] - dates["previous"] == dates["next"] - dates["date"] == timedelta(seconds=1)
        assert second["trigger"]["variables"]["date"] > first["trigger"]["variables"]["date"]

    def test_one_execution_at_a_time(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        deploy(api, flow(namespace, triggers=every_second(), task=PAUSE))
        until(lambda: executions(api, namespace, "scheduled"))
        clock.ticks()

        (only,) = executions(api, namespace, "scheduled")
        assert states(api, namespace, "scheduled")["often"]["executionId"] == only["id"]

    def test_more_executions_at_a_time(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, triggers=every_second(more=", allowConcurrent: true"), task=PAUSE))

        until(lambda: len(executions(api, namespace, "scheduled")) >= 2)
        assert "executionId" not in states(api, namespace, "scheduled")["often"]

    def test_disabled_in_the_flow(self, api: httpx.Client, namespace: str, clock: Clock, kestra_client: Client) -> None:
        deploy(api, flow(namespace, triggers=every_second() + every_second("never", ", disabled: true")))
        ended(api, namespace, "scheduled", 2)
        clock.ticks()

        assert set(by_trigger(executions(api, namespace, "scheduled"))) == {"often"}
        state = states(api, namespace, "scheduled")["never"]
        if not is_two(kestra_client):  # whose scheduler notes what the flow says
            assert (state["disabled"], "nextExecutionDate" in state) == (False, True)
        params = {"filters[namespace][EQUALS]": namespace, "filters[triggerId][EQUALS]": "never"}
        (found,) = api.get("triggers/search", params=params).json()["results"]
        assert found["trigger" if is_two(kestra_client) else "abstractTrigger"]["disabled"] is True

    def switch(self, api: httpx.Client, place: dict[str, str], *, disabled: bool) -> None:
        """Set the switch of a trigger until it is set and the trigger is not locked; see `TestBackfill.change`."""

        def done() -> bool:
            state = states(api, place["namespace"], place["flowId"])[place["triggerId"]]
            if state["disabled"] is not disabled:
                api.put("triggers", json={**place, "disabled": disabled}).raise_for_status()
            return state["disabled"] is disabled and not (disabled and "executionId" in state)

        until(done)

    def test_disabled_and_enabled_by_the_api(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        deploy(api, flow(namespace, triggers=every_second()))
        ended(api, namespace, "scheduled")
        place = {"namespace": namespace, "flowId": "scheduled", "triggerId": "often"}
        self.switch(api, place, disabled=True)
        clock.ticks()
        stopped = len(executions(api, namespace, "scheduled"))
        clock.ticks()
        assert len(executions(api, namespace, "scheduled")) == stopped

        self.switch(api, place, disabled=False)
        ended(api, namespace, "scheduled", stopped + 1)

    def test_flow_that_is_disabled(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        deploy(api, "disabled: true\n" + flow(namespace, triggers=every_second()))
        clock.ticks()

        assert executions(api, namespace, "scheduled") == []

    def test_stops_after_a_state(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        stops = every_second("fails", ", stopAfter: [FAILED]")
        deploy(api, flow(namespace, triggers=stops, task=FAIL))
        (failed,) = ended(api, namespace, "scheduled")
        until(lambda: states(api, namespace, "scheduled")["fails"]["disabled"])
        clock.ticks()

        assert [item["id"] for item in executions(api, namespace, "scheduled")] == [failed["id"]]

    def test_goes_on_after_another_state(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, triggers=every_second(more=", stopAfter: [FAILED]")))
        ended(api, namespace, "scheduled", 2)

        assert states(api, namespace, "scheduled")["often"]["disabled"] is False

    def test_on_dates(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        past, soon = (datetime.now(timezone.utc) + timedelta(seconds=seconds) for seconds in (-3600, 10))
        dates = ", ".join(f'"{date.isoformat(timespec="seconds")}"' for date in (past, soon))
        trigger = f"  - {{id: dates, type: io.kestra.plugin.core.trigger.ScheduleOnDates, dates: [{dates}]}}\n"
        deploy(api, flow(namespace, triggers=trigger))
        (only,) = ended(api, namespace, "scheduled")
        clock.ticks()

        assert only["trigger"]["id"] == "dates"
        assert only["state"]["startDate"] > soon.isoformat(timespec="seconds")
        assert len(executions(api, namespace, "scheduled")) == 1

    @pytest.mark.kestra_requires(version="<2")
    def test_condition_that_cannot_be_evaluated(self, api: httpx.Client, namespace: str) -> None:
        wrong = "conditions: [{type: io.kestra.plugin.core.condition.DateTimeBetween, after: '{{ nothing.there }}'}]"
        deploy(api, flow(namespace, triggers=every_second(more=f", {wrong}")))
        first = ended(api, namespace, "scheduled")[0]

        assert first["state"]["current"] == "FAILED"


class TestBackfill:
    """Of a schedule for 9 o'clock each day, unless told otherwise."""

    def start(self, api: httpx.Client, place: dict[str, str], days: int, **more: Any) -> None:
        end = f"2026-01-{days:02}T23:00:00Z"
        wished = {"start": "2026-01-01T00:00:00Z", "end": end, **more}
        api.put("triggers", json={**place, "backfill": wished}).raise_for_status()

    def over(self, api: httpx.Client, namespace: str) -> Any:
        """Return the trigger's state when its backfill is over."""
        return until(lambda: states(api, namespace, "scheduled")["daily"], lambda state: "backfill" not in state)

    def change(self, api: httpx.Client, place: dict[str, str], action: str, wished: Callable[[Any], bool]) -> None:
        """Change the backfill until its trigger is as wished, and not locked.

        Kestra's executor reads a trigger, unlocks it after an execution and writes it back without a lock
        (`JdbcExecutor`, `resetExecution`): a change that comes between is lost.
        """

        def done() -> bool:
            state = states(api, place["namespace"], place["flowId"])[place["triggerId"]]
            if not wished(state):
                api.request("POST" if action == "delete" else "PUT", f"triggers/backfill/{action}", json=place)
            return wished(state) and "executionId" not in state

        until(done)

    def delete(self, api: httpx.Client, place: dict[str, str]) -> None:
        self.change(api, place, "delete", lambda state: "backfill" not in state)

    def dates(self, api: httpx.Client, namespace: str) -> list[str]:
        # Kestra 2.0 writes fractions of seconds, too.
        found = executions(api, namespace, "scheduled")
        return [item["trigger"]["variables"]["date"].replace(".000000", "") for item in found]

    def test_makes_what_was_missed(self, api: httpx.Client, namespace: str) -> None:
        place = daily(api, namespace)
        before = states(api, namespace, "scheduled")["daily"]["nextExecutionDate"]
        self.start(api, place, 3, inputs={"name": "late"}, labels=[{"key": "kind", "value": "backfill"}])

        assert self.over(api, namespace)["nextExecutionDate"] == before
        found = ended(api, namespace, "scheduled", 3)
        assert self.dates(api, namespace) == [f"2026-01-0{day}T09:00:00Z" for day in (1, 2, 3)]
        for item in found:
            assert (item["inputs"], labels(item)["kind"]) == ({"name": "late"}, "backfill")
            assert item["taskRunList"][0]["outputs"]["value"] == f"late {item['trigger']['variables']['date']}"

    @pytest.mark.kestra_requires(version="<2")
    def test_only_where_conditions_hold(self, api: httpx.Client, namespace: str) -> None:
        monday = "conditions: [{type: io.kestra.plugin.core.condition.DayWeek, dayOfWeek: MONDAY}]"
        place = daily(api, namespace, more=f", {monday}")
        self.start(api, place, 11)
        self.over(api, namespace)

        assert self.dates(api, namespace) == ["2026-01-05T09:00:00Z"]

    @pytest.mark.kestra_requires(version="<2")
    def test_is_paused_and_goes_on(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        place = daily(api, namespace)
        self.start(api, place, 2, paused=True)
        clock.ticks()
        assert executions(api, namespace, "scheduled") == []

        api.put("triggers/backfill/unpause", json={"tenantId": "main", **place}).raise_for_status()
        self.over(api, namespace)
        assert self.dates(api, namespace) == ["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"]

    def test_is_paused_on_its_way(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        place = daily(api, namespace)
        self.start(api, place, 30)
        ended(api, namespace, "scheduled")
        self.change(api, place, "pause", lambda state: bool(state["backfill"]["paused"]))
        paused = len(executions(api, namespace, "scheduled"))
        clock.ticks()

        assert len(executions(api, namespace, "scheduled")) == paused < 30
        self.delete(api, place)

    def test_is_deleted(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        place = daily(api, namespace)
        self.start(api, place, 30)
        ended(api, namespace, "scheduled")
        self.delete(api, place)
        left = len(executions(api, namespace, "scheduled"))
        clock.ticks()

        assert len(executions(api, namespace, "scheduled")) == left < 30
        assert "backfill" not in states(api, namespace, "scheduled")["daily"]

    def test_of_a_disabled_trigger_waits(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        place = daily(api, namespace)
        api.put("triggers", json={**place, "disabled": True}).raise_for_status()
        self.start(api, place, 1)
        clock.ticks()

        assert executions(api, namespace, "scheduled") == []


@pytest.mark.kestra_requires(version="<2")
class TestFlowTrigger:
    """The flow `down` is triggered by executions of `up`."""

    def deploy(self, api: httpx.Client, namespace: str, trigger: str, name: str = "down") -> None:
        head = "  - id: after\n    type: io.kestra.plugin.core.trigger.Flow\n"
        body = "".join(f"    {line}\n" for line in trigger.format(namespace=namespace).splitlines())
        deploy(api, flow(namespace, name, head + body))

    def run(self, api: httpx.Client, namespace: str, name: str = "up", said: str = "") -> str:
        """Run a flow to its end and return the execution's id."""
        fields = [("name", (None, said))] if said else None
        answer = api.post(f"executions/{namespace}/{name}", params={"wait": "true"}, files=fields)
        return str(answer.raise_for_status().json()["id"])

    AFTER_UP = "preconditions: {{id: up, flows: [{{namespace: {namespace}, flowId: up, states: [SUCCESS]}}]}}"

    def test_as_recorded(self, replay: Replay, api: httpx.Client) -> None:
        replay.deploy("upstream", "downstream")
        self.run(api, replay.namespace, "upstream")
        (found,) = ended(api, replay.namespace, "downstream")
        replay.alias("130", found["id"])
        replay.same("130")

    def test_inputs_labels_and_variables(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, "up"))
        self.deploy(api, namespace, self.AFTER_UP + '\ninputs: {{name: "{{{{ trigger.outputs.said }}}}!"}}')
        upstream = self.run(api, namespace, said="Ada")
        (found,) = ended(api, namespace, "down")

        assert found["inputs"] == {"name": "Ada!"}
        assert labels(found) == {"team": "blue", "system.correlationId": upstream}
        variables = found["trigger"]["variables"]
        assert (variables["executionId"], variables["state"], variables["flowId"]) == (upstream, "SUCCESS", "up")
        assert variables["outputs"] == {"said": "Ada"}

    def test_of_one_flow_among_many(self, own_lease: Lease) -> None:
        with httpx.Client(
            base_url=f"{own_lease.url}/api/v1/main/", auth=(own_lease.user, own_lease.password), timeout=600
        ) as api:
            others = [flow("company.many", f"other{number}") for number in range(300)]
            api.post("flows/bulk", content="---\n".join(others), headers=YAML).raise_for_status()
            deploy(api, flow("company", "up"))
            self.deploy(api, "company", self.AFTER_UP)
            self.run(api, "company")

            assert len(ended(api, "company", "down")) == 1

    def test_failed_upstream_does_not_fire(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, "up", task=FAIL))
        self.deploy(api, namespace, self.AFTER_UP)
        self.run(api, namespace)
        update(api, namespace, "up", flow(namespace, "up"))
        success = self.run(api, namespace)

        (found,) = ended(api, namespace, "down")
        assert found["trigger"]["variables"]["executionId"] == success

    def test_states(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, "up"))
        self.deploy(
            api,
            namespace,
            "states: [FAILED]\nconditions:\n  - type: io.kestra.plugin.core.condition.ExecutionFlow\n"
            "    namespace: {namespace}\n    flowId: up",
        )
        self.run(api, namespace)
        update(api, namespace, "up", flow(namespace, "up", task=FAIL))
        failed = self.run(api, namespace)

        (found,) = ended(api, namespace, "down")
        assert (found["trigger"]["variables"]["executionId"], found["trigger"]["variables"]["state"]) == (
            failed,
            "FAILED",
        )

    def test_conditions(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, "up"))
        self.deploy(
            api,
            namespace,
            "conditions:\n  - type: io.kestra.plugin.core.condition.ExecutionFlow\n    namespace: {namespace}\n"
            "    flowId: up\n  - type: io.kestra.plugin.core.condition.ExecutionOutputs\n"
            "    expression: \"{{{{ trigger.outputs.said == 'go' }}}}\"\n",
        )
        self.run(api, namespace)
        going = self.run(api, namespace, said="go")

        (found,) = ended(api, namespace, "down")
        assert found["trigger"]["variables"]["executionId"] == going

    def test_two_upstreams(self, api: httpx.Client, namespace: str) -> None:
        for name in ("up", "other"):
            deploy(api, flow(namespace, name))
        flows = ", ".join(
            f"{{{{namespace: {{namespace}}, flowId: {name}, states: [SUCCESS]}}}}" for name in ("up", "other")
        )
        self.deploy(api, namespace, f"preconditions: {{{{id: both, flows: [{flows}]}}}}")
        self.run(api, namespace)
        self.run(api, namespace)
        last = self.run(api, namespace, "other")

        (found,) = ended(api, namespace, "down")
        assert found["trigger"]["variables"]["executionId"] == last

    def test_filters(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, "up"))
        self.deploy(
            api,
            namespace,
            "preconditions:\n  id: any\n  where:\n    - id: here\n      filters:\n"
            "        - {{field: NAMESPACE, type: EQUAL_TO, value: {namespace}}}\n"
            "        - {{field: FLOW_ID, type: STARTS_WITH, value: u}}",
        )
        upstream = self.run(api, namespace)

        (found,) = ended(api, namespace, "down")
        assert found["trigger"]["variables"]["executionId"] == upstream

    def test_chain_of_two(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, "up"))
        self.deploy(api, namespace, self.AFTER_UP)
        self.deploy(api, namespace, self.AFTER_UP.replace("flowId: up", "flowId: down"), "last")
        first = self.run(api, namespace)

        (middle,), (last,) = ended(api, namespace, "down"), ended(api, namespace, "last")
        assert last["trigger"]["variables"]["executionId"] == middle["id"]
        assert labels(last)["system.correlationId"] == first

    def test_disabled(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, "up"))
        self.deploy(api, namespace, f"{self.AFTER_UP}\ndisabled: true")
        self.deploy(api, namespace, self.AFTER_UP, "control")
        self.run(api, namespace)
        ended(api, namespace, "control")

        assert executions(api, namespace, "down") == []


class TestChanges:
    def test_trigger_of_a_deleted_flow_goes(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        deploy(api, flow(namespace, triggers=every_second()))
        ended(api, namespace, "scheduled")
        api.delete(f"flows/{namespace}/scheduled").raise_for_status()
        until(lambda: states(api, namespace, "scheduled"), lambda left: not left)
        clock.ticks(1)
        count = len(executions(api, namespace, "scheduled"))
        clock.ticks()

        assert len(executions(api, namespace, "scheduled")) == count
        assert states(api, namespace, "scheduled") == {}

    def test_flow_that_comes_back_fires_again(self, api: httpx.Client, namespace: str) -> None:
        source = flow(namespace, triggers=every_second())
        deploy(api, source)
        ended(api, namespace, "scheduled")
        api.delete(f"flows/{namespace}/scheduled").raise_for_status()
        until(lambda: states(api, namespace, "scheduled"), lambda left: not left)
        count = len(executions(api, namespace, "scheduled"))
        deploy(api, source)

        ended(api, namespace, "scheduled", count + 1)

    def test_trigger_that_is_taken_away(self, api: httpx.Client, namespace: str, clock: Clock) -> None:
        deploy(api, flow(namespace, triggers=every_second() + every_second("other")))
        known(api, namespace, "scheduled", "other")
        update(api, namespace, "scheduled", flow(namespace, triggers=every_second()))
        until(lambda: set(states(api, namespace, "scheduled")), lambda names: names == {"often"})
        clock.ticks(1)
        count = by_trigger(executions(api, namespace, "scheduled")).count("other")
        clock.ticks()

        assert by_trigger(executions(api, namespace, "scheduled")).count("other") == count

    def test_trigger_that_is_changed(self, api: httpx.Client, namespace: str) -> None:
        deploy(api, flow(namespace, triggers=every_second("daily").replace("* * * * * *", "0 0 9 * * *")))
        known(api, namespace, "scheduled")
        update(api, namespace, "scheduled", flow(namespace, triggers=every_second("daily")))

        assert ended(api, namespace, "scheduled")[0]["flowRevision"] == 2

    @pytest.mark.kestra_requires(version="<2")
    def test_toggle(self, api: httpx.Client, namespace: str) -> None:
        daily(api, namespace)
        kind = "io.kestra.plugin.core.trigger.Toggle"
        task = f"{{id: off, type: {kind}, flowId: scheduled, trigger: daily, enabled: {{}}}}"
        for name, enabled in (("off", "false"), ("on", "true")):
            deploy(api, flow(namespace, name, task=task.replace("{}", enabled)))
            run = api.post(f"executions/{namespace}/{name}", params={"wait": "true"}).json()
            assert run["state"]["current"] == "SUCCESS"
            assert states(api, namespace, "scheduled")["daily"]["disabled"] is (enabled == "false")


@pytest.fixture
def site(kestra_server: Server) -> Iterator[tuple[str, list[str]]]:
    """Return the address of a site, and the texts that it answers one after the other, the last one for ever."""
    if kestra_server.kind == "container":
        pytest.skip("what listens on this machine only is not reached from a container")
    answers = ["not yet", "not yet", "now"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", answers
        server.shutdown()
        thread.join()


class TestPolling:
    def trigger(self, address: str, more: str = "") -> str:
        condition = "\"{{ response.body == 'now' }}\""
        return (
            f"  - {{id: site, type: io.kestra.plugin.core.http.Trigger, uri: '{address}', interval: PT1S, "
            f"responseCondition: {condition}{more}}}\n"
        )

    def test_fires_when_the_condition_holds_and_stops(
        self, api: httpx.Client, namespace: str, site: tuple[str, list[str]], clock: Clock
    ) -> None:
        address, answers = site
        deploy(api, flow(namespace, triggers=self.trigger(address, ", stopAfter: [SUCCESS]")))
        (only,) = ended(api, namespace, "scheduled")
        until(lambda: states(api, namespace, "scheduled")["site"]["disabled"])
        clock.ticks()

        assert answers == ["now"]
        assert only["trigger"]["variables"]["body"] == "now"
        assert labels(only)["system.from"] == "trigger"
        assert len(executions(api, namespace, "scheduled")) == 1

    def test_fires_again_and_again(self, api: httpx.Client, namespace: str, site: tuple[str, list[str]]) -> None:
        deploy(api, flow(namespace, triggers=self.trigger(site[0])))

        assert len(ended(api, namespace, "scheduled", 2)) >= 2


def test_webhook_key_may_be_a_secret(own_engine: Launched, tmp_path: Path) -> None:
    hook = "  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: \"{{ secret('HOOK') }}\", wait: true}\n"
    with (
        own_engine(tmp_path, secrets={"hook": "open-sesame"}) as lease,
        httpx.Client(base_url=f"{lease.url}/api/v1/main/", auth=(lease.user, lease.password), timeout=600) as api,
    ):
        deploy(api, flow("company.team", triggers=hook))
        path = f"{lease.url}/api/v1/main/executions/webhook/company.team/scheduled"
        opened = httpx.post(f"{path}/open-sesame", timeout=600)
        wrong = httpx.post(f"{path}/HOOK", timeout=600)

    assert (opened.status_code, opened.json()["state"]["current"]) == (200, "SUCCESS")
    assert (wrong.status_code, wrong.json()["message"]) == (404, "Not Found: Webhook not found")
