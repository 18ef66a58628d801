"""The endpoints of namespace files."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from pytest_kestra.engine.api import archives, queries
from pytest_kestra.engine.api.calls import FORM, Call, json_response, route
from pytest_kestra.engine.api.flows import sources
from pytest_kestra.engine.api.namespaces import paths
from pytest_kestra.engine.api.problems import Problem, missing, not_found
from pytest_kestra.engine.jvm import java, to_java

BINARY = "application/octet-stream"
# The longest name that file systems take, in bytes.
LONGEST = 255


def content(call: Call) -> Response:
    """Answer the content of a file, of its last revision or the one that is asked for."""
    path = paths.path(call.required("path"))
    revision = java("java.lang.Integer")(call.number("revision", 0)) if "revision" in call.query else None
    data = archives.read(_files(call).getFileContent(path, revision))
    return Response(data, media_type=BINARY, headers={"cache-control": "no-cache"})


def stats(call: Call) -> Response:
    """Answer the size, the dates and the type of a file or folder."""
    files, path = _files(call), paths.path(call.query.get("path") or "/")
    _make_root(files, path)
    return json_response(call.kestra, files.getFileMetadata(path))


def revisions(call: Call) -> Response:
    """Answer the revisions of a file."""
    path = paths.checked(paths.uri(call.query.get("path", "/")))
    found = _find(call, "ALL", deleted=True, PATH=path)
    if not any(entry.isLast() and not entry.isDeleted() for entry in found):
        raise not_found(f"Not Found: File not found: {path}")
    revision = java("io.kestra.core.storages.NamespaceFileRevision")
    return json_response(call.kestra, to_java([revision(call.kestra.file_revision(entry)) for entry in found]))


def search(call: Call) -> Response:
    """Answer the paths of the files whose path contains a text."""
    found = _files(call).all(call.required("q"))
    return json_response(call.kestra, to_java([str(file.filePath()) for file in found]))


def upload(call: Call) -> Response:
    """Store a file, or all files of a ZIP archive."""
    path = call.required("path")
    part = dict(call.fields).get("fileContent")
    if part is None or isinstance(part, str):
        raise missing("fileContent", "Part")
    name, data = part
    if name.lower().endswith(".zip"):
        for entry, packed in archives.unpacked(data):
            _store(call, f"/{entry}", packed)
    else:
        _store(call, path, data)
    return Response(status_code=200)


def move(call: Call) -> Response:
    """Move a file or folder with all its revisions."""
    source, target = (paths.of_uri(paths.required_uri(call, name)) for name in ("from", "to"))
    files = _files(call)
    if files.exists(target):
        raise Problem(409, f"Conflict: File '{target}' already exists in namespace '{call.path['namespace']}'.")
    files.move(source, target)
    return Response(status_code=200)


def delete(call: Call) -> Response:
    """Delete a file or folder, and the folders above that have nothing else in them."""
    path = call.required("path")
    chosen = str(paths.path(path if path.startswith("/") else f"/{path}"))
    parent_of = java("io.kestra.core.models.namespaces.files.NamespaceFileMetadata").parentPath
    while (parent := parent_of(chosen)) not in (None, "/"):
        if len(_find(call, "LATEST", deleted=False, PARENT_PATH=parent)) != 1:
            break
        chosen = parent
    _files(call).delete(paths.path(chosen))
    return Response(status_code=200)


def directory(call: Call) -> Response:
    """Answer what is in a folder."""
    files, path = _files(call), paths.path(call.query.get("path") or "/")
    _make_root(files, path)
    if not files.exists(path):
        raise not_found(f"Not Found: Directory not found: {path}")
    attributes = java("io.kestra.core.storages.NamespaceFileAttributes")
    return json_response(call.kestra, to_java([attributes(entry) for entry in files.children(str(path), False)]))


def make_directory(call: Call) -> Response:
    """Make a folder."""
    _files(call).createDirectory(paths.path(call.query.get("path") or "/"))
    return Response(status_code=200)


def export(call: Call) -> Response:
    """Answer a ZIP archive of all files of a namespace, and of its flows."""
    files, namespace = _files(call), call.path["namespace"]
    names = sorted(str(entry.getPath()) for entry in files.children("/", True) if not entry.isDirectory())
    entries = [(name[1:], archives.read(files.getFileContent(paths.path(name)))) for name in names]
    flows = call.kestra.flows.findByNamespaceWithSource(call.tenant, namespace)
    entries += [(f"_flows/{flow.getId()}.yml", str(flow.getSource()).encode()) for flow in flows]
    headers = {"content-disposition": f'attachment; filename="{quote(namespace)}_files.zip"'}
    return Response(archives.packed(entries), media_type=BINARY, headers=headers)


def _store(call: Call, path: str, data: bytes) -> None:
    checked = str(paths.uri(path).getPath())
    if re.fullmatch(r"/_flows/.*", checked):
        _store_flow(call, checked, data)
        return
    if any(len(part.encode()) > LONGEST for part in checked.split("/")):
        message = f"Illegal argument: A file or folder name exceeds the maximum length of {LONGEST} characters."
        raise Problem(422, message)
    _files(call).putFile(paths.path(path), java("java.io.ByteArrayInputStream")(data))


def _store_flow(call: Call, path: str, data: bytes) -> None:
    if len(path.rstrip("/").split("/")) != 3:
        raise Problem(422, f"Illegal argument: Invalid flow file path: {path}")
    line, text = f"namespace: {call.path['namespace']}", data.decode("utf-8", errors="replace")
    source = re.sub(r"^namespace: .*$", lambda _: line, text, count=1, flags=re.MULTILINE)
    sources.load(call, source)


def _files(call: Call) -> Any:
    return call.kestra.files.of(call.tenant, call.path["namespace"], call.kestra.storage)


def _make_root(files: Any, path: Any) -> None:
    if str(path) == "/" and not files.exists(path):
        files.createDirectory(path)


def _find(call: Call, versions: str, *, deleted: bool, **fields: str) -> Any:
    """Return what is known of the files of a namespace that have these values, deleted ones as well if asked for."""
    repository = call.kestra.bean("io.kestra.core.repositories.NamespaceFileMetadataRepositoryInterface")
    names = java("io.kestra.core.models.QueryFilter$Field")
    wanted = {"NAMESPACE": call.path["namespace"]} | fields
    filters = to_java(
        [queries.made(str(names.valueOf(name).value()), "EQUALS", value) for name, value in wanted.items()]
    )
    unpaged = java("io.micronaut.data.model.Pageable").UNPAGED
    return repository.find(
        unpaged, call.tenant, filters, deleted, java("io.kestra.core.models.FetchVersion").valueOf(versions)
    )


ROUTES = [
    route("namespaces/{namespace}/files", content),
    route("namespaces/{namespace}/files", upload, "POST", consumes=FORM),
    route("namespaces/{namespace}/files", move, "PUT"),
    route("namespaces/{namespace}/files", delete, "DELETE"),
    route("namespaces/{namespace}/files/directory", directory),
    route("namespaces/{namespace}/files/directory", make_directory, "POST"),
    route("namespaces/{namespace}/files/export", export),
    route("namespaces/{namespace}/files/revisions", revisions),
    route("namespaces/{namespace}/files/search", search),
    route("namespaces/{namespace}/files/stats", stats),
]
