"""The API's calls about triggers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pytest_kestra.client.executions import execution_of
from pytest_kestra.client.transport import Transport, refusal
from pytest_kestra.errors import ApiError, KestraError, NotFoundError
from pytest_kestra.records import ExecutionRecord, Json

# Whose next dates the embedded engine tells, outside of Kestra's API.
DATES = "/pytest-kestra/dates"


@dataclass(frozen=True)
class Called:
    """Tell what the call of a webhook was answered with: an execution, or an error, or something else."""

    status: int
    execution: ExecutionRecord | None
    error: ApiError | None
    empty: bool


class Triggers:
    """Call what starts flows, and read and change its state."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def webhook(
        self,
        namespace: str,
        flow_id: str,
        key: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        method: str = "POST",
        timeout: float | None = None,
    ) -> Called:
        """Call a webhook without credentials and return what it answers, an error too.

        httpx.ReadTimeout after `timeout` seconds. A body that is neither text nor bytes is sent as JSON.
        """
        sent = dict(headers or {})
        content = body
        if body is not None and not isinstance(body, (str, bytes)):
            try:
                content = json.dumps(body)
            except (TypeError, ValueError) as error:
                raise KestraError(f"The body of the webhook has no form in JSON: {error}.") from error
            if not any(name.lower() == "content-type" for name in sent):
                sent["Content-Type"] = "application/json"
        path = self._transport.path("executions", "webhook", namespace, flow_id, key)
        options = {"content": content, "headers": sent, "params": params}
        answer = self._transport.exchange(method, path, timeout=timeout, anonymous=True, **options)
        try:
            found = answer.json()
        except ValueError:
            found = None
        is_execution = isinstance(found, dict) and {"id", "flowId", "state"} <= found.keys()
        # A webhook may answer with outputs and any status; Kestra's own errors have links.
        is_error = not answer.is_success and (
            (isinstance(found, dict) and "_links" in found) or answer.status_code == 401
        )
        return Called(
            answer.status_code,
            execution_of(self._transport, found) if is_execution else None,
            refusal(answer, f"{method} {path}") if is_error else None,
            not answer.content,
        )

    def states(self, namespace: str, flow_id: str) -> list[Json]:
        """Return the states of those triggers of a flow that the scheduler knows."""
        found = self._transport.pages("triggers", namespace, flow_id, params={})
        return [_as_before(state) for state in found] if self._transport.address.is_two else found

    def delete(self, namespace: str, flow_id: str, trigger_id: str) -> None:
        """Delete the state of a trigger; NotFoundError where there is none."""
        self._transport.request("DELETE", "triggers", namespace, flow_id, trigger_id)

    def delete_logs(self, namespace: str, flow_id: str, trigger_id: str) -> None:
        """Delete what a trigger has logged outside of executions, such as that it could not be evaluated."""
        self._transport.request("DELETE", "logs", namespace, flow_id, params={"triggerId": trigger_id})

    def disable(self, namespace: str, flow_id: str, trigger_id: str, *, disabled: bool) -> None:
        """Disable or enable a trigger; NotFoundError where the scheduler does not know it."""
        path = ("triggers", "set-disabled") if self._transport.address.is_two else ("triggers",)
        self._transport.request("PUT", *path, json={**self._name(namespace, flow_id, trigger_id), "disabled": disabled})

    def start_backfill(
        self,
        namespace: str,
        flow_id: str,
        trigger_id: str,
        *,
        start: datetime,
        end: datetime,
        inputs: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> Json:
        """Start a backfill and return the state of its trigger; NotFoundError where the scheduler does not know it."""
        backfill: dict[str, Any] = {"start": start.isoformat(), "end": end.isoformat()}
        if inputs:
            backfill["inputs"] = dict(inputs)
        if labels:
            backfill["labels"] = [{"key": key, "value": value} for key, value in labels.items()]
        body = {**self._name(namespace, flow_id, trigger_id), "backfill": backfill}
        if self._transport.address.is_two:
            return _as_before(self._transport.json("PUT", "triggers", "backfill", "create", json=body))
        state: Json = self._transport.json("PUT", "triggers", json=body)
        return state

    def end_backfill(self, namespace: str, flow_id: str, trigger_id: str) -> None:
        """End a backfill; ApiError 400 where there is none."""
        self._transport.request(
            "POST", "triggers", "backfill", "delete", json=self._name(namespace, flow_id, trigger_id)
        )

    def dates(
        self, namespace: str, flow_id: str, trigger_id: str, *, revision: int, count: int, after: datetime
    ) -> Json | None:
        """Return the next `dates` of a trigger, as the embedded engine tells them; None where another server answers.

        `searched` is the date up to which it has looked, where its conditions refuse too many. ApiError 422 says what
        is wrong with it.
        """
        place = "/".join(quote(part, safe="") for part in (namespace, flow_id, trigger_id))
        params: Sequence[tuple[str, Any]] = (("revision", revision), ("count", count), ("after", after.isoformat()))
        try:
            answer = self._transport.send("GET", f"{DATES}/{place}", params=params)
            told: Json = answer.json()
        except (NotFoundError, ValueError):
            return None
        return told if "dates" in told else None

    def _name(self, namespace: str, flow_id: str, trigger_id: str) -> dict[str, str]:
        # The tenant stands in the path too, but Kestra ends a backfill by the one in the body.
        tenant = self._transport.address.tenant
        return {"tenantId": tenant, "namespace": namespace, "flowId": flow_id, "triggerId": trigger_id}


def _as_before(state: Json) -> Json:
    """Return the state of a trigger of Kestra 2.0 with the names that its parts had before."""
    names = {"nextEvaluationDate": "nextExecutionDate", "evaluatedAt": "date", "updatedAt": "updatedDate"}
    return {names.get(name, name): value for name, value in state.items()}
