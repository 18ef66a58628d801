"""The endpoints that create executions, and the one that tells whether it could."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import changes, conversions, inputs, queries
from pytest_kestra.engine.api.calls import FORM, Call, json_response, route
from pytest_kestra.engine.jvm import java, to_java

EXECUTION = "io.kestra.core.models.executions.Execution"
KIND = "io.kestra.core.models.executions.ExecutionKind"


async def create(call: Call) -> Response:
    """Create an execution from a form of inputs; with `wait=true` answer when it has ended."""
    flow, execution = await call.run(_execution, call)
    # One that a check has failed has ended already.
    if not call.flag("wait") or execution.getState().isFailed():
        await call.run(changes.emit, call, execution)
        return await call.run(_with_url, call, execution)
    with call.events.end(execution.getId(), flow, call.kestra.execution_service) as end:
        await call.run(changes.emit, call, execution)
        await end.get()
    return await call.run(lambda: _with_url(call, changes.find(call, execution.getId())))


def validate(call: Call) -> Response:
    """Answer what is wrong with the inputs of an execution that is not created."""
    flow = executable(call, call.path["namespace"], call.path["id"])
    execution = java(EXECUTION).newExecution(flow, _labels(call))
    service = call.kestra.inputs
    values = service.validateExecutionInputs(flow.getInputs(), flow, execution, inputs.parts(call)).block()
    given = to_java({str(item.input().getId()): item.value() for item in values})
    return inputs.checked(call, flow, values, checks=call.kestra.flow_service.getFailedChecks(flow, given))


def executable(call: Call, namespace: str, flow_id: str) -> Any:
    """Return a flow of the revision that is asked for, or the latest; a Problem where it cannot be executed."""
    revision = call.optional_number("revision")
    return call.kestra.flow_service.getFlowIfExecutableOrThrow(call.tenant, namespace, flow_id, revision)


def _execution(call: Call) -> tuple[Any, Any]:
    """Return the flow that is asked for, and a new execution of it with its inputs."""
    flow = executable(call, call.path["namespace"], call.path["id"])
    execution = _new(call, flow)
    values = inputs.read(call, flow, execution)
    return flow, _after_checks(call, flow, execution.withInputs(values), values)


def _new(call: Call, flow: Any) -> Any:
    labels = _labels(call)
    date = java("java.util.Optional").ofNullable(conversions.value(call, "scheduleDate", conversions.DATE))
    kind = conversions.value(call, "kind", KIND)
    new = java(EXECUTION).newExecution(flow, None, labels, date, kind)
    return new.withBreakpoints(changes.breakpoints(call))


def _after_checks(call: Call, flow: Any, execution: Any, values: Any) -> Any:
    """Return the execution as the checks of its flow leave it: they may refuse it, or let it fail."""
    check = java("io.kestra.core.models.flows.check.Check")
    behaviors = java("io.kestra.core.models.flows.check.Check$Behavior")
    failed = call.kestra.flow_service.getFailedChecks(flow, values)
    behavior = check.resolveBehavior(failed)
    if behavior == behaviors.BLOCK_EXECUTION:
        messages = ", ".join(str(item.getMessage()) for item in failed)
        message = "Flow execution blocked: one or more condition checks evaluated to false."
        raise java("java.lang.IllegalArgumentException")(f"{message}\nFailed checks: {messages}")
    if behavior == behaviors.FAIL_EXECUTION:
        return execution.withState(java(conversions.STATE).FAILED)
    return execution


def _labels(call: Call) -> Any:
    """Return the labels that are asked for, and where the execution comes from."""
    label = java("io.kestra.core.models.Label")
    given = queries.pairs(call.query.getlist("labels"))
    changes.refuse_system_labels({key: given[key] for key in given if key not in (label.CORRELATION_ID, label.FROM)})
    return to_java([label(key, value) for key, value in ({label.FROM: "api"} | given).items()])


def _with_url(call: Call, execution: Any) -> Response:
    tree = call.kestra.json.valueToTree(execution)
    place = f"{execution.getNamespace()}/{execution.getFlowId()}/{execution.getId()}"
    tree.put("url", f"{call.url}/ui/{call.tenant}/executions/{place}")
    return json_response(call.kestra, tree)


ROUTES = [
    route("executions/trigger/{namespace}/{id}", create, "POST", consumes=FORM),
    route("executions/{namespace}/{id}", create, "POST", consumes=FORM),
    route("executions/{namespace}/{id}/validate", validate, "POST", consumes=FORM),
]
