"""The endpoints that create executions, or tell whether one could be created."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from pytest_kestra.engine.api import parameters
from pytest_kestra.engine.api.calls import FORM, Call, json_response, route
from pytest_kestra.engine.api.executions import inputs, lookup
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import parsed_breakpoints

DATE = "java.time.ZonedDateTime"
KIND = "io.kestra.core.models.executions.ExecutionKind"


async def create(call: Call) -> Response:
    """Create an execution from a form of inputs; with `wait=true` answer when it has ended."""
    flow, execution = await call.run(_created, call)
    # A check of the flow may have failed it before it begins: it has no end to wait for.
    if not call.flag("wait") or execution.getState().isFailed():
        started = await call.run(call.kestra.start, execution)
        return await call.run(_with_url, call, started)
    with call.events.end(execution.getId(), flow, call.kestra.execution_service) as end:
        await call.run(call.kestra.start, execution)
        await end.get()
    return await call.run(lambda: _with_url(call, lookup.execution(call, execution.getId())))


async def create_older(call: Call) -> Response:
    """Create an execution the older way, which knows no date, no breakpoints and no kind."""
    known = [(name, value) for name, value in call.query.multi_items() if name in ("labels", "revision", "wait")]
    return await create(replace(call, query=QueryParams(known)))


def validate(call: Call) -> Response:
    """Answer each input of a flow with its value and what is wrong with it, and the checks that fail."""
    flow = _flow(call)
    execution = java("io.kestra.core.models.executions.Execution").newExecution(flow, _labels(call))
    declared = flow.getInputs()
    parts = inputs.parts(call, declared)
    checked = call.kestra.inputs.validateExecutionInputs(declared, flow, execution, parts).block()
    values = to_java({str(item.input().getId()): item.value() for item in checked})
    return inputs.answer(call, flow, checked, call.kestra.flow_service.getFailedChecks(flow, values))


def _flow(call: Call) -> Any:
    """Return the flow that is to be executed: like Kestra's server, also one that was deleted."""
    return call.kestra.flow_service.getFlowIfExecutableOrThrow(
        call.tenant, call.path["namespace"], call.path["id"], call.optional_number("revision")
    )


def _created(call: Call) -> tuple[Any, Any]:
    """Return the flow that is asked for, and a new execution of it with its inputs."""
    flow = _flow(call)
    execution = _new(call, flow)
    values = inputs.read(call, flow, execution)
    failed = call.kestra.flow_service.getFailedChecks(flow, values)
    behavior = str(java("io.kestra.core.models.flows.check.Check").resolveBehavior(failed))
    if behavior == "BLOCK_EXECUTION":
        reasons = ", ".join(str(check.getMessage()) for check in failed)
        message = "Flow execution blocked: one or more condition checks evaluated to false."
        raise Problem(422, f"Illegal argument: {message}\nFailed checks: {reasons}")
    execution = execution.withInputs(values)
    if behavior == "FAIL_EXECUTION":
        execution = execution.withState(java("io.kestra.core.models.flows.State$Type").FAILED)
    return flow, execution


def _new(call: Call, flow: Any) -> Any:
    kind = parameters.converted("kind", call.query.get("kind", ""), KIND)
    made = java("io.kestra.core.models.executions.Execution").newExecution(
        flow, None, _labels(call), _schedule_date(call), kind
    )
    return made.withBreakpoints(parsed_breakpoints(call.query.get("breakpoints")))


def _schedule_date(call: Call) -> Any:
    text = call.query.get("scheduleDate", "")
    return java("java.util.Optional").ofNullable(parameters.converted("scheduleDate", text, DATE))


def _labels(call: Call) -> Any:
    label = java("io.kestra.core.models.Label")
    given = parameters.pairs(call.query.getlist("labels"))
    free = (str(label.CORRELATION_ID), str(label.FROM))
    for key, value in given.items():
        if key.startswith(str(label.SYSTEM_PREFIX)) and key not in free:
            message = "System labels can only be set by Kestra itself, offending label"
            raise Problem(422, f"Illegal argument: {message}: {key}={value}")
    given.setdefault(str(label.FROM), "api")
    return to_java([label(key, value) for key, value in given.items()])


def _with_url(call: Call, execution: Any) -> Response:
    tree = call.kestra.json.valueToTree(execution)
    place = f"{execution.getNamespace()}/{execution.getFlowId()}/{execution.getId()}"
    tree.put("url", f"{call.url}/ui/{call.tenant}/executions/{place}")
    return json_response(call.kestra, tree)


ROUTES = [
    route("executions/trigger/{namespace}/{id}", create_older, "POST", consumes=FORM),
    route("executions/{namespace}/{id}", create, "POST", consumes=FORM),
    route("executions/{namespace}/{id}/validate", validate, "POST", consumes=FORM),
]
