"""The API's calls about executions and what they leave behind."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from pytest_kestra.client.loops import rounds, with_rounds
from pytest_kestra.client.transport import Transport
from pytest_kestra.errors import ApiError, ExpressionError, NotFoundError, ServerError
from pytest_kestra.records import ExecutionRecord, Json, LogEntry, Metric

TEXT = {"Content-Type": "text/plain"}
# A field's value, or the name and content of a file.
Field = str | tuple[str, bytes]


class Executions:
    """Create, read, end and delete executions; read their logs, metrics and files."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def _actions(self) -> tuple[str, ...]:
        """What stands before the name of an action in a path: Kestra 2.0 has put them below one of their own."""
        return ("actions",) if self._transport.address.is_two else ()

    def create(
        self,
        namespace: str,
        flow_id: str,
        inputs: Sequence[tuple[str, Field]] = (),
        *,
        labels: Mapping[str, str] | None = None,
        revision: int | None = None,
        breakpoints: Sequence[str] = (),
        wait: bool = False,
        timeout: float | None = None,
    ) -> ExecutionRecord:
        """Create an execution; with `wait` return it when it has ended, httpx.ReadTimeout after `timeout` seconds.

        It stops, as BREAKPOINT, before each of the tasks whose ids are `breakpoints`.
        """
        params: list[tuple[str, str]] = [("labels", f"{key}:{value}") for key, value in (labels or {}).items()]
        if wait:
            params.append(("wait", "true"))
        if revision is not None:
            params.append(("revision", str(revision)))
        if breakpoints:
            params.append(("breakpoints", ",".join(breakpoints)))
        path = ("executions", namespace, flow_id)
        return execution_of(
            self._transport, self._transport.json("POST", *path, params=params, files=_form(inputs), timeout=timeout)
        )

    def validate(self, namespace: str, flow_id: str, inputs: Sequence[tuple[str, Field]] = ()) -> list[tuple[str, str]]:
        """Check the inputs of an execution and return what is wrong with which; nothing is created."""
        answer = self._transport.json("POST", "executions", namespace, flow_id, "validate", files=_form(inputs))
        return [(item["input"]["id"], error["message"]) for item in answer["inputs"] for error in item["errors"] or ()]

    def get(self, execution_id: str) -> ExecutionRecord:
        """Return an execution."""
        return execution_of(self._transport, self._transport.json("GET", "executions", execution_id))

    def search(self, filters: Mapping[str, str]) -> list[ExecutionRecord]:
        """Return all executions that match, oldest first; a filter's name is as in `namespace][PREFIX`."""
        params = {f"filters[{name}]": value for name, value in filters.items()}
        found = self._transport.pages("executions", "search", params={**params, "sort": "state.startDate:asc"})
        return [execution_of(self._transport, item, light=True) for item in found]

    def of_flow(
        self,
        namespace: str,
        flow_id: str,
        filters: Mapping[str, str] | None = None,
        started_by: str | None = None,
    ) -> list[ExecutionRecord]:
        """Return all executions of a flow, those that match other filters too, or that another one has started."""
        filters = {"namespace][EQUALS": namespace, "flowId][EQUALS": flow_id, **(filters or {})}
        return self.search(filters) if started_by is None else self.started_by(started_by, filters)

    def started_by(self, execution_id: str, filters: Mapping[str, str] | None = None) -> list[ExecutionRecord]:
        """Return the executions that one has started by subflow tasks, those in loops too, and by Flow triggers."""
        found = [
            record
            for one in self._with_rounds(execution_id)
            for record in self.search({**(filters or {}), "triggerExecutionId][EQUALS": one})
        ]
        return sorted(found, key=lambda record: record.start)

    def kill(self, execution_id: str) -> None:
        """Ask for the end of an execution and of its subflows; one that has ended stays as it is."""
        if self._transport.address.is_two and self.get(execution_id).state == "BREAKPOINT":
            # Kestra 2.0 never ends one that it kills at a breakpoint.
            with contextlib.suppress(ApiError):  # it may just have gone on
                self.resume_from_breakpoint(execution_id)
        self._transport.request("DELETE", "executions", execution_id, *self._actions, "kill")

    def pause(self, execution_id: str) -> None:
        """Pause a running execution; ApiError 409 where it does not run."""
        self._transport.request("POST", "executions", execution_id, *self._actions, "pause")

    def restart(self, execution_id: str) -> ExecutionRecord:
        """Run the failed tasks of an execution again."""
        return execution_of(
            self._transport, self._transport.json("POST", "executions", execution_id, *self._actions, "restart")
        )

    def replay(
        self,
        execution_id: str,
        inputs: Sequence[tuple[str, Field]] | None = None,
        *,
        task_run_id: str | None = None,
        revision: int | None = None,
    ) -> ExecutionRecord:
        """Make a new execution of an old one, from a task run on, or anew; with other inputs where some are given."""
        given = {"taskRunId": task_run_id, "revision": revision}
        params = {name: value for name, value in given.items() if value is not None}
        action = "replay" if inputs is None else "replay-with-inputs"
        files = _form(inputs or ())
        return execution_of(
            self._transport,
            self._transport.json(
                "POST", "executions", execution_id, *self._actions, action, params=params, files=files
            ),
        )

    def evaluate(self, execution_id: str, expression: str, task_run_id: str | None = None) -> str:
        """Return what an expression renders to in an execution, or in a task run; ExpressionError where it does not."""
        more = () if task_run_id is None else (task_run_id,)
        path = ("executions", execution_id, *self._actions, "eval", *more)
        answer = self._transport.json("POST", *path, content=expression.encode(), headers=TEXT)
        if "error" in answer:
            raise ExpressionError(answer["error"])
        return str(answer.get("result", ""))

    def resume(self, execution_id: str, inputs: Sequence[tuple[str, Field]] = ()) -> None:
        """Let a paused execution go on; ApiError 409 where it is not paused."""
        self._transport.request("POST", "executions", execution_id, *self._actions, "resume", files=_form(inputs))

    def resume_from_breakpoint(self, execution_id: str) -> None:
        """Let an execution go on to its end that has stopped at a breakpoint; ApiError 409 where it has not."""
        self._transport.request("POST", "executions", execution_id, *self._actions, "resume-from-breakpoint")

    def counted(self, namespace: str, flow_id: str) -> int:
        """Return how many executions of a flow Kestra counts against its concurrency limit."""
        limits = self._transport.json("GET", "concurrency-limit", "search")["results"]
        found = (item["running"] for item in limits if (item["namespace"], item["flowId"]) == (namespace, flow_id))
        return int(next(found, 0))

    def delete(self, execution_id: str) -> None:
        """Delete an execution with its logs, metrics and files."""
        self._transport.request("DELETE", "executions", execution_id)

    def logs(self, execution_id: str) -> list[LogEntry]:
        """Return all logs of an execution, in the order of their time."""
        entries = [
            entry for one in self._with_rounds(execution_id) for entry in self._transport.json("GET", "logs", one)
        ]
        return sorted((LogEntry.of(entry) for entry in entries), key=lambda entry: entry.timestamp)

    def metrics(self, execution_id: str) -> list[Metric]:
        """Return all metrics of an execution."""
        ids = self._with_rounds(execution_id)
        return [Metric.of(item) for one in ids for item in self._transport.pages("metrics", one, params={})]

    def _with_rounds(self, execution_id: str) -> list[str]:
        """Return the ids of an execution and of the rounds of its loops that are executions of their own."""
        if not self._transport.address.is_two:
            return [execution_id]
        return [execution_id, *(item["id"] for item in rounds(self._transport, execution_id))]

    def file(self, execution_id: str, uri: str) -> bytes:
        """Return the content of a file of Kestra's internal storage that belongs to an execution.

        NotFoundError where there is none, or where its URI is none that Kestra gives to files of executions.
        """
        path, params = ("executions", execution_id, "file"), {"path": uri}
        words = (
            f"There is no file {uri} of the execution {execution_id}. It was deleted, or its URI is another: take it "
            "from an output, whole"
        )
        try:
            return self._transport.request("GET", *path, params=params, follow_redirects=True).content
        except ApiError as error:
            if error.status not in (404, 422):
                raise
            raise NotFoundError(404, words, f"GET {'/'.join(path)}") from error
        except ServerError as error:
            # Of a URI with an execution's id, but another namespace, Kestra points to itself.
            if not isinstance(error.__cause__, httpx.TooManyRedirects):
                raise
            raise NotFoundError(404, words, f"GET {'/'.join(path)}") from error


def execution_of(transport: Transport, data: Json, *, light: bool = False) -> ExecutionRecord:
    """Return an execution that a server has told.

    Kestra 2.0 does not tell its outputs with it, and not its task runs in a `light` one, that of a search.
    """
    if not transport.address.is_two:
        return ExecutionRecord.of(data)

    def outputs(*path: str) -> Json:
        found: Json = transport.json("GET", "outputs", *path)
        return found

    def whole() -> Json:
        return with_rounds(transport, transport.json("GET", "executions", data["id"]) if light else data)

    return ExecutionRecord.of(data, outputs, whole)


def _form(inputs: Sequence[tuple[str, Field]]) -> list[tuple[str, Any]] | None:
    """Return fields and files as httpx sends them in one form; None where there are none."""
    return [(name, (None, value) if isinstance(value, str) else value) for name, value in inputs] or None
