from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, cast

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.records import FlowRecord
from pytest_kestra.run.session import Session
from pytest_kestra.run.trigger import Trigger
from tests.unit.conftest import Stub

FLOW = FlowRecord.of({"id": "f", "namespace": "a.b", "revision": 1})
STARTED = {"id": "e1", "namespace": "a.b", "flowId": "f", "state": {"current": "CREATED", "histories": []}}


def schedule(**definition: Any) -> Trigger:
    kind = "io.kestra.plugin.core.trigger.Schedule"
    return Trigger("daily", kind, definition, flow=FLOW, session=cast("Session", None))


def hook(client: Client, **definition: Any) -> Trigger:
    session = Session(client, cast("Deployer", None), 5)
    return Trigger("hook", "io.kestra.plugin.core.trigger.Webhook", definition, flow=FLOW, session=session)


def test_webhook_is_called_with_body_headers_and_query(stub: Stub, client: Client) -> None:
    stub.on("POST", "/api/v1/main/executions/webhook/a.b/f/k%2F1", json.dumps(STARTED))
    trigger = hook(client, key="k/1")
    execution = trigger.webhook({"order": 1}, headers={"X-Event": "new"}, params={"q": "1"})

    assert (execution.id, execution.state) == ("e1", "CREATED")
    assert trigger.session.started == ["e1"]
    (asked,) = stub.asked
    assert (asked.body, asked.path.partition("?")[2]) == ('{"order": 1}', "q=1")
    assert (asked.headers["X-Event"], asked.headers["Content-Type"]) == ("new", "application/json")


def test_webhook_takes_texts_as_they_are(stub: Stub, client: Client) -> None:
    stub.on("PUT", "/api/v1/main/executions/webhook/a.b/f/other", json.dumps(STARTED))
    hook(client, key="k").webhook("<a/>", key="other", method="PUT", headers={"content-type": "text/xml"})
    hook(client, key="k").webhook({"a": 1}, key="other", method="PUT", headers={"content-type": "text/json"})

    assert [asked.body for asked in stub.asked] == ["<a/>", '{"a": 1}']
    assert [asked.headers["content-type"] for asked in stub.asked] == ["text/xml", "text/json"]


def test_webhook_that_cannot_be_called_says_why(stub: Stub, client: Client) -> None:
    stub.on("POST", "/api/v1/main/executions/webhook/a.b/f/k", "")
    for trigger, message in (
        (schedule(cron="@daily"), r"^The trigger 'daily' is no webhook: it is a io\.kestra\.plugin"),
        (hook(client, key="{{ secret('K') }}"), r"is an expression, .*: give its value as key=…\.$"),
        (hook(client, key="k"), r"^The webhook 'hook' has started no execution: its `conditions` were not met\.$"),
    ):
        with pytest.raises(KestraError, match=message):
            trigger.webhook()


def test_dates_of_a_schedule_in_utc() -> None:
    dates = schedule(cron="0 10 * * *").next_dates(2, after="2026-01-01T10:00:00Z")

    assert [date.isoformat() for date in dates] == ["2026-01-02T10:00:00+00:00", "2026-01-03T10:00:00+00:00"]


def test_dates_in_the_time_zone_of_the_schedule_keep_their_hour() -> None:
    dates = schedule(cron="30 2 * * *", timezone="Europe/Berlin").next_dates(3, after="2026-10-24T00:00:00Z")

    assert {date.hour for date in dates} == {2}
    assert {str(date.utcoffset()) for date in dates} == {"2:00:00", "1:00:00"}


def test_nicknames_and_dates_without_a_zone() -> None:
    after = datetime(2026, 1, 1, 0, 30)  # noqa: DTZ001 - that UTC is meant is what is tested

    assert schedule(cron="@hourly").next_dates(1, after=after) == [datetime(2026, 1, 1, 1, tzinfo=timezone.utc)]


def test_dates_from_now_on() -> None:
    (date,) = schedule(cron="@yearly").next_dates(1)

    assert date > datetime.now(timezone.utc)


def test_seconds_come_first() -> None:
    (date,) = schedule(cron="30 0 10 * * *", withSeconds=True).next_dates(1, after="2026-01-01T00:00:00Z")

    assert date.isoformat() == "2026-01-01T10:00:30+00:00"


@pytest.mark.parametrize(
    ("definition", "after", "message"),
    [
        ({"key": "x"}, None, "The trigger 'daily' has no dates: it is a io.kestra.plugin.core.trigger.Schedule"),
        ({"cron": "every day"}, None, "The cron expression 'every day' of the trigger 'daily' cannot be read"),
        ({"cron": "@daily", "timezone": "Mars/North"}, None, "The time zone 'Mars/North' of the trigger 'daily'"),
        ({"cron": "@daily"}, "tomorrow", "`after`: 'tomorrow' is not a date such as 2026-01-01T10:00:00Z"),
    ],
)
def test_what_is_wrong_is_told(definition: dict[str, Any], after: str | None, message: str) -> None:
    with pytest.raises(KestraError) as raised:
        schedule(**definition).next_dates(1, after=after)

    assert message in str(raised.value)
