"""HTTP as the requests were written: uvicorn's protocol, with the names of headers in the case they were sent in."""

from __future__ import annotations

from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

RAW_HEADERS = "raw_headers"


class Protocol(H11Protocol):
    """Keep the names of headers as they were sent, for webhooks: flows read `trigger.headers['X-Event']` by them.

    ASGI has them in small letters. The request's state carries the others beside them.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._next_event = self.conn.next_event
        self.conn.next_event = self._noting_headers  # type: ignore[method-assign]  # it has no other hook

    def _noting_headers(self) -> Any:
        event = self._next_event()
        if isinstance(event, h11.Request):
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items()]
            self.app_state = {**self.app_state, RAW_HEADERS: headers}
        return event
