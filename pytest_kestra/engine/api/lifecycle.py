"""The endpoints that change what an execution does: pause, resume, restart, replay, and their like."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import changes, conversions, creation, inputs, labels
from pytest_kestra.engine.api.calls import FORM, JSON, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java, to_java

ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException"
ILLEGAL_STATE = "java.lang.IllegalStateException"


def pause(call: Call) -> Response:
    """Let an execution start no more tasks until it is resumed."""
    changes.pause(call, changes.find(call))
    return Response(status_code=200)


def resume(call: Call) -> Response:
    """Let a paused execution go on, with the inputs that its pause asks for."""
    execution, flow = _paused(call)
    resumed = java("io.kestra.plugin.core.flow.Pause$Resumed").now()
    running = java(conversions.STATE).RUNNING
    service = call.kestra.execution_service
    changes.emit(call, service.resume(execution, flow, running, inputs.parts(call), resumed).block())
    return Response(status_code=204)


def validate_resume(call: Call) -> Response:
    """Answer what is wrong with the inputs of a paused execution that is not resumed."""
    execution, flow = _paused(call)
    values = call.kestra.execution_service.validateForResume(execution, flow, inputs.parts(call)).block()
    return inputs.checked(call, flow, values, checks=())


def resume_from_breakpoint(call: Call) -> Response:
    """Let an execution go on that has stopped at a breakpoint, to the next ones that are asked for."""
    states = java(conversions.STATE)
    execution = call.kestra.execution_service.getExecution(call.tenant, call.path["id"], True)
    if not execution.getState().isBreakpoint():
        raise java(ILLEGAL_STATE)("Execution is not suspended")
    if not execution.getBreakpoints():
        raise java(ILLEGAL_STATE)("Execution has no breakpoint")
    runs = [
        run.withState(states.CREATED) if run.getState().isBreakpoint() else run for run in execution.getTaskRunList()
    ]
    running = execution.withState(states.RUNNING).withTaskRunList(to_java(runs))
    changes.emit(call, running.withBreakpoints(changes.breakpoints(call)))
    return Response(status_code=200)


def restart(call: Call) -> Response:
    """Run the tasks of an execution again that have failed."""
    execution = changes.find(call)
    return json_response(call.kestra, changes.restart(call, execution, _revision(call, execution)))


def replay(call: Call) -> Response:
    """Run an execution again as a new one, from its start or from a task run."""
    execution = changes.find(call)
    return _replay(call, execution, _revision(call, execution))


def replay_with_inputs(call: Call) -> Response:
    """Run an execution again as a new one with other inputs."""
    execution = changes.find(call)
    revision = _revision(call, execution)
    flow = creation.executable(call, execution.getNamespace(), execution.getFlowId())
    values = inputs.read(call, flow, execution)
    return _replay(call, execution.withInputs(values), revision)


def change_task_run(call: Call) -> Response:
    """Give a task run of an execution that has ended another state, and let the execution go on from there."""
    execution = changes.find(call)
    body = call.read("java.util.Map")
    flow = call.kestra.flows.findByExecution(execution)
    service = call.kestra.execution_service
    changed = service.changeTaskRunState(execution, flow, body.get("taskRunId"), _state(call, body.get("state")))
    label = java(changes.LABEL)
    restarted = label(label.RESTARTED, "true")
    found = list(changed.getLabels() or ())
    if restarted not in found:
        found.append(restarted)
    return json_response(call.kestra, changes.emit(call, changed.withLabels(to_java(found))))


def change_status(call: Call) -> Response:
    """Give an execution that has ended another final state."""
    status = final_state(call, "status")
    execution = changes.find(call)
    if not execution.getState().isTerminated():
        raise java(ILLEGAL_ARGUMENT)("You can only change the state of a terminated execution.")
    return json_response(call.kestra, changes.change_status(call, execution, status))


def final_state(call: Call, name: str) -> Any:
    """Return a query parameter that must be a final state."""
    state = conversions.required(call, name, conversions.STATE)
    if not state.isTerminated():
        raise java(ILLEGAL_ARGUMENT)("You can only change the state of an execution to a terminal state.")
    return state


def set_labels(call: Call) -> Response:
    """Give an execution that has ended other labels."""
    wished = labels.read(call, "setLabelsOnTerminatedExecution.labels")
    execution = changes.find(call)
    if not execution.getState().isTerminated():
        # As Kestra answers: the text alone.
        return Response("The execution is not terminated", 400, media_type=JSON)
    return json_response(call.kestra, changes.set_labels(call, execution, wished))


def unqueue(call: Call) -> Response:
    """Take an execution out of the queue of its flow's limit."""
    execution = changes.find(call)
    state = conversions.value(call, "state", conversions.STATE)
    return json_response(call.kestra, changes.unqueue(call, execution, state))


