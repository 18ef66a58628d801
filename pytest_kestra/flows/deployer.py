"""Bringing flows to the server: checked all together first, so that nothing half-made is left."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_kestra.client.client import Client
from pytest_kestra.errors import ApiError, FlowError, NotFoundError
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.records import FlowRecord

EXISTS = "Flow id already exists"


class Deployer:
    """Deploy the flows of one test, each in the namespace that the test has for it.

    It remembers what it deployed: a flow that names the namespace of a later one is deployed anew with it.
    """

    def __init__(self, client: Client, namespaces: Namespaces) -> None:
        self._client = client
        self._namespaces = namespaces
        self._deployed: dict[tuple[str, str], FlowSource] = {}
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
        before = {key: self._text(source, self._deployed) for key, source in self._deployed.items()}
        records = [self._store(source, text) for source, text in zip(sources, texts, strict=True)]
        self._deployed = deployed
        for key, text in before.items():
            source = deployed[key]
            if source not in sources and (now := self._text(source, deployed)) != text:
                self._store(source, now)
        return records

    def update(self, flow: FlowRecord, source: FlowSource) -> FlowRecord:
        """Store a new revision of a flow; FlowError says what is wrong, and where."""
        text = self._text(source, self._deployed)
        self._validate([source], [text])
        try:
            record = self._client.flows.update(flow.namespace, flow.id, text)
        except NotFoundError as error:
            what = f"the flow {flow.id} is no longer on the server: bring it back with kestra.deploy(…)."
            raise source.error(what, None) from error
        except ApiError as error:
            raise _refused(source, error) from error
        for key in self._keys(flow.namespace, flow.id):
            self._deployed[key] = source
        return record

    def name_of(self, namespace: str, flow_id: str) -> str:
        """Return the name of the file that a flow came from; its id where the test has not deployed it."""
        return next((self._deployed[key].name for key in self._keys(namespace, flow_id)), flow_id)

    def forget(self, flow: FlowRecord) -> None:
        """Forget a flow that is no longer on the server."""
        for key in self._keys(flow.namespace, flow.id):
            del self._deployed[key]

    def _keys(self, namespace: str, flow_id: str) -> list[tuple[str, str]]:
        """Return under which names a flow was deployed."""
        return [key for key in self._deployed if (self._namespaces.of(key[0]), key[1]) == (namespace, flow_id)]

    def _text(self, source: FlowSource, deployed: dict[tuple[str, str], FlowSource]) -> str:
        return self._namespaces.rewritten(source, {namespace for namespace, _ in deployed})

    def _validate(self, sources: Sequence[FlowSource], texts: Sequence[str]) -> None:
        errors = [
            source.refused(message)
            for source, text in zip(sources, texts, strict=True)
            for message in self._client.flows.validate(text)
        ]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise FlowError(f"{len(errors)} flows are wrong:\n" + "\n".join(f"  {error}" for error in errors))

    def _store(self, source: FlowSource, text: str) -> FlowRecord:
        try:
            record = self._client.flows.create(text)
            self.created.setdefault((record.namespace, record.id), record.revision)
            return record
        except ApiError as error:
            if EXISTS not in error.message:
                raise _refused(source, error) from error
        try:
            return self._client.flows.update(*FlowSource(text, source.name).key, text)
        except ApiError as error:
            raise _refused(source, error) from error


def _refused(source: FlowSource, error: ApiError) -> FlowError:
    return source.refused(error.message, *(path for _, path in error.details))


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
