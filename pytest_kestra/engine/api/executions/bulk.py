"""The endpoints that do to many executions what others do to one: to those a body names, or a query finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.executions import lifecycle, lookup
from pytest_kestra.engine.api.problems import missing
from pytest_kestra.engine.jvm import java, to_java

LABEL = "io.kestra.core.models.Label"
STATE = "io.kestra.core.models.flows.State$Type"
NOT_FOUND = "execution not found"


@dataclass(frozen=True)
class Work:
    """Say what is to be done to each execution of a state that is fit for it, and why another is not."""

    name: str
    fits: Callable[[Any], bool]
    reason: str
    do: Callable[[Call, Any], Any]

    def of(self, call: Call, ids: Iterable[Any]) -> Response:
        """Do it to all executions, or to none where one is not there or not fit; answer how many there were."""
        lookup.await_flows()
        executions, wrong = [], []
        for execution_id in ids:
            found = call.kestra.executions.findById(call.tenant, execution_id).orElse(None)
            if found is not None and self.fits(found.getState()):
                executions.append(found)
            else:
                wrong.append(_violation(execution_id, NOT_FOUND if found is None else self.reason))
        if wrong:
            body = {"message": f"invalid bulk {self.name}", "invalids": wrong}
            return json_response(call.kestra, to_java(body), 400)
        for execution in executions:
            self.do(call, execution)
        return json_response(call.kestra, to_java({"count": len(executions)}))


def _violation(execution_id: Any, reason: str) -> Any:
    kind = java("io.kestra.core.models.validations.ManualConstraintViolation")
    text = java("java.lang.String").class_
    return kind.of(reason, execution_id, text, "execution", execution_id)


KILL = Work(
    "kill",
    lambda state: not state.isTerminated(),
    "execution already finished",
    lambda call, execution: lifecycle.killed(call, execution, cascade=False),
)
RESTART = Work(
    "restart",
    lambda state: state.canBeRestarted(),
    "execution not in state PAUSED or terminated",
    lifecycle.restarted,
)
PAUSE = Work("pause", lambda state: state.isRunning(), "execution not in state RUNNING", lifecycle.paused)
RESUME = Work("resume", lambda state: state.isPaused(), "execution not in state PAUSED", lifecycle.resumed)
FORCE_RUN = Work(
    "force run", lambda state: not state.isTerminated(), "execution in a terminated state", lifecycle.forced
)


def _delete(call: Call) -> Work:
    parts = [call.flag(name, default=True) for name in ("deleteLogs", "deleteMetrics", "deleteStorage")]
    return Work(
        "delete",
        lambda state: call.flag("includeNonTerminated") or state.isTerminated(),
        NOT_FOUND,
        lambda call, execution: call.kestra.execution_service.delete(execution, *parts),
    )


def _replay(call: Call) -> Work:
    latest = call.flag("latestRevision")
    return Work(
        "replay",
        lambda state: state is not None,
        NOT_FOUND,
        lambda call, execution: lifecycle.replayed(call, execution, _latest(call, execution) if latest else None),
    )


def _latest(call: Call, execution: Any) -> Any:
    place = (execution.getTenantId(), execution.getNamespace(), execution.getFlowId())
    return call.kestra.flows.findById(*place, java("java.util.Optional").empty()).orElseThrow().getRevision()


def _change_status(call: Call) -> Work:
    wished = lifecycle.final_state(call, "newStatus")
    return Work(
        "change executions state",
        lambda state: state.isTerminated(),
        "execution not in a terminated state",
        lambda call, execution: lifecycle.with_status(call, execution, wished),
    )


def _unqueue(call: Call) -> Work:
    # Where a query chooses the executions, `state` belongs to it.
    wished = lifecycle.state(call, "newState" if call.uri.partition("?")[0].endswith("by-query") else "state")
    return Work(
        "unqueue",
        lambda state: state.getCurrent() == java(STATE).QUEUED,
        "execution not in state QUEUED",
        lambda call, execution: lifecycle.unqueued(call, execution, wished),
    )


def _label(labels: list[Any]) -> Work:
    def add(call: Call, execution: Any) -> Any:
        together = to_java([*(execution.getLabels() or ()), *labels])
        return lifecycle.labelled(call, execution, java(LABEL).deduplicate(together))

    return Work("set labels", lambda state: state.isTerminated(), "execution is not terminated", add)


def label_named(call: Call) -> Response:
    """Add labels to executions; a body names both."""
    if call.read("java.util.Map").get("executionsId") is None:
        raise missing("executionsId", "Body")
    return _label(lifecycle.checked(call, call.read_part("executionLabels", LABEL), "executionLabels")).of(
        call, call.texts("executionsId")
    )


def label_matching(call: Call) -> Response:
    """Add the labels of a body to the executions that a query finds."""
    return _label(lifecycle.checked(call, call.read_list(LABEL), "setLabels")).of(call, _found(call))


def _found(call: Call) -> list[str]:
    """Return the ids of all executions that the query finds."""
    unpaged = java("io.micronaut.data.model.Pageable").UNPAGED
    return [str(item.getId()) for item in call.kestra.executions.find(unpaged, call.tenant, queries.filters(call))]


def _routes(path: str, method: str, work: Work | Callable[[Call], Work]) -> list[Route]:
    """Return both routes of a work, which may depend on the request."""

    def of(call: Call) -> Work:
        return work if isinstance(work, Work) else work(call)

    def named(call: Call) -> Response:
        return of(call).of(call, call.read_list())

    def matching(call: Call) -> Response:
        return of(call).of(call, _found(call))

    return [
        route(f"executions{path}/by-ids", named, method, consumes=JSON, body_name="executionsId"),
        route(f"executions{path}/by-query", matching, method),
    ]


ROUTES = [
    *_routes("", "DELETE", _delete),
    *_routes("/kill", "DELETE", KILL),
    *_routes("/restart", "POST", RESTART),
    *_routes("/replay", "POST", _replay),
    *_routes("/pause", "POST", PAUSE),
    *_routes("/resume", "POST", RESUME),
    *_routes("/force-run", "POST", FORCE_RUN),
    *_routes("/change-status", "POST", _change_status),
    *_routes("/unqueue", "POST", _unqueue),
    route("executions/labels/by-ids", label_named, "POST", consumes=JSON, body_name="setLabelsByIds"),
    route("executions/labels/by-query", label_matching, "POST", consumes=JSON, body_name="setLabels"),
]
