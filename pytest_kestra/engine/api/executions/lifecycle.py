"""The endpoints that change what an execution does: pause, resume, restart, replay, and their like.

Each has a function for one execution, which those for many executions call too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import parameters
from pytest_kestra.engine.api.calls import FORM, JSON, Call, json_response, route
from pytest_kestra.engine.api.executions import inputs, lookup
from pytest_kestra.engine.api.problems import Problem, missing, not_found
from pytest_kestra.engine.jvm import java, to_java

STATE = "io.kestra.core.models.flows.State$Type"
Action = Callable[[Call, Any], Any]


def paused(call: Call, execution: Any) -> Any:
    """Pause a running execution and return it."""
    return call.kestra.pause(execution)


def resumed(call: Call, execution: Any) -> Any:
    """Let a paused execution go on, without any inputs, and return it."""
    return call.kestra.resume(execution, lookup.flow_of(call, execution), None, lambda _: None)


def restarted(call: Call, execution: Any) -> Any:
    """Run the failed tasks of an execution again and return it; another revision makes a new execution."""
    return call.kestra.restart(execution, _revision(call, execution))


def replayed(call: Call, execution: Any, revision: Any = None) -> Any:
    """Return a new execution made of an old one, from the task run on that is asked for."""
    return _replayed(call, execution, _revision(call, execution) if revision is None else revision)


def forced(call: Call, execution: Any) -> Any:
    """Let an execution that waits run, whatever it waits for, and return it."""
    return call.kestra.force_run(execution)


def unqueued(call: Call, execution: Any, state: Any) -> Any:
    """Let a queued execution come to a state, which is RUNNING where none is asked for, and return it."""
    return call.kestra.unqueue(execution, state)


def with_status(call: Call, execution: Any, state: Any) -> Any:
    """Give an execution that has ended another final state and return it."""
    if not execution.getState().isTerminated():
        raise Problem(422, "Illegal argument: You can only change the state of a terminated execution.")
    return call.kestra.change_status(execution, state)


def checked(call: Call, labels: Iterable[Any], place: str) -> list[Any]:
    """Return labels as a list; a Problem that names their place where one is no label."""
    found = list(labels)
    validator = call.kestra.bean("io.micronaut.validation.validator.Validator")
    wrong = []
    for index, label in enumerate(found):
        if label is None:
            wrong.append(("must not be null", f"{place}[{index}]"))
            continue
        violations = validator.validate(label)
        wrong += [(str(item.getMessage()), f"{place}[{index}].{item.getPropertyPath()}") for item in violations]
    if wrong:
        raise Problem(422, "Invalid entity: " + ", ".join(f"{path}: {reason}" for reason, path in wrong), wrong)
    return found


def labelled(call: Call, execution: Any, labels: Any) -> Any:
    """Replace the labels of an execution that has ended, but not those of the system, and return it."""
    label_type = java("io.kestra.core.models.Label")
    system = [label for label in execution.getLabels() or () if label.key().startswith(label_type.SYSTEM_PREFIX)]
    for label in labels:
        if label.key().startswith(label_type.SYSTEM_PREFIX) and label not in system:
            offending = f"{label.key()}={label.value()}"
            raise Problem(
                422,
                f"Illegal argument: System labels can only be set by Kestra itself, offending label: {offending}",
            )
    chosen = {str(label.key()): label for label in [*labels, *system] if label.key() or label.value()}
    return call.kestra.set_labels(execution, to_java(list(chosen.values())))


def killed(call: Call, execution: Any, *, cascade: bool) -> Any:
    """Ask for the end of an execution, and with `cascade` of the subflows it runs."""
    return call.kestra.kill(execution, cascade=cascade)


def pause(call: Call) -> Response:
    """Pause a running execution."""
    return _answer(call, paused(call, lookup.to_change(call)), 200)


def resume(call: Call) -> Response:
    """Let a paused execution go on, with the inputs of a form."""
    execution = _paused(call)
    flow = lookup.flow_of(call, execution)
    parts = inputs.parts(call, _asked(execution, flow))
    resumed = call.kestra.resume(execution, flow, parts, lambda value: inputs.refuse_halves(call, value))
    return _answer(call, resumed, 204)


def resume_validate(call: Call) -> Response:
    """Answer what Kestra says of the inputs with which a paused execution is to go on."""
    execution = _paused(call)
    flow = lookup.flow_of(call, execution)
    checked = call.kestra.execution_service.validateForResume(
        execution, flow, inputs.parts(call, _asked(execution, flow))
    )
    return inputs.answer(call, flow, checked.block())


def resume_from_breakpoint(call: Call) -> Response:
    """Let an execution go on that has stopped at a breakpoint, to the next ones that are asked for."""
    lookup.await_flows()
    execution = call.kestra.execution_service.getExecution(call.tenant, call.path["id"], True)
    if not execution.getState().isBreakpoint():
        raise Problem(409, "Illegal state: Execution is not suspended")
    if not execution.getBreakpoints():
        raise Problem(409, "Illegal state: Execution has no breakpoint")
    return _answer(call, call.kestra.resume_from_breakpoint(execution, call.query.get("breakpoints")), 200)


def restart(call: Call) -> Response:
    """Run the failed tasks of an execution again."""
    return json_response(call.kestra, restarted(call, lookup.to_change(call)))


def replay(call: Call) -> Response:
    """Make a new execution of an old one."""
    return json_response(call.kestra, replayed(call, lookup.to_change(call)))


def replay_with_inputs(call: Call) -> Response:
    """Make a new execution of an old one, with the form's inputs."""
    execution = lookup.to_change(call)
    revision = _revision(call, execution)
    flow = _executable(call, execution, revision)
    # As Kestra does, the old execution is stored with these inputs too.
    return json_response(
        call.kestra, _replayed(call, execution.withInputs(inputs.read(call, flow, execution)), revision)
    )


