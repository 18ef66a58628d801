"""A trigger as tests see it, on a server that answers what it is told to."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timezone
from typing import Any

import pytest
import yaml

from pytest_kestra.address import Address
from pytest_kestra.client.client import Client
from pytest_kestra.errors import ApiError, FlowError, InputError, KestraError, NotFoundError, WaitTimeout
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.records import FlowRecord
from pytest_kestra.run.session import Session
from pytest_kestra.run.triggers import backfill, status, webhook
from pytest_kestra.run.triggers.backfill import Backfill
from pytest_kestra.run.triggers.status import BackfillStatus, TriggerStatus
from pytest_kestra.run.triggers.trigger import Trigger
from tests.unit.conftest import Asked, Stub
from tests.waits import WAIT_S

CORE = "io.kestra.plugin.core.trigger"
API = "/api/v1/main"
DATES = "/pytest-kestra/dates/a.b/f/daily"
SEARCH = f"{API}/executions/search"
STATES = f"{API}/triggers/a.b/f"

Make = Callable[..., Trigger]


@pytest.fixture
def make(client: Client) -> Make:
    """Return what makes a trigger with these properties, in a flow with `of_flow`; line 5 is its first."""

    def make(kind: str = "Schedule", *, name: str = "daily", of_flow: Any = None, **definition: Any) -> Trigger:
        definition = {"id": name, "type": f"{CORE}.{kind}", **definition}
        flow = {"id": "f", "namespace": "a.b", "revision": 2, **(of_flow or {}), "triggers": [definition]}
        record = FlowRecord.of({**flow, "source": yaml.safe_dump(flow, sort_keys=False)})
        session = Session(client, Deployer(client, Namespaces("t")), timeout=5, settled=True)
        return Trigger(name, definition["type"], definition, flow=record, session=session)

    return make


def execution(number: int = 1, state: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    history = [{"state": state, "date": f"2026-02-01T00:00:0{number}Z"}]
    return {
        "id": f"e{number}",
        "namespace": "a.b",
        "flowId": "f",
        "state": {"current": state, "histories": history},
        **more,
    }


def page(*items: Any) -> str:
    return json.dumps({"results": items, "total": len(items)})


def isoformat(dates: list[datetime]) -> list[str]:
    return [found.isoformat() for found in dates]


class TestDatesOfAnotherServer:
    """One that does not tell dates, so that they are computed here."""

    def test_in_utc(self, make: Make, stub: Stub) -> None:
        dates = make(cron="0 10 * * *").next_dates(2, after="2026-01-01T10:00:00Z")

        assert isoformat(dates) == ["2026-01-02T10:00:00+00:00", "2026-01-03T10:00:00+00:00"]
        assert stub.asked[0].path == f"{DATES}?revision=2&count=2&after=2026-01-01T10%3A00%3A00%2B00%3A00"

    def test_keep_their_hour_in_the_time_zone_of_the_schedule(self, make: Make) -> None:
        dates = make(cron="30 4 * * *", timezone="Europe/Berlin").next_dates(3, after="2026-10-24T00:00:00Z")

        assert {found.hour for found in dates} == {4}
        assert {str(found.utcoffset()) for found in dates} == {"2:00:00", "1:00:00"}

    @pytest.mark.parametrize(
        ("zone", "expected"),
        [
            ("Z", "2026-01-02T00:00:00+00:00"),
            ("+02:00", "2026-01-02T00:00:00+02:00"),
            ("UTC-0330", "2026-01-02T00:00:00-03:30"),
            ("GMT+5", "2026-01-02T00:00:00+05:00"),
        ],
    )
    def test_in_zones_that_only_java_has_names_for(self, make: Make, zone: str, expected: str) -> None:
        assert isoformat(make(cron="@daily", timezone=zone).next_dates(1, after="2026-01-01T09:00:00Z")) == [expected]

    def test_nicknames_and_dates_without_a_zone(self, make: Make) -> None:
        after = datetime(2026, 1, 1, 0, 30)  # noqa: DTZ001 - that UTC is meant is what is tested

        assert make(cron="@hourly").next_dates(1, after=after) == [datetime(2026, 1, 1, 1, tzinfo=timezone.utc)]

    @pytest.mark.parametrize("after", [date(2026, 1, 1), "2026-01-01"])
    def test_after_a_day_of_the_schedule(self, make: Make, after: Any) -> None:
        dates = make(cron="@hourly", timezone="Europe/Berlin").next_dates(1, after=after)

        assert isoformat(dates) == ["2026-01-01T01:00:00+01:00"]

    def test_from_now_on(self, make: Make) -> None:
        (found,) = make(cron="@yearly").next_dates(1)

        assert found > datetime.now(timezone.utc)

    def test_with_seconds(self, make: Make) -> None:
        (found,) = make(cron="30 0 10 * * *", withSeconds=True).next_dates(1, after="2026-01-01T00:00:00Z")

        assert found.isoformat() == "2026-01-01T10:00:30+00:00"

    def test_that_end(self, make: Make) -> None:
        texts = ["2026-03-29T00:00:00Z", "2026-03-28T10:00:00.5+01:00"]
        listed = make("ScheduleOnDates", dates=texts, timezone="Europe/Berlin")

        assert isoformat(listed.next_dates(9, "2026-01-01")) == [
            "2026-03-28T10:00:00+01:00",
            "2026-03-29T01:00:00+01:00",
        ]
        assert listed.next_dates(9, "2026-03-30") == []
        assert make(cron="0 0 30 2 *").next_dates(1) == []
        assert make(cron="@daily").next_dates(0) == []

    def test_defaults_of_the_flow_for_its_plugins(self, make: Make) -> None:
        defaults = [
            {"type": "io.kestra.plugin.core", "values": {"timezone": "Asia/Tokyo", "cron": "@hourly"}},
            {"type": f"{CORE}.Schedule", "values": {"withSeconds": True, "cron": "30 0 9 * * *"}, "forced": True},
            {"type": "io.kestra.plugin.core.log", "values": {"cron": "@yearly"}},
        ]
        dates = make(of_flow={"pluginDefaults": defaults}, cron="@daily").next_dates(1, "2026-01-01")

        assert isoformat(dates) == ["2026-01-01T09:00:30+09:00"]

    @pytest.mark.parametrize(
        ("definition", "line", "message"),
        [
            ({"cron": "@daily", "conditions": [{"type": "x"}]}, 9, "dates under `conditions` of the trigger 'daily'"),
            ({"cron": "@daily", "scheduleConditions": [{"type": "x"}]}, 9, "dates under `scheduleConditions` of"),
            ({"kind": "ScheduleOnDates", "dates": "{{ kv('x') }}"}, 7, "dates from expressions in `dates` of"),
            ({"kind": "ScheduleOnDates", "dates": ["{{ kv('x') }}"]}, 8, "dates from expressions in `dates` of"),
        ],
    )
    def test_only_the_engine_tells(
        self, make: Make, stub: Stub, definition: dict[str, Any], line: int, message: str
    ) -> None:
        with pytest.raises(KestraError) as raised:
            make(**definition).next_dates(1)

        assert str(raised.value).startswith(f"f:{line}: {message}")
        assert "use --kestra-server=embedded for this test" in str(raised.value)
        assert str(raised.value).endswith(f"The server at {stub.url} cannot be asked.")

    @pytest.mark.parametrize(
        ("definition", "after", "message"),
        [
            ({"kind": "Webhook", "key": "x"}, None, "The trigger 'daily' has no dates: it is a io.kestra.plugin.core."),
            ({"cron": "every day"}, None, "The cron expression 'every day' of the trigger 'daily' cannot be read here"),
            ({"cron": "@daily", "timezone": "Mars/North"}, None, "The time zone 'Mars/North' of the trigger 'daily'"),
            ({"cron": "@daily"}, "tomorrow", "`after`: 'tomorrow' is not a date such as 2026-01-01T10:00:00Z"),
            ({"cron": "@daily"}, "2026-02-30", "`after`: '2026-02-30T00:00:00Z' is not a date such as"),
            ({"cron": "@daily"}, 7, "`after`: 7 is neither a date such as 2026-01-01T10:00:00Z nor a day."),
            ({"kind": "ScheduleOnDates", "dates": ["soon"]}, None, "f:8: 'soon' is not a date such as"),
        ],
    )
    def test_what_is_wrong(self, make: Make, definition: dict[str, Any], after: Any, message: str) -> None:
        with pytest.raises(KestraError) as raised:
            make(**definition).next_dates(1, after=after)

        assert message in str(raised.value)

    @pytest.mark.parametrize("count", [-1, 1.5, "3", True])
    def test_number_that_is_none(self, make: Make, count: Any) -> None:
        with pytest.raises(KestraError, match=r"^The number of dates is .*, which is not a whole number such as 3\.$"):
            make(cron="@daily").next_dates(count)

    @pytest.mark.parametrize("answer", ["<html>", '{"error": "x"}'])
    def test_something_else_answers(self, make: Make, stub: Stub, answer: str) -> None:
        stub.on("GET", DATES, answer)

        assert len(make(cron="@daily").next_dates(2)) == 2


class TestDatesOfTheEngine:
    def test_are_asked_for(self, make: Make, stub: Stub) -> None:
        stub.on("GET", DATES, json.dumps({"dates": ["2026-01-05T09:00+01:00"], "searched": None}))
        dates = make(cron="@daily", timezone="Europe/Berlin", conditions=[{"type": "x"}]).next_dates(3)

        assert isoformat(dates) == ["2026-01-05T09:00:00+01:00"]

    def test_too_many_were_refused(self, make: Make, stub: Stub) -> None:
        stub.on("GET", DATES, json.dumps({"dates": ["2026-01-05T09:00Z"], "searched": "2026-01-08T00:00:00Z"}))
        message = (
            r"^f:9: the conditions of the trigger 'daily' let only 1 of thousands of dates through until "
            r"2026-01-08T00:00:00Z\. Ask for fewer than 3, or with a later `after`\.$"
        )
        with pytest.raises(KestraError, match=message):
            make(cron="@daily", conditions=[{"type": "x"}]).next_dates(3)

    def test_conditions_that_cannot_be_evaluated(self, make: Make, stub: Stub) -> None:
        stub.on("GET", DATES, '{"message": "Its conditions cannot be evaluated"}', 422)
        with pytest.raises(KestraError, match=r"^f:9: Its conditions cannot be evaluated\.$"):
            make(cron="@daily", conditions=[{"type": "x"}]).next_dates(3)


class TestWebhook:
    PATH = f"{API}/executions/webhook/a.b/f/k"

    def test_is_called_with_body_headers_and_query(self, make: Make, stub: Stub) -> None:
        stub.on("POST", f"{API}/executions/webhook/a.b/f/k%2F1", json.dumps(execution(state="CREATED")))
        trigger = make("Webhook", key="k/1")
        started = trigger.webhook({"order": 1}, headers={"X-Event": "new"}, params={"q": "1"})

        assert (started.id, started.state) == ("e1", "CREATED")
        assert trigger.session.started == ["e1"]
        (asked,) = stub.asked
        assert (asked.body, asked.path.partition("?")[2]) == ('{"order": 1}', "q=1")
        assert (asked.headers["X-Event"], asked.headers["Content-Type"]) == ("new", "application/json")

    def test_is_called_without_the_credentials_of_the_client(self, make: Make, stub: Stub) -> None:
        stub.on("POST", self.PATH, json.dumps(execution(state="CREATED")))
        for headers in ({}, {"authorization": "Bearer x"}):
            make("Webhook", key="k").webhook(headers=headers)

        with Client(Address(stub.url, token="s3cret", version="1.3.31")) as client:
            with_token = make("Webhook", key="k")
            replace(with_token, session=replace(with_token.session, client=client)).webhook()

        found = [
            {name.lower(): text for name, text in asked.headers.items()}.get("authorization") for asked in stub.asked
        ]
        assert found == [None, "Bearer x", None]

    def test_takes_texts_as_they_are(self, make: Make, stub: Stub) -> None:
        stub.on("PUT", f"{API}/executions/webhook/a.b/f/other", json.dumps(execution(state="CREATED")))
        hook = make("Webhook", key="k")
        hook.webhook("<a/>", key="other", method="PUT", headers={"content-type": "text/xml"})
        hook.webhook({"a": 1}, key="other", method="PUT", headers={"content-type": "text/json"})

        assert [asked.body for asked in stub.asked] == ["<a/>", '{"a": 1}']
        assert [asked.headers["content-type"] for asked in stub.asked] == ["text/xml", "text/json"]

    @pytest.mark.parametrize("status", [200, 500])
    def test_execution_that_was_waited_for_is_read_whole(self, make: Make, stub: Stub, status: int) -> None:
        stub.on("POST", self.PATH, json.dumps(execution()), status)
        stub.on("GET", f"{API}/executions/e1", json.dumps(execution(outputs={"done": True})))

        assert make("Webhook", key="k", wait=True).webhook().outputs == {"done": True}

    @pytest.mark.parametrize(("status", "body"), [(200, '{"id": 7}'), (500, ""), (201, "text"), (204, ""), (409, "")])
    def test_execution_is_found_where_its_outputs_are_answered(
        self, make: Make, stub: Stub, status: int, body: str
    ) -> None:
        stub.on("POST", self.PATH, body, status)

        def found(mark: str, number: int = 1) -> str:
            return page(
                execution(number, trigger={"id": "daily", "variables": {"headers": {"x-request-id": [mark]}}}),
                execution(2, trigger={"id": "daily", "variables": {"headers": {"X-Request-Id": ["other"]}}}),
                execution(3),
            )

        stub.on("GET", SEARCH, found("mine"))
        hook = make("Webhook", key="k", wait=True, returnOutputs=True)
        assert hook.webhook(headers={"x-REQUEST-id": "mine"}).id == "e1"
        stub.answers["GET", SEARCH] = lambda _: (200, found(stub.asked[-2].headers["X-Request-Id"], 4))
        assert hook.webhook().id == "e4"

    def test_execution_of_a_call_before_is_not_that_of_another(self, make: Make, stub: Stub) -> None:
        trigger = {"id": "daily", "variables": {"headers": {"X-Request-Id": ["mine"]}}}
        stub.on("POST", self.PATH, "", 204)
        stub.on("GET", SEARCH, page(execution(1, trigger=trigger)))
        hook = make("Webhook", key="k")

        assert hook.webhook(headers={"X-Request-Id": "mine"}).id == "e1"
        with pytest.raises(KestraError, match="has started no execution"):
            hook.webhook(headers={"X-Request-Id": "mine"})

    def test_execution_that_does_not_end(self, make: Make, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
        stub.on("GET", f"{API}/logs/e1", "[]")
        monkeypatch.setattr(webhook, "SHOWN_S", WAIT_S)
        # It is shown at the second look.
        searches = itertools.chain(["other", "mine"], itertools.repeat("other"))

        def found(_: Asked) -> tuple[int, str]:
            trigger = {"id": "daily", "variables": {"headers": {"X-Request-Id": [next(searches)]}}}
            return 200, page(execution(state="RUNNING", trigger=trigger))

        stub.answers["GET", SEARCH] = found
        hook = make("Webhook", key="k", wait=True)
        over = threading.Event()
        stub.answers["POST", self.PATH] = lambda _: (200, str(over.wait(30)))
        with pytest.raises(WaitTimeout, match=r"^f was still RUNNING after 0.1 s\n"):
            hook.webhook(headers={"X-Request-Id": "mine"}, timeout=0.1)
        monkeypatch.setattr(webhook, "SHOWN_S", 0.01)
        with pytest.raises(WaitTimeout, match=r"^The webhook 'daily' has answered nothing within 0.1 s\.$"):
            hook.webhook(headers={"X-Request-Id": "mine"}, timeout=0.1)
        over.set()

    @pytest.mark.parametrize(
        ("definition", "message"),
        [
            ({"cron": "@daily"}, r"^The trigger 'daily' is no webhook: it is a io\.kestra\.plugin"),
            ({"key": "{{ secret('K') }}"}, r"is an expression, .*: give its value as key=…\.$"),
            ({"key": "k", "disabled": True}, r"^f:8: the webhook 'daily' is disabled, so it should start nothing\."),
            ({"key": "k", "of_flow": {"disabled": True}}, r"^f:4: the webhook 'daily' is disabled, so it should start"),
        ],
    )
    def test_that_cannot_be_called(self, make: Make, stub: Stub, definition: dict[str, Any], message: str) -> None:
        with pytest.raises(KestraError, match=message):
            make("Webhook", **definition).webhook()
        assert stub.asked == []

    @pytest.mark.parametrize("status", [204, 409])
    def test_that_starts_nothing(self, make: Make, stub: Stub, status: int) -> None:
        stub.on("POST", self.PATH, "", status)
        stub.on("GET", SEARCH, page())
        with pytest.raises(KestraError, match=r"^f:8: the webhook 'daily' has started no execution: its `conditions`"):
            make("Webhook", key="k", conditions=[]).webhook()

    def test_that_answers_something_and_starts_nothing(
        self, make: Make, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webhook, "SHOWN_S", 0.01)
        stub.on("POST", self.PATH, "<html>", 502)
        stub.on("GET", SEARCH, page())
        with pytest.raises(KestraError, match=r"^The webhook 'daily' has answered 502, and started no execution\.$"):
            make("Webhook", key="k").webhook()

    def test_refusals(self, make: Make, stub: Stub) -> None:
        hook = make("Webhook", key="k")
        stub.on("POST", self.PATH, '{"message": "Not Found: Webhook not found", "_links": {}}', 404)
        with pytest.raises(NotFoundError, match=r"^Not Found: Webhook not found \(status 404 for POST "):
            hook.webhook()
        stub.on("POST", self.PATH, "", 401)
        with pytest.raises(ApiError, match=r"^Kestra did not accept the credentials"):
            hook.webhook()
        stub.on("POST", self.PATH, '{"message": "Illegal state: Cannot execute disabled flow", "_links": {}}', 409)
        with pytest.raises(FlowError, match=r"^f:5: the webhook 'daily' starts nothing: Illegal state: Cannot execute"):
            hook.webhook()


def kept(**more: Any) -> dict[str, Any]:
    """Return what the server keeps of a trigger that the scheduler came to know yesterday."""
    return {"triggerId": "daily", "date": "2026-01-01T05:00:00Z", **more}


class TestStatus:
    def test_of_a_schedule(self, make: Make, stub: Stub) -> None:
        state = kept(
            nextExecutionDate="2126-01-01T00:00:00Z",
            executionId="e1",
            updatedDate="2026-01-01T06:00:00Z",
            backfill={
                "start": "2026-01-01T00:00:00Z",
                "end": "2026-01-03T00:00:00Z",
                "currentDate": "2026-01-02T00:00:00Z",
            },
        )
        stub.on("GET", STATES, page({"triggerId": "other"}, state))
        told = make(cron="@daily", timezone="Europe/Berlin").status()

        assert told == TriggerStatus(
            enabled=True,
            next_date=datetime(2126, 1, 1, tzinfo=timezone.utc),
            last_date=datetime(2026, 1, 1, 5, tzinfo=timezone.utc),
            execution_id="e1",
            backfill=BackfillStatus(
                start=datetime(2026, 1, 1, tzinfo=timezone.utc),
                end=datetime(2026, 1, 3, tzinfo=timezone.utc),
                current=datetime(2026, 1, 2, tzinfo=timezone.utc),
                paused=False,
            ),
            locked=True,
        )
        assert told.last_date is not None
        assert told.last_date.isoformat() == "2026-01-01T06:00:00+01:00"

    @pytest.mark.parametrize("more", [{"definition": True}, {"server": True}, {"flow": True}])
    def test_disabled(self, make: Make, stub: Stub, more: dict[str, bool]) -> None:
        stub.on("GET", STATES, page(kept(disabled="server" in more, nextExecutionDate="2126-01-01T00:00:00Z")))
        of_flow = {"disabled": True} if "flow" in more else {}
        told = make(cron="@daily", disabled="definition" in more, of_flow=of_flow).status()

        assert (told.enabled, told.next_date) == (False, None)

    @pytest.mark.parametrize("kind", ["Webhook", "Flow"])
    def test_that_no_server_keeps(self, make: Make, stub: Stub, kind: str) -> None:
        assert make(kind).status() == TriggerStatus(enabled=True)
        assert make(kind, disabled=True).status() == TriggerStatus(enabled=False)
        assert stub.asked == []

    def test_of_a_trigger_that_polls(self, make: Make, stub: Stub) -> None:
        stub.on("GET", STATES, page(kept(evaluateRunningDate="2026-01-01T05:00:01Z")))
        told = make("http.Trigger").status()

        assert (told.enabled, told.next_date, told.locked) == (True, None, True)

    @pytest.mark.parametrize(
        ("early", "late", "definition"),
        [
            # Not known, nor a next date after the switch was set.
            (None, kept(nextExecutionDate="2026-01-02T00:00:00Z"), {}),
            (kept(), kept(nextExecutionDate="2026-01-02T00:00:00Z"), {}),
            # The dates of another expression than the flow has now.
            (
                kept(nextExecutionDate="2126-01-01T09:00:00Z", updatedDate="2026-01-01T06:00:00Z"),
                kept(nextExecutionDate="2126-01-02T00:00:00Z", updatedDate="2026-01-01T06:00:00Z"),
                {},
            ),
            (
                kept(nextExecutionDate="2126-01-02T00:00:00Z"),
                kept(nextExecutionDate="2126-01-01T06:00:00Z", date="2126-01-01T05:00:00Z"),
                {"cron": "@hourly"},
            ),
            (
                kept(nextExecutionDate="2126-01-01T09:00:00Z"),
                kept(nextExecutionDate="2126-01-02T00:00:00Z"),
                {"lateMaximumDelay": "PT1H"},
            ),
        ],
    )
    def test_is_told_when_it_is_that_of_the_flow(
        self, make: Make, stub: Stub, early: Any, late: Any, definition: dict[str, Any]
    ) -> None:
        answers = [page(*([] if early is None else [early]))] * 3
        stub.answers["GET", STATES] = lambda _: (200, answers.pop() if answers else page(late))
        told = make(**{"cron": "@daily", **definition}).status()

        assert told.next_date is not None
        assert told.next_date.isoformat() == late["nextExecutionDate"].replace("Z", "+00:00")

    def test_of_2_0_with_a_date_that_was_the_next_before(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """The old next date may be one of the new dates, too, but there is an earlier one."""
        monkeypatch.setattr(Address, "is_two", property(lambda _: True))
        trigger = make(cron="0 9 1 * *")
        first, second = (found.isoformat() for found in trigger.next_dates(2))
        before = {"updatedDate": "2026-01-01T06:00:00Z"}

        assert not status._is_new({**before, "nextExecutionDate": second}, trigger)
        assert status._is_new({**before, "nextExecutionDate": first}, trigger)
        moved = {"updatedDate": "2131-01-02T00:00:00Z", "nextExecutionDate": "2131-02-01T09:00:00Z"}
        assert status._is_new(moved, trigger)

    def test_with_an_expression_that_only_the_server_reads(self, make: Make, stub: Stub) -> None:
        stub.on("GET", STATES, page(kept(nextExecutionDate="2126-01-02T00:07:00Z")))

        assert make(cron="0 0 * * *||7 0 * * *").status().next_date is not None

    def test_scheduler_that_does_not_know_it(self, make: Make, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(status, "KNOWN_S", 0.01)
        stub.on("GET", STATES, page())
        with pytest.raises(KestraError, match=r"^f:5: the scheduler of the server at .* does not know the trigger 'da"):
            make(cron="@daily").status()

    def test_switch(self, make: Make, stub: Stub) -> None:
        state = kept(disabled=False, nextExecutionDate="2026-01-02T00:00:00Z")

        def change(asked: Asked) -> tuple[int, str]:
            state.update(json.loads(asked.body))
            return 200, "{}"

        stub.answers["GET", STATES] = lambda _: (200, page(state))
        stub.answers["PUT", f"{API}/triggers"] = change
        trigger = make(cron="@daily")

        assert trigger.disable().enabled is False
        assert trigger.enable().enabled is True
        names = {"tenantId": "main", "namespace": "a.b", "flowId": "f", "triggerId": "daily"}
        assert [json.loads(asked.body) for asked in stub.asked if asked.method == "PUT"] == [
            {**names, "disabled": True},
            {**names, "disabled": False},
        ]

    def test_switch_that_kestra_has_overwritten_is_set_again(self, make: Make, stub: Stub) -> None:
        """As it does when it unlocks a trigger after the end of its execution."""
        stub.on("GET", f"{API}/executions/e1", json.dumps(execution(state="SUCCESS")))
        locked = kept(executionId="e1")
        # Known, not set, set, written back and unlocked, set again.
        steps = [locked, locked, {**locked, "disabled": True}, kept()]
        states = itertools.chain(steps, itertools.repeat(kept(disabled=True)))
        stub.answers["GET", STATES] = lambda _: (200, page(next(states)))
        stub.on("PUT", f"{API}/triggers", "{}")

        told = make("http.Trigger").disable()

        assert (told.enabled, told.locked) == (False, False)
        assert [asked.method for asked in stub.asked].count("PUT") == 2

    def test_switch_does_not_wait_for_an_execution_that_runs(
        self, make: Make, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(status, "WRITTEN_S", 600.0)
        stub.on("GET", f"{API}/executions/e1", json.dumps(execution(state="RUNNING")))
        states = itertools.chain([kept(executionId="e1")] * 2, itertools.repeat(kept(executionId="e1", disabled=True)))
        stub.answers["GET", STATES] = lambda _: (200, page(next(states)))
        stub.on("PUT", f"{API}/triggers", "{}")

        told = make("http.Trigger").disable()

        assert (told.enabled, told.execution_id) == (False, "e1")

    def test_switch_that_changes_nothing(self, make: Make) -> None:
        with pytest.raises(FlowError, match=r"^f:8: the flow disables the trigger 'daily', and the server's switch"):
            make(cron="@daily", disabled=True).enable()
        for change in (make("Webhook").enable, make("Flow").disable):
            with pytest.raises(
                KestraError, match=r"^f:5: the trigger 'daily' is a io\..*, for which the server has no"
            ):
                change()


class Server:
    """Be a server that runs backfills: `steps` are what it keeps of the trigger, one after the other."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.steps: list[Any] = [kept(backfill={}), kept(executionId="e2"), kept()]
        self.executions: list[Any] = []
        self.made: list[Any] = []
        self.started: Any = None
        self.following = "2026-01-01T09:00:00Z"
        stub.on("GET", STATES, page(kept(nextExecutionDate="2026-01-02T09:00:00Z")))
        stub.on("POST", f"{API}/executions/a.b/f/validate", '{"inputs": []}')
        stub.on("POST", f"{API}/triggers/backfill/delete", "{}")
        stub.on("GET", f"{API}/logs/e2", "[]")
        stub.answers["GET", SEARCH] = lambda _: (200, page(*(self.made if self.started else self.executions)))
        stub.answers["PUT", f"{API}/triggers"] = self.start

    def start(self, asked: Asked) -> tuple[int, str]:
        self.started = json.loads(asked.body)["backfill"]
        self.stub.answers["GET", STATES] = self.step
        return 200, json.dumps({"nextExecutionDate": self.following})

    def step(self, _: Asked) -> tuple[int, str]:
        found = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return 200, page(*([] if found is None else [found]))

    @property
    def has_ended_it(self) -> bool:
        return any(asked.path.endswith("backfill/delete") for asked in self.stub.asked)


