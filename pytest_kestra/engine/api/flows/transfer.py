"""The endpoints that bring flows in and out as files."""

from __future__ import annotations

import csv
import io
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import FORM, JSON, Call, json_response, route
from pytest_kestra.engine.api.flows import sources
from pytest_kestra.engine.api.flows.batches import by_ids, by_query
from pytest_kestra.engine.api.problems import Problem, missing
from pytest_kestra.engine.jvm import java, to_java

OCTETS = "application/octet-stream"


def import_flows(call: Call) -> Response:
    """Store the flows of a YAML or ZIP file and answer the names of those that were not stored."""
    name, content = _upload(call)
    wrong: list[str] = []

    def store(source: str, place: str) -> None:
        try:
            sources.load(call, source)
        except (Problem, java("java.lang.Exception")):
            wrong.append(str(place))

    try:
        call.kestra.read_flows(_file(name, content), store)
    except java("java.io.IOException"):
        return Response(status_code=400)
    if wrong and call.flag("failOnError"):
        raise Problem(422, f"Illegal argument: Following invalid flows were not imported: {', '.join(wrong)}")
    return json_response(call.kestra, to_java(wrong))


def export_by_ids(call: Call) -> Response:
    """Answer a ZIP file with the sources of flows that are named; all must be there."""
    return _zip(by_ids(call), lambda flow: f"{flow.getNamespace()}.{flow.getId()}.yaml")


def export_by_query(call: Call) -> Response:
    """Answer a ZIP file with the sources of the flows that a search finds."""
    return _zip(by_query(call), lambda flow: f"{flow.getNamespace()}-{flow.getId()}.yml")


def export_csv(call: Call) -> Response:
    """Answer the flows that a search finds as lines; the first flow says which columns there are."""
    kestra, text = call.kestra, java("java.util.Objects").toString
    flows = kestra.flows.findAsync(call.tenant, queries.filters(call)).collectList().block()
    rows = [kestra.json.convertValue(flow, java("java.util.Map").class_) for flow in flows]
    columns = [str(column) for column in rows[0].keySet()] if rows else []
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if rows:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([text(row.get(column), "") for column in columns])
    headers = {"content-disposition": "attachment; filename=flows.csv"}
    return Response(lines.getvalue(), media_type="text/csv", headers=headers)


def _zip(flows: list[Any], name: Any) -> Response:
    content = bytes(java("io.kestra.core.models.HasSource").asZipFile(to_java(flows), name))
    return Response(content, media_type=OCTETS, headers={"content-disposition": 'attachment; filename="flows.zip"'})


def _upload(call: Call) -> tuple[str, bytes]:
    for field, value in call.fields:
        if field == "fileUpload" and not isinstance(value, str):
            name, content = value
            if "." not in name:
                raise Problem(422, f"Illegal argument: Cannot import file of type {name}")
            return name, content
    raise missing("fileUpload", "Part")


def _file(name: str, content: bytes) -> Any:
    import jpype

    stream = java("java.io.ByteArrayInputStream")(content)
    methods = {"getFilename": lambda: name, "getInputStream": lambda: stream}
    return jpype.JProxy("io.micronaut.http.multipart.CompletedFileUpload", dict=methods)


ROUTES = [
    route("flows/import", import_flows, "POST", consumes=FORM),
    route("flows/export/by-ids", export_by_ids, "POST", consumes=JSON, body_name="ids"),
    route("flows/export/by-query", export_by_query),
    route("flows/export/by-query/csv", export_csv),
]
