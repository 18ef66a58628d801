"""The endpoints of the files that executions store: content, size, preview."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from pytest_kestra.engine.api.calls import API, Call, json_response, route
from pytest_kestra.engine.api.executions import lookup, previews
from pytest_kestra.engine.api.namespaces import paths
from pytest_kestra.engine.api.problems import Problem, not_found
from pytest_kestra.engine.jvm import java, to_java

BINARY = "application/octet-stream"


def file(call: Call) -> Response:
    """Answer the content of a file of an execution."""
    execution, uri = _named(call)
    if elsewhere := _elsewhere(call, execution, uri, "file"):
        return elsewhere
    with _opened(call, execution, uri) as stream:
        content = bytes(stream.readAllBytes())
    name = str(java("org.apache.commons.io.FilenameUtils").getName(str(uri)))
    plain = name.encode("ascii", "replace").decode()
    headers = {"content-disposition": f"attachment; filename=\"{plain}\"; filename*=utf-8''{quote(name, safe='')}"}
    return Response(content, media_type=BINARY, headers=headers)


def file_metas(call: Call) -> Response:
    """Answer the size of a file of an execution."""
    execution, uri = _named(call)
    if elsewhere := _elsewhere(call, execution, uri, "file/metas"):
        return elsewhere
    place = _place(call, execution, uri)
    if str(place.getScheme()) == "file":
        size = _local(call).getAttributes(place).size()
    else:
        size = call.kestra.storage.getAttributes(call.tenant, execution.getNamespace(), place).getSize()
    return json_response(call.kestra, to_java({"size": size}))


def file_preview(call: Call) -> Response:
    """Answer the first rows of a file of an execution."""
    execution, uri = _named(call)
    # As in Kestra, what another execution has stored is shown.
    _elsewhere(call, execution, uri, "file")
    encoding = call.query.get("encoding") or previews.UTF_8
    previews.charset(encoding)
    rows = call.number("maxRows", _setting(call, "initial-rows", 100))
    extension = str(java("org.apache.commons.io.FilenameUtils").getExtension(str(uri)))
    with _opened(call, execution, uri) as stream:
        shown = previews.preview(stream, extension, encoding, min(rows, _setting(call, "max-rows", 5000)))
    return json_response(call.kestra, shown)


def _named(call: Call) -> tuple[Any, Any]:
    """Return the execution and the URI that a request names."""
    uri, execution_id = paths.required_uri(call, "path"), call.path["id"]
    return lookup.execution(call, message=f"Not Found: Unable to find execution id '{execution_id}'"), uri


def _elsewhere(call: Call, execution: Any, uri: Any, route: str) -> Response | None:
    """Return a redirection to the execution that has stored a file, if that is another one; a Problem if none has."""
    if str(uri.getScheme()) == "file":
        if not _property(call, "kestra.local-files.enable-preview", "java.lang.Boolean", default=True):
            raise Problem(403, "Forbidden: Local file preview is disabled")
        return None
    if str(uri.getScheme()) == "nsfile":
        if uri.getAuthority() is not None:
            namespaces = call.kestra.bean("io.kestra.core.services.NamespaceService")
            namespaces.checkAllowedNamespace(call.tenant, uri.getAuthority(), call.tenant, execution.getNamespace())
        return None
    context, path = java("io.kestra.core.storages.StorageContext"), str(uri.getPath())
    if path.startswith(str(context.forExecution(execution).getExecutionStorageURI().getPath())):
        return None
    flow = call.kestra.flows.findById(call.tenant, execution.getNamespace(), execution.getFlowId())
    if flow.isEmpty():
        raise not_found(f"Not Found: Unable to find flow id '{execution.getFlowId()}'")
    states = context.forFlow(flow.get())
    if any(
        path.startswith(str(states.getStateStorePrefix(None, of_namespace, None))) for of_namespace in (False, True)
    ):
        return None
    owner = context.extractExecutionId(uri)
    if owner.isEmpty():
        raise Problem(422, "Illegal argument: Invalid prefix path")
    location = f"{API}/{call.tenant}/executions/{quote(str(owner.get()))}/{route}?path={uri.toASCIIString()}"
    return Response(status_code=301, headers={"location": location})


@contextlib.contextmanager
def _opened(call: Call, execution: Any, uri: Any) -> Iterator[Any]:
    place = _place(call, execution, uri)
    if str(place.getScheme()) == "file":
        stream = _local(call).get(place)
    else:
        stream = call.kestra.storage.get(call.tenant, execution.getNamespace(), place)
    try:
        yield stream
    finally:
        stream.close()


def _place(call: Call, execution: Any, uri: Any) -> Any:
    """Return where a file is: in the internal storage, or on the disk of this machine."""
    scheme = str(uri.getScheme())
    if scheme in ("kestra", "file"):
        return uri
    if scheme != "nsfile":
        raise Problem(422, f"Illegal argument: Scheme not supported: {scheme}")
    files = call.kestra.files.of(call.tenant, execution.getNamespace(), call.kestra.storage)
    return files.get(java("java.nio.file.Path").of(uri.getPath())).uri()


def _local(call: Call) -> Any:
    return call.kestra.bean("io.kestra.core.runners.LocalPathFactory").createLocalPath()


def _setting(call: Call, name: str, default: int) -> int:
    return int(_property(call, f"kestra.server.preview.{name}", "java.lang.Integer", default=default))


def _property(call: Call, name: str, type_name: str, *, default: Any) -> Any:
    return call.kestra.context.getProperty(name, java(type_name).class_).orElse(default)


ROUTES = [
    route("executions/{id}/file", file),
    route("executions/{id}/file/metas", file_metas),
    route("executions/{id}/file/preview", file_preview),
]
