"""The API's calls about triggers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_kestra.client.transport import Transport
from pytest_kestra.records import ExecutionRecord


class Triggers:
    """Call what starts flows."""

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
    ) -> ExecutionRecord | None:
        """Call a webhook and return the execution it has started; None where its conditions were not met.

        A body that is neither text nor bytes is sent as JSON.
        """
        sent = dict(headers or {})
        content = body
        if body is not None and not isinstance(body, (str, bytes)):
            content = json.dumps(body)
            if not any(name.lower() == "content-type" for name in sent):
                sent["Content-Type"] = "application/json"
        path = ("executions", "webhook", namespace, flow_id, key)
        answer = self._transport.request(method, *path, content=content, headers=sent, params=params)
        return ExecutionRecord.of(answer.json()) if answer.content else None