def force_run(call: Call) -> Response:
    """Let an execution run that is created, queued or paused."""
    return json_response(call.kestra, changes.force_run(call, changes.find(call)))


def kill(call: Call) -> Response:
    """Ask for the end of an execution and of the subflows it runs; one that has ended stays as it is."""
    execution, cascade = changes.find(call), call.flag("isOnKillCascade", default=True)
    if execution.getState().isTerminated() and not cascade:
        raise java(ILLEGAL_STATE)("Execution is already finished, can't kill it")
    changes.kill(call, execution, cascade=cascade)
    return Response(status_code=202)


def _paused(call: Call) -> tuple[Any, Any]:
    """Return an execution, which must be paused, and its flow."""
    execution = call.kestra.execution_service.getExecutionIfPause(call.tenant, call.path["id"], True)
    return execution, call.kestra.flows.findByExecutionWithoutAcl(execution)


def _replay(call: Call, execution: Any, revision: Any) -> Response:
    flow = call.kestra.flows.findByExecutionWithoutAcl(execution)
    if revision is not None:
        flow = creation.executable(call, execution.getNamespace(), execution.getFlowId())
    new = changes.replay(
        call,
        execution,
        flow,
        revision=revision,
        task_run=call.query.get("taskRunId"),
        stops=changes.breakpoints(call),
    )
    return json_response(call.kestra, new)


def _revision(call: Call, execution: Any) -> Any:
    """Return the revision that is asked for, or None; a Problem where the flow of the execution has no such one."""
    revision = call.optional_number("revision")
    if revision.isEmpty():
        return None
    key = (call.tenant, execution.getNamespace(), execution.getFlowId())
    if call.kestra.flows.findById(*key, revision).isEmpty():
        place = f"{execution.getNamespace()}.{execution.getFlowId()}"
        raise Problem(404, f"Not Found: Unable to find revision {revision.get()} on flow {place}")
    return revision.get()


def _state(call: Call, name: Any) -> Any:
    """Return the state that a body names."""
    try:
        state = call.kestra.json.convertValue(name, java(conversions.STATE).class_)
    except java(ILLEGAL_ARGUMENT) as error:
        raise Problem(422, "Invalid json mapping", [(str(error.getMessage()), "state")]) from error
    if state is None:
        raise Problem(422, "Invalid json mapping", [("must not be null", "state")])
    return state


ROUTES = [
    route("executions/{id}/pause", pause, "POST"),
    route("executions/{id}/resume", resume, "POST", consumes=FORM),
    route("executions/{id}/resume/validate", validate_resume, "POST", consumes=FORM),
    route("executions/{id}/resume-from-breakpoint", resume_from_breakpoint, "POST"),
    route("executions/{id}/restart", restart, "POST"),
    route("executions/{id}/replay", replay, "POST"),
    route("executions/{id}/replay-with-inputs", replay_with_inputs, "POST", consumes=FORM),
    route("executions/{id}/state", change_task_run, "POST", consumes=JSON, body_name="stateRequest"),
    route("executions/{id}/change-status", change_status, "POST"),
    route("executions/{id}/labels", set_labels, "POST", consumes=JSON, body_name="labels"),
    route("executions/{id}/unqueue", unqueue, "POST"),
    route("executions/{id}/force-run", force_run, "POST"),
    route("executions/{id}/kill", kill, "DELETE"),
]