@pytest.fixture
def server(stub: Stub) -> Server:
    return Server(stub)


def made(number: int, day: int, state: str = "SUCCESS", trigger: str = "daily") -> dict[str, Any]:
    variables = {"date": f"2026-01-0{day}T09:00:00Z"}
    return execution(number, state, trigger={"id": trigger, "type": "x", "variables": variables})


def logged(execution_id: str, trigger: str) -> str:
    """Return the log of an execution that stands for a date which its trigger could not evaluate."""
    messages = ("a line before", f"[trigger: {trigger}] [date: 2026-01-01T09:00Z] Evaluate Failed with error 'x'")
    names = {"namespace": "a.b", "flowId": "f", "executionId": execution_id, "level": "ERROR"}
    return json.dumps([{**names, "timestamp": "2026-01-01T09:00:00Z", "message": message} for message in messages])


class TestBackfill:
    def test_returns_what_was_made(self, make: Make, server: Server) -> None:
        trigger = make(cron="0 9 * * *", of_flow={"inputs": [{"id": "n", "type": "INT"}]})
        trigger.session.started.append("e9")
        others = [made(3, 3), made(4, 2, trigger="other"), execution(5), execution(9, "FAILED")]
        server.executions = [made(1, 2)]
        server.made = [made(1, 2), *others, made(6, 1), made(7, 2)]
        found = trigger.backfill("2026-01-01", date(2026, 1, 2), inputs={"n": 3}, labels={"a": "b"})

        assert [execution.id for execution in found] == ["e6", "e7"]
        assert trigger.session.started == ["e9", "e6", "e7"]
        assert server.started == {
            "start": "2025-12-31T23:59:59+00:00",
            "end": "2026-01-02T23:59:59+00:00",
            "inputs": {"n": "3"},
            "labels": [{"key": "a", "value": "b"}],
        }
        assert not server.has_ended_it

    def test_what_could_not_be_evaluated_counts(self, make: Make, server: Server) -> None:
        server.steps = [kept()]
        server.made = [execution(1, "FAILED"), execution(2, "FAILED")]
        # Only the log tells whose an execution is, and it may come later.
        logs = iter(["[]", logged("e1", "daily")])
        server.stub.answers["GET", f"{API}/logs/e1"] = lambda _: (200, next(logs))
        server.stub.on("GET", f"{API}/logs/e2", logged("e2", "other"))
        (found,) = make(cron="0 9 * * *").backfill("2026-01-01", "2026-01-01")

        assert (found.id, found.state) == ("e1", "FAILED")

    @pytest.mark.parametrize(
        ("zone", "start", "end", "sent"),
        [
            ("Asia/Tokyo", "2026-01-01", "2026-01-01", ("2025-12-31T23:59:59+09:00", "2026-01-01T23:59:59+09:00")),
            ("UTC", "2026-01-01T09:00:00.5Z", "2026-01-02T09:00:00Z", ("2026-01-01T09:00:00", "2026-01-02T09:00:00")),
        ],
    )
    def test_range_is_sent_in_whole_seconds(
        self, make: Make, server: Server, zone: str, start: str, end: str, sent: tuple[str, str]
    ) -> None:
        server.steps = [kept(disabled=True)]
        with pytest.raises(KestraError):
            make(cron="0 9 * * *", timezone=zone).backfill(start, end)

        assert (server.started["start"], server.started["end"]) == tuple(
            text if "+" in text else f"{text}+00:00" for text in sent
        )

    def test_without_dates_makes_none(self, make: Make, server: Server) -> None:
        trigger = make(cron="0 9 * * *")

        assert trigger.backfill("2026-01-01T09:00:01Z", "2026-01-02T08:59:59Z") == []
        assert server.started is None

    def test_without_dates_as_the_server_says(self, make: Make, server: Server) -> None:
        server.following = "2026-02-02T09:00:00Z"

        assert make(cron="@daily", conditions=[{"type": "x"}]).backfill("2026-01-01", "2026-01-02") == []
        assert server.has_ended_it

    def test_whose_dates_only_the_server_knows(
        self, make: Make, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backfill, "SETTLE_S", 0.05)
        server.steps = [kept(), kept(), kept()]
        reads = iter([[], [], [made(1, 1)]])
        server.stub.answers["GET", SEARCH] = lambda _: (200, page(*next(reads, [made(1, 1)])))

        (found,) = make(cron="@daily", conditions=[{"type": "x"}]).backfill("2026-01-01", "2026-01-02")
        assert found.id == "e1"

    def test_that_takes_too_long(self, make: Make, server: Server) -> None:
        server.steps = [kept(backfill={})]
        server.made = [made(1, 1), made(2, 2, "RUNNING")]
        trigger = make(cron="0 10 * * *", timezone="Europe/Berlin")
        wished = replace(Backfill.of(trigger, "2026-01-01", "2026-01-03", None), limit=0.1)
        with pytest.raises(WaitTimeout) as raised:
            wished.run(None, None)

        assert str(raised.value).splitlines()[:6] == [
            "The backfill of 'daily' has made 2 of 3 executions and is not over after 0.1 s; Kestra makes one a second",
            "  2026-01-01T10:00:00+01:00  SUCCESS",
            "  2026-01-02T10:00:00+01:00  RUNNING",
            "  2026-01-03T10:00:00+01:00  none",
            "Trigger: f:5",
            "f was still RUNNING after 0.1 s",
        ]
        assert server.has_ended_it

    def test_that_makes_fewer_than_it_should(self, make: Make, server: Server) -> None:
        server.steps = [kept()]
        wished = replace(Backfill.of(make(cron="@hourly"), "2026-01-01", "2026-01-01T23:00:00Z", 60), limit=0.05)
        with pytest.raises(WaitTimeout) as raised:
            wished.run(None, None)

        lines = str(raised.value).splitlines()
        assert lines[0].startswith("The backfill of 'daily' has made 0 of 24 executions and is over after 0.05 s")
        assert (len(lines), lines[-2:]) == (23, ["  … and 4 more", "Trigger: f:5"])

    @pytest.mark.parametrize(
        ("steps", "message"),
        [
            ([None], r"^The backfill of 'daily' has made 1 of 2 executions, and its trigger is gone from the server\n"),
            (
                [kept(disabled=True, backfill={})] * 2 + [kept(disabled=True)],
                r"has made 1 of 2 executions, and the server has disabled its trigger\n .* FAILED\n",
            ),
        ],
    )
    def test_that_stops_on_its_way(self, make: Make, server: Server, steps: list[Any], message: str) -> None:
        server.steps = list(steps)
        server.made = [made(1, 1, "FAILED")]
        with pytest.raises(KestraError, match=message):
            make(cron="0 9 * * *").backfill("2026-01-01", "2026-01-02")
        # With its trigger a backfill is gone, too.
        assert server.has_ended_it == (steps[0] is not None)

    def test_of_listed_dates(self, make: Make, server: Server) -> None:
        server.steps = [kept(backfill={})]
        server.made = [execution(1, trigger={"id": "daily", "variables": {}})]
        trigger = make("ScheduleOnDates", dates=["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"])
        wished = replace(Backfill.of(trigger, "2026-01-01", "2026-01-02", None), limit=0.05)
        with pytest.raises(WaitTimeout, match=r"has made 1 of 2 executions and .*\n  no date  SUCCESS\nTrigger: f:5$"):
            wished.run(None, None)

    @pytest.mark.parametrize(
        ("more", "start", "end", "message"),
        [
            ({"kind": "Webhook"}, "2026-01-01", "2026-01-02", r"^The trigger 'daily' has no dates: it is a "),
            ({}, "2026-01-02", "2026-01-01", r"^The backfill would start at 2026-01-02T00:00:00.*, after its end at "),
            ({}, "soon", "2026-01-01", r"^`start`: 'soon' is not a date"),
            ({}, "2026-01-01", None, r"^`end`: None is neither a date"),
            ({}, "2026-01-01", "2126-01-01", r"^The backfill would end at 2126-01-01T23:59:59\+00:00, and is for "),
            ({}, "2025-01-01", "2026-01-01", r"^Between 2025-.* the schedule 'daily' has 6 or more dates, and Kestra "),
            ({"disabled": True}, "2026-01-01", "2026-01-02", r"^f:8: the schedule 'daily' is disabled, so it has no "),
            (
                {"of_flow": {"disabled": True}},
                "2026-01-01",
                "2026-01-02",
                r"^f:4: the schedule 'daily' is disabled, so it has no ",
            ),
        ],
    )
    def test_that_cannot_be(
        self, make: Make, server: Server, more: dict[str, Any], start: Any, end: Any, message: str
    ) -> None:
        with pytest.raises(KestraError, match=message):
            make(**{"cron": "0 9 * * *", **more}).backfill(start, end)
        assert server.started is None

    @pytest.mark.parametrize(
        ("state", "message"),
        [
            ({"disabled": True}, r"^f:5: the server has disabled the schedule 'daily', so it has no backfill\. Call "),
            (
                {"backfill": {"start": "A", "end": "B"}},
                r"^f:5: the schedule 'daily' has a backfill already, from A to B\. ",
            ),
        ],
    )
    def test_that_the_server_has_no_place_for(
        self, make: Make, server: Server, state: dict[str, Any], message: str
    ) -> None:
        server.stub.on("GET", STATES, page(kept(nextExecutionDate="2026-01-02T09:00:00Z", **state)))
        with pytest.raises(KestraError, match=message):
            make(cron="0 9 * * *").backfill("2026-01-01", "2026-01-02")
        assert server.started is None

    @pytest.mark.parametrize(
        ("inputs", "problem", "message"),
        [
            ({"m": 1}, None, r"^f:5: the flow f has no input 'm'\. It has: n\.$"),
            ({"n": b"x"}, None, r"^f:8: a backfill takes no content for the input 'n', only the kestra:/// URI of a"),
            (
                {"n": "x"},
                ("n", "Invalid value for input `n`. Cause: no"),
                r"^f:5: the input 'n' \(INT\) of the flow f does not take 'x': no",
            ),
            ({}, ("n", "Missing required input:n"), r"^f:5: the input 'n' \(INT\) of the flow f is required"),
            # The schedule gives it, so that the check without it says nothing.
            ({}, ("own", "Missing required input:own"), None),
        ],
    )
    def test_inputs_are_checked_before(
        self, make: Make, server: Server, inputs: dict[str, Any], problem: tuple[str, str] | None, message: str | None
    ) -> None:
        entries: list[Any] = [{"input": {"id": "n"}, "errors": None}]
        if problem:
            entries.append({"input": {"id": problem[0]}, "errors": [{"message": problem[1]}]})
        server.stub.on("POST", f"{API}/executions/a.b/f/validate", json.dumps({"inputs": entries}))
        server.steps = [kept()]
        of_flow = {"inputs": [{"id": "n", "type": "INT"}]}
        trigger = make(of_flow=of_flow, cron="0 9 * * *", inputs={"own": 1})
        if message is None:
            assert trigger.backfill("2026-01-01T09:00:01Z", "2026-01-01T09:00:02Z", inputs=inputs) == []
        else:
            with pytest.raises(InputError, match=message):
                trigger.backfill("2026-01-01", "2026-01-02", inputs=inputs)
        assert server.started is None