def force_run(call: Call) -> Response:
    """Let an execution that waits run."""
    return json_response(call.kestra, forced(call, lookup.to_change(call)))


def unqueue(call: Call) -> Response:
    """Let a queued execution come to a state."""
    return json_response(call.kestra, unqueued(call, lookup.to_change(call), state(call, "state")))


def change_status(call: Call) -> Response:
    """Give an execution that has ended another final state."""
    status = final_state(call, "status")
    return json_response(call.kestra, with_status(call, lookup.to_change(call), status))


def change_task_run(call: Call) -> Response:
    """Give a task run another state, and let the execution go on from there."""
    body = call.read("java.util.Map")
    wished = _told_state(call, body.get("state"))
    changed = call.kestra.change_task_run(lookup.to_change(call), body.get("taskRunId"), wished)
    return json_response(call.kestra, changed)


def label(call: Call) -> Response:
    """Replace the labels of an execution that has ended."""
    labels = checked(call, call.read_list("io.kestra.core.models.Label"), "setLabelsOnTerminatedExecution.labels")
    execution = lookup.execution(call)
    if not execution.getState().isTerminated():
        # As Kestra answers: the text alone.
        return Response("The execution is not terminated", 400, media_type=JSON)
    return json_response(call.kestra, labelled(call, execution, labels))


def kill(call: Call) -> Response:
    """Ask for the end of an execution; one that has ended stays as it is."""
    execution = lookup.execution(call)
    cascade = call.flag("isOnKillCascade", default=True)
    if execution.getState().isTerminated() and not cascade:
        raise Problem(409, "Illegal state: Execution is already finished, can't kill it")
    answer = _answer(call, killed(call, execution, cascade=cascade), 202)
    if answer.body:  # of 2.0, whose controller calls it so
        answer.headers["content-type"] = "text/json"
    return answer


def flow(call: Call) -> Response:
    """Answer what may be known of an execution's flow by who may only execute it."""
    kind = java("io.kestra.core.models.flows.FlowForExecution")
    found = call.kestra.executions.findById(call.tenant, call.path["id"])
    if found.isEmpty():
        raise not_found(f"Not Found: Execution {call.path['id']} not found when fetching flow")
    return json_response(call.kestra, kind.of(lookup.flow_of(call, found.get())))


