"""Bringing flows to the server: checked all together first, so that nothing half-made is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pytest_kestra.client.client import Client
from pytest_kestra.errors import ApiError, FlowError, NotFoundError
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.flows.outline import Outline
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import FlowRecord

# As Kestra 1.3 and 2.0 say it.
EXISTS = re.compile(r"Flow id already exists|Flow '[^']+' already exists in ")


def gone(flow_id: str) -> str:
    """Return a sentence about a flow that is no longer on the server."""
    return f"the flow {flow_id} is no longer on the server: bring it back with kestra.deploy(…)."


class Deployer:
    """Deploy the flows of one test, each in the namespace that the test has for it.

    It remembers what it deployed: a flow that names the namespace of a later one is deployed anew with it. `edit` may
    change a flow before it is stored, such as where its tasks are mocked.
    """

    def __init__(self, client: Client, namespaces: Namespaces) -> None:
        self._client = client
        self._namespaces = namespaces
        self.edit: Callable[[FlowSource], FlowSource] = lambda source: source
        self._deployed: dict[tuple[str, str], FlowSource] = {}
        # What is stored of them.
        self._texts: dict[tuple[str, str], str] = {}
        # Namespace and id, as the server has them, of the flows that were not there before, with their first revision:
        # a flow that was deleted once goes on counting, and keeps its executions.
        self.created: dict[tuple[str, str], int] = {}

    @property
    def namespace(self) -> str | None:
        """The name of the test's namespace below each flow's own."""
        return self._namespaces.name

    @property
    def namespaces(self) -> list[str]:
        """The namespaces, as the server has them, that flows were deployed in."""
        return list(dict.fromkeys(self._namespaces.of(namespace) for namespace, _ in self._deployed))

    def deploy(self, sources: Sequence[FlowSource]) -> list[FlowRecord]:
        """Check all these flows, then store them; FlowError says which is wrong, and where."""
        deployed = self._deployed | {source.key: source for source in sources}
        if len({source.key for source in sources}) < len(sources):
            raise _twice(sources)
        texts = [self._text(source, deployed) for source in sources]
        self._validate(sources, texts)
        records = [self._store(source, text) for source, text in zip(sources, texts, strict=True)]
        self._deployed = deployed
        self.renew()
        return records

    @property
    def sources(self) -> list[FlowSource]:
        """The flows as they were deployed, before any change."""
        return list(self._deployed.values())

    def namespace_of(self, source: FlowSource) -> str:
        """Return the namespace, as the server has it, that a flow is deployed in."""
        return self._namespaces.of(source.namespace)

    def source_of(self, namespace: str, flow_id: str) -> FlowSource | None:
        """Return the text of a flow by its names on the server; None where the test has not deployed it."""
        return next((self._deployed[key] for key in self._keys(namespace, flow_id)), None)

    def renew(self) -> None:
        """Store those flows again whose text is another now; FlowError where one is wrong with that."""
        texts = {key: self._text(source, self._deployed) for key, source in self._deployed.items()}
        changed = [key for key, text in texts.items() if text != self._texts.get(key)]
        self._validate([self._deployed[key] for key in changed], [texts[key] for key in changed])
        for key in changed:
            self._store(self._deployed[key], texts[key])

    def update(self, flow: FlowRecord, source: FlowSource) -> FlowRecord:
        """Store a new revision of a flow; FlowError says what is wrong, and where."""
        text = self._text(source, self._deployed)
        self._validate([source], [text])
        try:
            record = self._client.flows.update(flow.namespace, flow.id, text)
        except NotFoundError as error:
            raise source.error(gone(flow.id), None) from error
        except ApiError as error:
            raise self._refused(source, error.message, *(path for _, path in error.details)) from error
        for key in self._keys(flow.namespace, flow.id):
            self._deployed[key], self._texts[key] = source, text
        return record

    def name_of(self, namespace: str, flow_id: str) -> str:
        """Return the name of the file that a flow came from; its id where the test has not deployed it."""
        return next((self._deployed[key].name for key in self._keys(namespace, flow_id)), flow_id)

    def forget(self, flow: FlowRecord) -> None:
        """Forget a flow that is no longer on the server."""
        for key in self._keys(flow.namespace, flow.id):
            del self._deployed[key], self._texts[key]

    def _keys(self, namespace: str, flow_id: str) -> list[tuple[str, str]]:
        """Return under which names a flow was deployed."""
        return [key for key in self._deployed if (self._namespaces.of(key[0]), key[1]) == (namespace, flow_id)]

    def _text(self, source: FlowSource, deployed: dict[tuple[str, str], FlowSource]) -> str:
        return self._namespaces.rewritten(self.edit(source), {namespace for namespace, _ in deployed})

    def _validate(self, sources: Sequence[FlowSource], texts: Sequence[str]) -> None:
        errors = [
            self._refused(source, message)
            for source, text in zip(sources, texts, strict=True)
            for message in self._client.flows.validate(text)
        ]
        errors += [
            source.error(message, line) for source in sources for line, message in Outline(source).repeated_keys()
        ]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise FlowError(f"{len(errors)} flows are wrong:\n" + "\n".join(f"  {error}" for error in errors))

    def _store(self, source: FlowSource, text: str) -> FlowRecord:
        try:
            record = self._created(text) or self._client.flows.update(*FlowSource(text, source.name).key, text)
        except ApiError as error:
            raise self._refused(source, error.message, *(path for _, path in error.details)) from error
        self._texts[source.key] = text
        return record

    def _refused(self, source: FlowSource, message: str, *paths: str) -> FlowError:
        return source.refused(message, *paths, by_two=self._client.address.is_two)

    def _created(self, text: str) -> FlowRecord | None:
        """Create a flow; None where it is there."""
        try:
            record = self._client.flows.create(text)
        except ApiError as error:
            if EXISTS.search(error.message):
                return None
            raise
        self.created.setdefault((record.namespace, record.id), record.revision)
        return record


def _twice(sources: Sequence[FlowSource]) -> FlowError:
    first: dict[tuple[str, str], FlowSource] = {}
    for source in sources:
        if source.key in first:
            other = first[source.key].name
            return source.error(
                f"the flow {source.namespace}.{source.id} is in {other} too.", source.line_of(source.id)
            )
        first[source.key] = source
    raise AssertionError  # pragma: no cover - asked only where there is one
