"""All mocks of one test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pytest_kestra.client.client import Client
from pytest_kestra.errors import MockError, NotFoundError, UnknownNameError, hint
from pytest_kestra.flows.outline import Outline, Task, text_at
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.mocks.answering import Answering
from pytest_kestra.mocks.answers import Answer
from pytest_kestra.mocks.calls import Call, Notes
from pytest_kestra.mocks.mock import Mock
from pytest_kestra.mocks.side_effects import has_side_effects
from pytest_kestra.mocks.stand_in import TYPE, edited, is_inside, is_runnable

REFUSED = "strict mocks: this task reaches out, and nothing mocks it, so it was not run."


class Mocks:
    """Hold the mocks of a test, put stand-ins into its flows, and tell what was not as it should be.

    `flows` are those that the test has deployed, `namespace_of` tells in which namespace one is, and `changed` is
    called when they have to be stored anew. `side_effects` are the patterns of the types that must be mocked; None
    where none has to be.
    """

    def __init__(
        self,
        client: Client,
        flows: Callable[[], Sequence[FlowSource]],
        namespace_of: Callable[[FlowSource], str],
        changed: Callable[[], None],
        side_effects: Sequence[str] | None = None,
    ) -> None:
        self._client = client
        self._flows = flows
        self._namespace_of = namespace_of
        self._changed = changed
        self._side_effects = side_effects
        # Those that stand in the flows, and all there ever were.
        self._active: list[Mock] = []
        self._all: list[Mock] = []
        self._notes = Notes(client)
        self._places: dict[str, dict[str, None]] = {}
        self._can_mock = False
        # The names of the outputs of the types that were asked for.
        self._outputs: dict[str, list[str] | None] = {}
        self._answering = Answering(Notes(client), self._asking, self._check_answer)
        # Of functions: a test that expects its flow to fail must not take them for that.
        self._wrong_answers: list[MockError] = []

    def add(self, *mocks: Mock) -> None:
        """Put mocks into the flows that are deployed, and those that will be.

        MockError or UnknownNameError where one is meant for no task of these, or where its outputs are none that the
        type of such a task has.
        """
        self._require_plugin()
        for mock in mocks:
            targets = self._targets(mock)
            if not targets and self._flows():
                raise self._unknown(mock)
            for source, task in targets:
                self._check_outputs(mock, source, task, mock.answers.given)
        self._active += mocks
        try:
            self._changed()
        except BaseException:
            self._active = [mock for mock in self._active if mock not in mocks]
            raise
        self._all += mocks
        if any(mock.asked is not None for mock in mocks):
            self._answering.start()

    def remove(self, mock: Mock) -> None:
        """Let the tasks run again that a mock has stood for."""
        if mock in self._active:
            self._active.remove(mock)
            self._changed()

    def edited(self, source: FlowSource) -> FlowSource:
        """Return a flow with stand-ins where its tasks are mocked, and where strict mocks forbid that one runs."""
        if not self._active and self._side_effects is None:
            return source
        outline = Outline(source)
        replaced: dict[int, list[dict[str, Any]]] = {}
        for task in outline.tasks:
            mocks = self._of(source, task)
            for mock in mocks:
                self._check_outputs(mock, source, task, mock.answers.given)
                # Also of a flow that the test deletes later.
                self._places.setdefault(mock.id, {})[self._namespace_of(source)] = None
            entries = [mock.data() for mock in mocks]
            if all(mock.is_for_one for mock in mocks):
                if self._is_forbidden(task):
                    entries.append({"answers": [Answer(error=REFUSED).data()]})
                elif mocks and not is_runnable(task) and not any(mock.fixture for mock in mocks):
                    raise MockError(
                        f"{source.name}:{task.line}: {task.id} cannot be mocked for one iteration only, since Kestra "
                        f"itself does what is of the type {task.type}. Mock all of them, by a function that looks at "
                        "`call.value` if need be: side_effect=…."
                    )
            if entries:
                replaced[id(task.node)] = entries
        return edited(source, replaced, outline) if replaced else source

    def require(self, flow: FlowSource) -> None:
        """Raise MockError where a flow, or a subflow of it, has a task that reaches out and is not mocked."""
        if self._side_effects is None:
            return
        found = [
            f"  {source.name}:{task.line}: {task.id} ({task.type})"
            for source in self._with_subflows(flow)
            for task in _tasks(source)
            if self._is_forbidden(task) and not self._of(source, task) and not self._is_below_a_mock(source, task)
        ]
        if found:
            first = found[0].rpartition(": ")[2].partition(" ")[0]
            raise MockError(
                f"{flow.id} was not run: with strict mocks, each task that reaches out has a mock. These have none:\n"
                + "\n".join(found)
                + f'\nMock them, as with kestra.mock("{first}", outputs={{…}}), or leave their type out of '
                "kestra_side_effects."
            )

    def check_used(self) -> None:
        """Raise MockError where a mock was never called that has to be, or has answered what its task cannot."""
        if self._wrong_answers:
            raise self._wrong_answers[0]
        unused = [mock for mock in self._all if mock.required and not mock.called]
        if not unused:
            return
        lines = [
            f"{mock.place}: the mock of {mock.target} was never called: {self._why_unused(mock)}" for mock in unused
        ]
        remedy = "Remove it, or say required=False where it may be unused."
        raise MockError("\n".join([*lines, remedy]))

    def close(self) -> None:
        """Answer no more."""
        self._answering.stop()

    def leave(self) -> None:
        """Take all stand-ins out of flows that stay, and remove what they have noted."""
        if self._all or self._side_effects is not None:
            self._active, self._side_effects = [], None
            self._changed()
        self.forget()

    def forget(self) -> None:
        """Remove what stand-ins have noted, which may hold secrets, from namespaces that stay."""
        for mock in self._all:
            for namespace in self._namespaces(mock):
                self._notes.remove(namespace, mock.id)

    def _require_plugin(self) -> None:
        """Raise MockError where the server has no stand-ins; those that tests start have them."""
        if not self._can_mock:
            try:
                self._client.plugins.schema(TYPE)
            except NotFoundError:
                raise MockError(
                    f"The server at {self._client.address.url} cannot mock tasks: it lacks the plugin for that. Put "
                    "the jar that `pytest-kestra plugin` names into its folder of plugins and start it again, or let "
                    'the test skip: @pytest.mark.kestra_requires(capability="mocks").'
                ) from None
            self._can_mock = True

    def _of(self, source: FlowSource, task: Task) -> list[Mock]:
        """Return the mocks of a task, the latest first: it is the one that counts."""
        return [mock for mock in reversed(self._active) if mock.means(source, task)]

    def _targets(self, mock: Mock) -> list[tuple[FlowSource, Task]]:
        return [(source, task) for source in self._flows() for task in _tasks(source) if mock.means(source, task)]

    def _unknown(self, mock: Mock) -> MockError | UnknownNameError:
        flows = {source.id: source for source in self._flows()}
        if mock.flow is not None and mock.flow not in flows:
            return UnknownNameError("flow", mock.flow, flows, "this test")
        chosen = [source for source in flows.values() if mock.flow in (None, source.id)]
        tasks = [task for source in chosen for task in _tasks(source)]
        where = f"the flow{'s' if len(chosen) > 1 else ''} {', '.join(source.id for source in chosen)}"
        if mock.task_id is not None and mock.task_id not in (task.id for task in tasks):
            return UnknownNameError("task", mock.task_id, [task.id for task in tasks], f"{where}, so nothing is mocked")
        assert mock.type is not None
        known = hint(mock.type, {task.type: None for task in tasks})
        return MockError(f"No task of {where} is of the type {mock.type!r}, so nothing is mocked{known}")

    def _check_answer(self, mock: Mock, call: Call, answer: Answer) -> None:
        """Raise MockError where a function has answered outputs that the type of the called task does not have."""
        for source, task in self._targets(mock):
            if (source.id, task.id) == (call.flow_id, call.task_id):
                try:
                    self._check_outputs(mock, source, task, [answer])
                except MockError as error:
                    self._wrong_answers.append(error)
                    raise

    def _check_outputs(self, mock: Mock, source: FlowSource, task: Task, answers: Iterable[Answer]) -> None:
        given = {name: None for answer in answers for name in answer.outputs or ()} if mock.check else {}
        known = self._outputs_of(task.type) if given else None
        if known is None:
            return
        for name in given:
            if name not in known:
                raise MockError(
                    f"{source.name}:{task.line}: {task.id} is mocked with the output {name!r}, which {task.type} does "
                    f"not have{hint(name, known)} With check=False a mock may have others."
                )

    def _outputs_of(self, kind: str) -> list[str] | None:
        """Return the names of the outputs of a type; None where they are not known, or may be any."""
        if kind not in self._outputs:
            try:
                schema = self._client.plugins.outputs(kind)
            except NotFoundError:  # a plugin that this server has not
                schema = None
            any_name = schema is None or schema.get("additionalProperties")
            self._outputs[kind] = None if schema is None or any_name else list(schema.get("properties") or ())
        return self._outputs[kind]

    def _is_forbidden(self, task: Task) -> bool:
        return self._side_effects is not None and has_side_effects(task.type, self._side_effects)

    def _is_below_a_mock(self, source: FlowSource, task: Task) -> bool:
        return any(is_inside(task, other) and self._of(source, other) for other in _tasks(source))

    def _with_subflows(self, flow: FlowSource) -> list[FlowSource]:
        """Return a flow and those of the test that it runs, however deep; mocked calls lead nowhere."""
        flows = {source.key: source for source in self._flows()}
        found: dict[tuple[str, str], FlowSource] = {}
        waiting = [flow]
        while waiting:
            source = waiting.pop()
            if source.key in found:
                continue
            found[source.key] = source
            for task in _tasks(source):
                called = text_at(task.node, "namespace"), text_at(task.node, "flowId")
                if called in flows and not self._of(source, task):
                    waiting.append(flows[called])
        return list(found.values())

    def _why_unused(self, mock: Mock) -> str:
        if not self._flows():
            return "this test has deployed no flow."
        targets = self._targets(mock)
        if not targets:
            return str(self._unknown(mock))
        others = [other for other in self._all if other is not mock and any(other.means(*one) for one in targets)]
        called = [other for other in others if other.called]
        for later in called:
            if later.value == mock.value and self._all.index(later) > self._all.index(mock):
                return f"the one of {later.place}, which is later, has answered instead."
        if mock.value is not None:
            return "the task did not run in that iteration."
        if called:
            return "others have answered for the iterations in which the task ran."
        return "the task did not run."

    def calls(self, mock: Mock) -> list[Call]:
        """Return the calls of a mock so far, the earliest first."""
        found = [one for namespace in self._namespaces(mock) for one in self._notes.calls(namespace, mock.id)]
        return [call for _, call in sorted(found, key=lambda one: one[0])]

    def _asking(self) -> list[tuple[Mock, str]]:
        return [(mock, place) for mock in self._all if mock.asked is not None for place in self._namespaces(mock)]

    def _namespaces(self, mock: Mock) -> list[str]:
        """Return the namespaces of the flows in which a mock was put."""
        return list(self._places.get(mock.id, ()))


def _tasks(source: FlowSource) -> list[Task]:
    return Outline(source).tasks
