"""The endpoints of the files that executions store: content, size, preview."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.api.problems import Problem, not_found
from pytest_kestra.engine.jvm import java, to_java


def file(call: Call) -> Response:
    """Answer the content of a file of an execution."""
    execution, uri = _file(call)
    stream = call.kestra.storage.get(call.tenant, execution.getNamespace(), uri)
    try:
        content = bytes(stream.readAllBytes())
    finally:
        stream.close()
    name = str(uri.getPath()).rpartition("/")[2]
    # A header takes Latin-1 only.
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type="application/octet-stream", headers=headers)


def file_metas(call: Call) -> Response:
    """Answer the size of a file of an execution."""
    execution, uri = _file(call)
    attributes = call.kestra.storage.getAttributes(call.tenant, execution.getNamespace(), uri)
    return json_response(call.kestra, to_java({"size": attributes.getSize()}))


def _file(call: Call) -> tuple[Any, Any]:
    found = call.kestra.executions.findById(call.tenant, call.path["id"])
    if found.isEmpty():
        raise not_found()
    execution, uri = found.get(), java("java.net.URI").create(call.required("path"))
    # Only what this execution stored may be read through it.
    prefix = java("io.kestra.core.storages.StorageContext").forExecution(execution).getExecutionStorageURI().getPath()
    if not str(uri.getPath()).startswith(str(prefix)):
        raise Problem(422, f"Illegal argument: Invalid path, got '{uri.getPath()}'")
    return execution, uri


ROUTES = [
    route("executions/{id}/file", file),
    route("executions/{id}/file/metas", file_metas),
]
