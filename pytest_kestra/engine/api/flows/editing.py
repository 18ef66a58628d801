"""The endpoints of one flow: create, read, update, delete."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import JSON, YAML, Call, json_response, route
from pytest_kestra.engine.api.contents import by_content
from pytest_kestra.engine.api.flows import sources
from pytest_kestra.engine.api.problems import Problem, not_found, require_least
from pytest_kestra.engine.jvm import java, to_java


def create(call: Call) -> Response:
    """Check and store a new flow."""
    return json_response(call.kestra, sources.create(call, _told(call)))


def create_from_json(call: Call) -> Response:
    """Check and store a new flow that is told as JSON; deprecated, but served."""
    return json_response(call.kestra, sources.create(call, _from_json(call)).toFlow())


def update(call: Call) -> Response:
    """Check a flow that exists and store it as a new revision; the same text keeps the revision."""
    existing = _find(call)
    flow = _told(call)
    if not _is_draft(call):
        # The repository checks the values, but only this parsing refuses unknown properties.
        sources.check(call, call.text)
    return json_response(call.kestra, sources.update(call, flow, existing))


def update_from_json(call: Call) -> Response:
    """Store a flow that is told as JSON as a new revision; deprecated, but served."""
    existing = _find(call)
    return json_response(call.kestra, sources.update(call, _from_json(call), existing).toFlow())


def get(call: Call) -> Response:
    """Answer a flow, with its source if asked."""
    read = call.kestra.flows.findByIdWithSource if call.flag("source") else call.kestra.flows.findById
    found = read(*_key(call), call.optional_number("revision"), call.flag("allowDeleted"))
    if found.isEmpty():
        raise not_found()
    return json_response(call.kestra, found.get())


def delete(call: Call) -> Response:
    """Delete a flow, which makes one more revision of it."""
    call.kestra.flow_service.delete(_find_with_source(call))
    return Response(status_code=204)


def revisions(call: Call) -> Response:
    """Answer all revisions of a flow, none where there is no such flow."""
    return json_response(call.kestra, call.kestra.flows.findRevisions(*_key(call), call.flag("allowDelete")))


def delete_revisions(call: Call) -> Response:
    """Delete revisions of a flow; with the last one the flow is deleted."""
    numbers = call.numbers("revisions")
    for index, number in enumerate(numbers):
        require_least(f"deleteRevisions.revisions[{index}]<list element>", number, 1)
    _find_with_source(call)
    call.kestra.flows.deleteRevisions(*_key(call), to_java([java("java.lang.Integer")(number) for number in numbers]))
    return Response(status_code=204)


def task(call: Call) -> Response:
    """Answer a task of a flow, however deep it is."""
    found = call.kestra.flows.findById(*_key(call), call.optional_number("revision"))
    if found.isEmpty():
        raise not_found()
    return json_response(call.kestra, _task(found.get(), call.path["taskId"]))


def update_task(call: Call) -> Response:
    """Replace a task of a flow; deprecated, but served. The source is written anew."""
    flow, task_id = _find(call), call.path["taskId"]
    new = call.read("io.kestra.core.models.tasks.Task")
    call.kestra.bean("io.kestra.core.models.validations.ModelValidator").validate(new)
    if new.getId() != task_id:
        raise Problem(422, f"Illegal argument: Invalid taskId, previous '{task_id}' & current '{new.getId()}'")
    _task(flow, task_id)
    source = flow.updateTask(task_id, new).sourceOrGenerateIfNull()
    return json_response(call.kestra, sources.update(call, sources.parse(call, source), flow).toFlow())


def _key(call: Call) -> tuple[str, str, str]:
    return call.tenant, call.path["namespace"], call.path["id"]


def _find(call: Call) -> Any:
    found = call.kestra.flows.findById(*_key(call))
    if found.isEmpty():
        raise not_found()
    return found.get()


def _find_with_source(call: Call) -> Any:
    found = call.kestra.flows.findByIdWithSource(*_key(call))
    if found.isEmpty():
        raise not_found()
    return found.get()


def _task(flow: Any, task_id: str) -> Any:
    try:
        return flow.findTaskByTaskId(task_id)
    except java("io.kestra.core.exceptions.InternalException") as error:
        raise not_found() from error


def _is_draft(call: Call) -> bool:
    """Say whether a revision is to be a draft, which Kestra 2.0 does not check, nor run where no revision is named."""
    return call.kestra.line != "1.3" and call.flag("draft")


def _told(call: Call) -> Any:
    flow = sources.parse(call, call.text)
    return flow.toBuilder().draft(True).build() if _is_draft(call) else flow


def _from_json(call: Call) -> Any:
    flow = call.read("io.kestra.core.models.flows.Flow")
    return sources.parse(call, flow.sourceOrGenerateIfNull())


ROUTES = [
    by_content("flows", {YAML: create, JSON: create_from_json}, "POST", body_name="flow", refuse=False),
    route("flows/{namespace}/{id}", get),
    by_content("flows/{namespace}/{id}", {YAML: update, JSON: update_from_json}, "PUT", body_name="source"),
    route("flows/{namespace}/{id}", delete, "DELETE"),
    route("flows/{namespace}/{id}/revisions", revisions),
    route("flows/{namespace}/{id}/revisions", delete_revisions, "DELETE"),
    route("flows/{namespace}/{id}/tasks/{taskId}", task),
    route("flows/{namespace}/{id}/{taskId}", update_task, "PATCH", consumes=JSON, body_name="task"),
]
