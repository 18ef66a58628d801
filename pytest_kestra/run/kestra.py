"""Kestra as a test sees it."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from pytest_kestra.client.client import Client
from pytest_kestra.errors import KestraError, NotFoundError, UnknownNameError
from pytest_kestra.flows import files
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.mocks.answers import Answer, Answers, Given, answers_of
from pytest_kestra.mocks.calls import Call
from pytest_kestra.mocks.mock import Mock
from pytest_kestra.mocks.mocks import Mocks
from pytest_kestra.run.arrival import Arrival
from pytest_kestra.run.cleanup import clean_up
from pytest_kestra.run.clock import Clock
from pytest_kestra.run.execution import Execution
from pytest_kestra.run.files import NamespaceFiles
from pytest_kestra.run.flow import Flow
from pytest_kestra.run.kv import KeyValues
from pytest_kestra.run.session import Session


class Kestra:
    """Deploy flows and run them, in a namespace that only one test uses.

    `namespace` is the name of that namespace below each flow's own; None leaves the flows where they are. With `prefix`
    all of them are below that namespace. `timeout` is in seconds. `side_effects` are patterns of types: tasks of these
    run only where they are mocked, or else nothing does; None lets all run.
    Usable without pytest: `with Kestra(Client(Address("http://localhost:8080"))) as kestra: …`
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str | None = None,
        prefix: str | None = None,
        timeout: float = 60.0,
        folders: Sequence[Path] = (),
        settled: bool = False,
        ephemeral: bool = False,
        pages: bool = True,
        secrets: Sequence[str] = (),
        reproduce: str = "",
        verbosity: int = 0,
        side_effects: Sequence[str] | None = None,
        clock: bool = False,
    ) -> None:
        deployer = Deployer(client, Namespaces(namespace, prefix))
        self._mocks = Mocks(client, lambda: deployer.sources, deployer.namespace_of, deployer.renew, side_effects)
        deployer.edit = self._mocks.edited
        self._session = Session(
            client,
            deployer,
            timeout,
            folders,
            settled=settled,
            ephemeral=ephemeral,
            pages=pages,
            secrets=list(secrets),
            reproduce=reproduce,
            verbosity=verbosity,
            mocks=self._mocks,
        )
        self._clock = Clock(self._session, self._flows, moves=clock)

    @property
    def namespace(self) -> str | None:
        """The name of the test's namespace below each flow's own; None where flows stay where they are."""
        return self._session.deployer.namespace

    @property
    def timeout(self) -> float:
        """How long an execution may take, in seconds."""
        return self._session.timeout

    @property
    def started(self) -> list[str]:
        """The ids of the executions that this test has started, oldest first."""
        return list(self._session.started)

    @property
    def client(self) -> Client:
        """The client of the server, for what has no method here."""
        return self._session.client

    def deploy(self, source: str | PathLike[str]) -> Flow:
        """Deploy the flow of a file or of a YAML text.

        A file of the same name in a folder `kestra-2.0` beside it is what servers of that line are given. For a folder
        it is as `deploy_folder`, which typed code calls instead. FlowError says which file and line is wrong.
        """
        found = files.read(source, self._session.folders, self.client.address.line)
        if isinstance(found, list):
            return self.deploy_sources(found)  # type: ignore[return-value]  # what it is depends on the file system
        return self.deploy_sources([found])[0]

    def deploy_folder(self, folder: str | PathLike[str]) -> list[Flow]:
        """Deploy every flow of a folder and the folders in it, sorted by path; all are checked before one is stored."""
        found = files.read(folder, self._session.folders, self.client.address.line)
        return self.deploy_sources(found if isinstance(found, list) else [found])

    def deploy_sources(self, sources: Sequence[FlowSource]) -> list[Flow]:
        """Deploy flows that were read already; all are checked before one is stored."""
        records = self._session.deployer.deploy(sources)
        return [Flow.deployed(record, text.name, self._session) for record, text in zip(records, sources, strict=True)]

    def mock(
        self,
        task_id: str | None = None,
        outputs: Mapping[str, Any] | None = None,
        *,
        state: str | None = None,
        value: object = None,
        type: str | None = None,  # noqa: A002 - as a flow calls it
        flow: str | None = None,
        error: str | None = None,
        delay: float | timedelta = 0.0,
        side_effect: Callable[[Call], Any] | Iterable[Given] | Given = None,
        render: bool = True,
        required: bool = True,
        check: bool = True,
    ) -> Mock:
        """Let something else stand for a task, in all flows of the test or only in `flow`, until the test ends.

        It is chosen by its id, by its `type`, which may be a pattern such as `io.kestra.plugin.jdbc.*`, or by both;
        `value` means one iteration of a loop only. The task ends with `outputs`, which may hold expressions, in a
        `state` such as FAILED, with an `error` in its log, after a `delay` in seconds. `side_effect` is as that of
        unittest.mock: a function that gets each Call and returns outputs, or a state, an Answer or None, or raises; a
        sequence of such answers, one for each call; or an exception. Condition, retries and timeout of the task go on
        working, and its properties are rendered, unless `render` is false.

        The test fails if the mock is never called, unless `required` is false. UnknownNameError or MockError where no
        deployed flow has such a task, or, with `check`, where its type has no such outputs.
        """
        answers = answers_of(Answer(outputs, state, error, delay), side_effect)
        caller = traceback.extract_stack(limit=2)[0]
        mock = Mock(
            task_id,
            type,
            answers,
            flow=flow,
            value=value,
            render=render,
            required=required,
            check=check,
            place=f"{Path(caller.filename).name}:{caller.lineno}",
            read=self._mocks.calls,
            removed=self._mocks.remove,
        )
        self._mocks.add(mock)
        return mock

    def fixtures(self, answers: Iterable[tuple[str, object, Answer]]) -> None:
        """Let tasks of the deployed flows end so without being run, as fixtures of Kestra's unit-test suites do.

        They are told by their ids and iterations. Unlike mocks these look at no condition, render no property, may be
        unused, and without a value mean no iteration of a loop.
        """
        self._mocks.add(*(self._fixture(*one) for one in answers))

    def _fixture(self, task_id: str, value: object, answer: Answer) -> Mock:
        return Mock(
            task_id,
            None,
            Answers([answer]),
            value=value,
            fixture=True,
            render=False,
            required=False,
            check=False,
            read=self._mocks.calls,
            removed=self._mocks.remove,
        )

    def check_mocks(self) -> None:
        """Verify that each mock was called that has to be; MockError names those that were not."""
        self._mocks.check_used()

    def execution(self, execution_id: str) -> Execution:
        """Return an execution by its id; NotFoundError where the server has none of this id."""
        try:
            return Execution.reading(self.client.executions.get(execution_id), self._session)
        except NotFoundError as error:
            started = ", ".join(self._session.started) or "none"
            raise NotFoundError(
                error.status,
                f"There is no execution {execution_id!r} on the server at {self.client.address.url}: it was deleted, "
                f"or its id is another. This test has started: {started}",
                error.request,
            ) from None

    def known_state(self, execution_id: str) -> str | None:
        """Return the state in which an execution was when it was last read; the server is not asked."""
        known = self._session.seen.get(execution_id)
        return None if known is None else known.state

    def masked(self, text: str) -> str:
        """Return a text without the secrets that flows know, and without the credentials of the server."""
        return self._session.masked(text)

    def own(self, execution_id: str) -> Execution:
        """Return an execution that this test has caused by other means; it goes with the test, as those it starts."""
        if execution_id not in self._session.started:
            self._session.started.append(execution_id)
        return self.execution(execution_id)

    def executions(self) -> list[Execution]:
        """Return the executions of this test, oldest first: those it has started, and all others of its flows.

        Of flows that were there before the test, only the former, and what these have started.
        """
        records: dict[str, Execution] = {}
        for namespace, flow_id in self._session.deployer.created:
            for record in self.client.executions.of_flow(namespace, flow_id):
                records[record.id] = Execution.reading(record, self._session)
        others = [execution_id for execution_id in self._session.started if execution_id not in records]
        for execution_id in others:
            with contextlib.suppress(NotFoundError):
                records[execution_id] = self.execution(execution_id)
            found = [record.id for record in self.client.executions.started_by(execution_id)]
            others += [child_id for child_id in found if child_id not in records and child_id not in others]
        return sorted(records.values(), key=lambda execution: execution.start)

    def flow(self, flow_id: str, namespace: str | None = None) -> Flow:
        """Return a flow that is on the server: one that this test has deployed, or with `namespace` any other.

        UnknownNameError where there is none of this id.
        """
        found = [namespace] if namespace is not None else self._session.deployer.namespaces
        for place in found:
            try:
                record = self.client.flows.get(place, flow_id)
            except NotFoundError:
                continue
            return Flow.deployed(record, self._session.deployer.name_of(place, flow_id), self._session)
        known = [record.id for place in found for record in self.client.flows.search(place)]
        raise UnknownNameError("flow", flow_id, known, " and ".join(found) or "this test, which has deployed none")

    def wait_for_execution(
        self,
        flow: Flow,
        *,
        triggered_by: Execution | None = None,
        trigger: str | None = None,
        timeout: float | None = None,
    ) -> Execution:
        """Return an execution of `flow` that the test has not started itself, at its end.

        It is the one that the execution `triggered_by` has started, by a Flow trigger or a subflow; without that, the
        oldest that the test does not know yet, such as a schedule's. With `trigger` it is one that the trigger of this
        id has started, or has failed to: of a date that it cannot evaluate, such as for a wrong condition, Kestra makes
        an execution that has FAILED without a task run. `timeout` is in seconds, for both: that it starts and that it
        ends. WaitTimeout where that takes longer, UnknownNameError for a trigger that the flow has not.
        """
        return Arrival(flow, triggered_by, trigger, self._session).wait(timeout)

    @property
    def clock(self) -> Clock:
        """The clock by which the schedules of the test's flows fire; it can be moved."""
        return self._clock

    def _flows(self) -> list[Flow]:
        found = []
        for namespace, flow_id in self._session.deployer.created:
            with contextlib.suppress(UnknownNameError):  # the test has deleted it
                found.append(self.flow(flow_id, namespace))
        return found

    @property
    def kv(self) -> KeyValues:
        """The key-value pairs of the namespace that the test's flows are in; `Flow.kv` where there are several."""
        return KeyValues(self._only_namespace("kv"), self.client)

    @property
    def files(self) -> NamespaceFiles:
        """The files of the namespace that the test's flows are in; `Flow.files` where there are several."""
        return NamespaceFiles(self._only_namespace("files"), self.client)

    def _only_namespace(self, what: str) -> str:
        namespaces = self._session.deployer.namespaces
        if not namespaces:
            raise KestraError(f"kestra.{what} is that of the namespace of the test's flows: deploy one first.")
        if len(namespaces) > 1:
            raise KestraError(
                f"The test's flows are in {len(namespaces)} namespaces, {', '.join(namespaces)}: take the {what} of a "
                f"flow, such as kestra.deploy(…).{what}."
            )
        return namespaces[0]

    def close(self) -> None:
        """End what still runs of the deployed flows, and delete these and their executions.

        Of a flow that was there before, only what this test has started. Key-value pairs and files go with a namespace
        of the test's own, and all that flows have made there with one that the fixture has named. Elsewhere nothing is
        deleted. What fails is raised when the rest is done.
        """
        self._mocks.close()
        try:
            if self.namespace is None:
                self._mocks.leave()
        finally:
            try:
                clean_up(self._session)
            finally:
                self._clock.close()

    def keep(self) -> None:
        """End, but leave all on the server that the test has made; only what mocks have noted is removed.

        No stand-in stays in a flow where others run it, too, and the clock is everybody's again.
        """
        self._mocks.close()
        try:
            if self.namespace is None:
                self._mocks.leave()
            else:
                self._mocks.forget()
        finally:
            self._clock.close()

    def __repr__(self) -> str:
        return f"<Kestra at {self.client.address.url}>"

    def __enter__(self) -> Kestra:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.check_mocks()
        finally:
            self.close()
