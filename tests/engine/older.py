"""A client for tests that are written for the API of Kestra 1.3, where they run on 2.0: the same requests there.

What 2.0 has otherwise than that, its own tests tell: `tests/engine/two`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from tests.engine.lines import newer

ACTIONS = (
    "change-status|eval|force-run|kill|labels|pause|replay-with-inputs|replay|restart|resume-from-breakpoint|resume|"
    "state|unqueue"
)
ACTION = re.compile(rf"(.*/executions/[^/]+)/((?:{ACTIONS})(?:/.*)?)")
EXECUTION = re.compile(r".*/executions/(?:[^/]+|[^/]+/[^/]+|[^/]+/actions/[^/]+)")
FLOW = re.compile(r".*/flows(?:/[^/]+/[^/]+)?")
STATES = re.compile(r".*/triggers/[^/]+/[^/]+")
# What 1.3 answers where an action has worked that 2.0 answers with the execution.
STATUSES = {"resume": 204, "kill": 202}
NAMES = {"nextEvaluationDate": "nextExecutionDate", "evaluatedAt": "date", "updatedAt": "updatedDate"}


class NewerRoutes(httpx.Client):
    """Send requests of the API of 1.3 by the routes of 2.0, and flows with its loops."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request by its route of 2.0."""
        return super().send(_newer(request), **options)


class OlderClient(NewerRoutes):
    """Answer requests of the API of 1.3 as it does, with statuses and bodies.

    An execution has its outputs, which 2.0 tells apart, and the state of a trigger the names of before.
    """

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request by its route of 2.0, and return the answer of 1.3."""
        answer = super().send(request, **options)
        request = answer.request
        if options.get("stream") or "json" not in answer.headers.get("content-type", "") or not answer.is_success:
            return answer
        body, path = answer.json(), request.url.path
        if EXECUTION.fullmatch(path) and isinstance(body, dict) and "taskRunList" in body:
            body = self._with_outputs(request, body)
        elif path.endswith("/executions/search"):
            body["results"] = [self._found(request, item["id"]) for item in body["results"]]
        elif STATES.fullmatch(path) and request.method == "GET":
            body["results"] = [_older(state) for state in body["results"]]
        status = STATUSES.get(path.rpartition("/actions/")[2], answer.status_code)
        # The body has another length.
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() != "content-length"]
        return httpx.Response(status, headers=headers, content=json.dumps(body).encode(), request=request)

    def _found(self, request: httpx.Request, execution_id: str) -> dict[str, Any]:
        url = request.url.copy_with(path=request.url.path.replace("search", execution_id), query=None)
        return self._with_outputs(request, super().send(self.build_request("GET", url)).json())

    def _with_outputs(self, request: httpx.Request, execution: dict[str, Any]) -> dict[str, Any]:
        place = request.url.path.partition("/executions/")[0] + "/outputs"

        def outputs(path: str) -> Any:
            url = request.url.copy_with(path=f"{place}/{path}", query=None)
            found = super(OlderClient, self).send(self.build_request("GET", url))
            return found.json() if found.is_success else None

        runs = [
            {**run, "outputs": outputs(f"tasks/{execution['id']}/{run['id']}") or {}}
            for run in execution["taskRunList"] or ()
        ]
        whole = {**execution, "taskRunList": runs}
        if found := outputs(f"executions/{execution['id']}"):
            whole["outputs"] = found
        return whole


def _newer(request: httpx.Request) -> httpx.Request:
    path, content = request.url.path, None
    if found := ACTION.fullmatch(path):
        path = f"{found[1]}/actions/{found[2]}"
    elif request.method == "PUT" and path.endswith("/triggers"):
        path += "/backfill/create" if "backfill" in json.loads(request.read()) else "/set-disabled"
    elif (
        request.method in ("POST", "PUT") and FLOW.fullmatch(path) and "yaml" in request.headers.get("content-type", "")
    ):
        content = newer(request.read().decode()).encode()
    url = request.url.copy_with(path=path)
    if content is None:
        request.url = url
        return request
    headers = [(name, value) for name, value in request.headers.items() if name.lower() != "content-length"]
    return httpx.Request(request.method, url, headers=headers, content=content, extensions=request.extensions)


def _older(state: dict[str, Any]) -> dict[str, Any]:
    return {"tenantId": "main", **{NAMES.get(name, name): value for name, value in state.items()}}
