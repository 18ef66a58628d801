"""The endpoints that act on many executions at once, those that are named or those that a query finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api import changes, conversions, executions, labels, lifecycle, queries
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import missing
from pytest_kestra.engine.jvm import java, to_java

Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Action:
    """Say what is done with executions, which states it takes, and why it refuses the others.

    `prepare` reads what a call asks for beside the executions, and returns what changes one of them.
    """

    name: str
    takes: Callable[[Call, Any], bool]
    refusal: str
    prepare: Callable[[Call], Change]

    def named(self, call: Call) -> Response:
        """Act on the executions whose ids the body lists."""
        change = self.prepare(call)
        return self.apply(call, call.read_list(), change)

    def matching(self, call: Call) -> Response:
        """Act on the executions that the query finds."""
        change = self.prepare(call)
        unpaged = java("io.micronaut.data.model.Pageable").UNPAGED
        found = call.kestra.executions.find(unpaged, call.tenant, queries.filters(call, old=executions.SEARCHED))
        return self.apply(call, [execution.getId() for execution in found], change)

    def apply(self, call: Call, ids: Iterable[Any], change: Change) -> Response:
        """Act on all executions, or on none where one of them is refused."""
        taken, invalid = [], []
        for execution_id in ids:
            execution = call.kestra.executions.findById(call.tenant, execution_id).orElse(None)
            if execution is None:
                invalid.append(_violation("execution not found", execution_id))
            elif not self.takes(call, execution.getState()):
                invalid.append(_violation(self.refusal, execution_id))
            else:
                taken.append(execution)
        if invalid:
            answer = {"message": f"invalid bulk {self.name}", "invalids": invalid}
            return json_response(call.kestra, to_java(answer), 400)
        for execution in taken:
            change(execution)
        return json_response(call.kestra, to_java({"count": len(taken)}))


def _violation(reason: str, execution_id: Any) -> Any:
    violation = java("io.kestra.core.models.validations.ManualConstraintViolation")
    return violation.of(reason, execution_id, java("java.lang.String").class_, "execution", execution_id)


def _plain(change: Callable[[Call, Any], Any]) -> Callable[[Call], Change]:
    """Return what prepares a change that needs nothing but the execution."""
    return lambda call: lambda execution: change(call, execution)


def _delete(call: Call) -> Change:
    parts = executions.parts(call)
    return lambda execution: call.kestra.execution_service.delete(execution, *parts)


def _change_status(call: Call) -> Change:
    status = lifecycle.final_state(call, "newStatus")
    return lambda execution: changes.change_status(call, execution, status)


def _unqueue(name: str) -> Callable[[Call], Change]:
    def prepare(call: Call) -> Change:
        state = conversions.value(call, name, conversions.STATE)
        return lambda execution: changes.unqueue(call, execution, state)

    return prepare


def _replay(call: Call) -> Change:
    latest, flows = call.flag("latestRevision"), call.kestra.flows

    def change(execution: Any) -> None:
        if not latest:
            changes.replay(call, execution, flows.findByExecutionWithoutAcl(execution))
            return
        key = (call.tenant, execution.getNamespace(), execution.getFlowId())
        flow = flows.findById(*key, java("java.util.Optional").empty()).orElseThrow()
        changes.replay(call, execution, flow, revision=flow.getRevision())

    return change


def _set_labels(call: Call) -> Change:
    return _labelling(call, labels.read(call, "setLabelsOnTerminatedExecutionsByQuery.setLabels"))


def _labelling(call: Call, added: dict[str, str]) -> Change:
    def change(execution: Any) -> None:
        known = labels.pairs(execution.getLabels() or ())
        changes.set_labels(call, execution, {**known, **added})

    return change


def label_named(call: Call) -> Response:
    """Add labels to the executions that the body names."""
    body = call.read("java.util.Map")
    if body.get("executionsId") is None:
        raise missing("executionsId", "Body")
    added = labels.pairs(labels.convert(call, body.get("executionLabels")))
    return SET_LABELS.apply(call, call.texts("executionsId"), _labelling(call, added))


DELETE = Action(
    "delete",
    lambda call, state: state.isTerminated() or call.flag("includeNonTerminated"),
    "execution not found",
    _delete,
)
KILL = Action(
    "kill",
    lambda _, state: not state.isTerminated(),
    "execution already finished",
    lambda call: lambda execution: changes.kill(call, execution, cascade=False),
)
PAUSE = Action("pause", lambda _, state: state.isRunning(), "execution not in state RUNNING", _plain(changes.pause))
RESUME = Action("resume", lambda _, state: state.isPaused(), "execution not in state PAUSED", _plain(changes.resume))
RESTART = Action(
    "restart",
    lambda _, state: state.canBeRestarted(),
    "execution not in state PAUSED or terminated",
    _plain(changes.restart),
)
REPLAY = Action("replay", lambda *_: True, "", _replay)
CHANGE_STATUS = Action(
    "change executions state",
    lambda _, state: state.isTerminated(),
    "execution not in a terminated state",
    _change_status,
)
SET_LABELS = Action("set labels", lambda _, state: state.isTerminated(), "execution is not terminated", _set_labels)
# The target's name differs where `state` is what is searched for.
UNQUEUE = Action("unqueue", lambda _, state: state.isQueued(), "execution not in state QUEUED", _unqueue("state"))
UNQUEUE_MATCHING = replace(UNQUEUE, prepare=_unqueue("newState"))
FORCE_RUN = Action(
    "force run",
    lambda _, state: not state.isTerminated(),
    "execution in a terminated state",
    _plain(changes.force_run),
)


def _routes(path: str, action: Action, method: str = "POST", *, matching: Action | None = None) -> list[Route]:
    return [
        route(f"executions/{path}by-ids", action.named, method, consumes=JSON, body_name="executionsId"),
        route(f"executions/{path}by-query", (matching or action).matching, method),
    ]


ROUTES = [
    *_routes("", DELETE, "DELETE"),
    *_routes("kill/", KILL, "DELETE"),
    *_routes("pause/", PAUSE),
    *_routes("resume/", RESUME),
    *_routes("restart/", RESTART),
    *_routes("replay/", REPLAY),
    *_routes("change-status/", CHANGE_STATUS),
    *_routes("unqueue/", UNQUEUE, matching=UNQUEUE_MATCHING),
    *_routes("force-run/", FORCE_RUN),
    route("executions/labels/by-ids", label_named, "POST", consumes=JSON, body_name="setLabelsByIds"),
    route("executions/labels/by-query", SET_LABELS.matching, "POST", consumes=JSON, body_name="setLabels"),
]