def state(call: Call, name: str) -> Any:
    """Return the state that a query parameter names; null where it is not given."""
    return parameters.converted(name, call.query.get(name, ""), STATE)


def final_state(call: Call, name: str) -> Any:
    """Return the final state that a query parameter must name."""
    found = state(call, name)
    if found is None:
        raise missing(name)
    if not found.isTerminated():
        raise Problem(422, "Illegal argument: You can only change the state of an execution to a terminal state.")
    return found


def _told_state(call: Call, name: Any) -> Any:
    """Return the state that a body names; a Problem that shows its place where it names none."""
    try:
        found = call.kestra.json.convertValue(name, java(STATE).class_)
    except java("java.lang.IllegalArgumentException") as error:
        raise Problem(422, "Invalid json mapping", [(str(error.getMessage()), "state")]) from error
    if found is None:
        raise Problem(422, "Invalid json mapping", [("must not be null", "state")])
    return found


def _answer(call: Call, execution: Any, status: int) -> Response:
    """Answer what an action has made of an execution: Kestra 1.3 tells a status only."""
    if call.kestra.answers_with_execution:
        return json_response(call.kestra, execution)
    return Response(status_code=status)


def _paused(call: Call) -> Any:
    lookup.await_flows()
    return call.kestra.execution_service.getExecutionIfPause(call.tenant, call.path["id"], True)


def _asked(execution: Any, flow: Any) -> Any:
    """Return the inputs that the task asks for which an execution is paused at; null where it asks for none."""
    paused = execution.findFirstByState(java(STATE).PAUSED)
    task = None if paused.isEmpty() else flow.findTaskByTaskId(paused.get().getTaskId())
    return task.getOnResume() if isinstance(task, java("io.kestra.plugin.core.flow.Pause")) else None


def _revision(call: Call, execution: Any) -> Any:
    """Return the revision of the flow that is asked for, null where none is; a 404 where there is no such revision."""
    wished = call.optional_number("revision")
    place = (execution.getTenantId(), execution.getNamespace(), execution.getFlowId())
    if wished.isPresent() and call.kestra.flows.findById(*place, wished).isEmpty():
        flow_name = f"{execution.getNamespace()}.{execution.getFlowId()}"
        raise not_found(f"Not Found: Unable to find revision {wished.get()} on flow {flow_name}")
    return wished.orElse(None)


def _executable(call: Call, execution: Any, revision: Any) -> Any:
    wished = java("java.util.Optional").ofNullable(revision)
    place = (call.tenant, execution.getNamespace(), execution.getFlowId())
    return call.kestra.flow_service.getFlowIfExecutableOrThrow(*place, wished)


def _replayed(call: Call, old: Any, revision: Any) -> Any:
    flow = lookup.flow_of(call, old) if revision is None else _executable(call, old, revision)
    return call.kestra.replay(
        old,
        flow,
        task_run_id=call.query.get("taskRunId"),
        revision=revision,
        breakpoints=call.query.get("breakpoints"),
    )


ROUTES = [
    route("executions/{id}/pause", pause, "POST"),
    route("executions/{id}/resume", resume, "POST", consumes=FORM),
    route("executions/{id}/resume/validate", resume_validate, "POST", consumes=FORM),
    route("executions/{id}/resume-from-breakpoint", resume_from_breakpoint, "POST"),
    route("executions/{id}/restart", restart, "POST"),
    route("executions/{id}/replay", replay, "POST"),
    route("executions/{id}/replay-with-inputs", replay_with_inputs, "POST", consumes=FORM),
    route("executions/{id}/force-run", force_run, "POST"),
    route("executions/{id}/unqueue", unqueue, "POST"),
    route("executions/{id}/change-status", change_status, "POST"),
    route("executions/{id}/state", change_task_run, "POST", consumes=JSON, body_name="stateRequest"),
    route("executions/{id}/labels", label, "POST", consumes=JSON, body_name="labels"),
    route("executions/{id}/kill", kill, "DELETE"),
    route("executions/{id}/flow", flow),
]
