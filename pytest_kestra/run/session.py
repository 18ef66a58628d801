"""What all objects of one test share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.masking import STARS, masked
from pytest_kestra.mocks.mocks import Mocks
from pytest_kestra.records import ExecutionRecord, FlowRecord
from pytest_kestra.run.waiting import poll

# How long logs and metrics may come after the end of their execution, in seconds.
SETTLE_S = 0.5
# How long a server may take to show an execution that was asked for, in seconds.
SHOWN_S = 5.0

Read = TypeVar("Read")


@dataclass(frozen=True)
class Session:
    """Hold the client, the deployed flows and the limits of one test.

    `timeout` is in seconds. `settled` says that the server's logs are complete when an execution has ended; elsewhere
    they are asked for again before one is said to be missing. An `ephemeral` server forgets everything soon. `pages`
    says that the server has Kestra's user interface. `started` are the ids of the executions that the test has started
    or waited for, `awaited` the latter, `seen` all executions as they were last read, `continued` how many states of
    those that were resumed or restarted are from before; `secrets` are values that no report shows. `reproduce` is the
    command that runs the test again, and `verbosity` says how much a failure tells, as pytest's.
    """

    client: Client
    deployer: Deployer
    timeout: float
    folders: Sequence[Path] = ()
    settled: bool = False
    ephemeral: bool = False
    pages: bool = False
    started: list[str] = field(default_factory=list, repr=False)
    awaited: set[str] = field(default_factory=set, repr=False)
    secrets: list[str] = field(default_factory=list, repr=False)
    reproduce: str = ""
    verbosity: int = 0
    mocks: Mocks | None = field(default=None, repr=False)
    seen: dict[str, ExecutionRecord] = field(default_factory=dict, repr=False)
    continued: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    # What is known of executions that have ended, by their ids and the numbers of their states and task runs.
    gathered: dict[tuple[str, int, int], Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _flows: dict[tuple[str, str, int | None], FlowRecord] = field(default_factory=dict, repr=False)

    def flow(self, execution: ExecutionRecord) -> FlowRecord:
        """Return the flow of an execution, in the revision that it ran; asked for once, since it never changes."""
        key = (execution.namespace, execution.flow_id, execution.revision)
        if key not in self._flows:
            self._flows[key] = self.client.flows.get(*key)
        return self._flows[key]

    def name_of(self, execution: ExecutionRecord) -> str:
        """Return the file that the flow of an execution came from; its id where the test has not deployed it."""
        return self.deployer.name_of(execution.namespace, execution.flow_id)

    def require_mocks(self, namespace: str, flow_id: str) -> None:
        """Raise MockError where a flow that is about to run would reach out, and strict mocks forbid that."""
        source = self.deployer.source_of(namespace, flow_id)
        if source is not None and self.mocks is not None:
            self.mocks.require(source)

    def limit(self, timeout: object) -> float:
        """Return how many seconds something may take: `timeout`, or what is set for all; KestraError for no number."""
        if timeout is None:
            return self.timeout
        if isinstance(timeout, (int, float)) and 0 < timeout < math.inf:
            return timeout
        raise KestraError(f"timeout: {timeout!r} is not a number of seconds above 0, such as 60 or 2.5.")

    def page(self, execution: ExecutionRecord) -> str:
        """Return the address of an execution in Kestra's user interface."""
        address = self.client.address
        return f"{address.url}/ui/{address.tenant}/executions/{execution.namespace}/{execution.flow_id}/{execution.id}"

    def settle(self, execution: ExecutionRecord, read: Callable[[], Read]) -> Read:
        """Return what is read of an execution; where that is empty, but may only be late, read on for a while."""
        if self.settled or not execution.state.is_final:
            return read()
        return poll(read, bool, SETTLE_S)

    def clean(self, value: Any) -> Any:
        """Return a value of JSON without the secrets, also those of SECRET inputs, which Kestra stores encrypted."""
        if isinstance(value, str):
            return self.masked(value)
        if isinstance(value, Mapping):
            if value.get("type") == "io.kestra.datatype:aes_encrypted":
                return STARS
            return {self.masked(str(key)): self.clean(item) for key, item in value.items()}
        if isinstance(value, (int, float)) and str(value) in self.secrets:
            return STARS
        return [self.clean(item) for item in value] if isinstance(value, list) else value

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        return masked(text, self.secrets)
